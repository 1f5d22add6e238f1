"""What policies are worth on recorded traffic: quality, cost and latency, with intervals and a verdict."""
