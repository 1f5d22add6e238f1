"""What the layer tells of itself while it runs: metrics, traces, logs."""
