"""From labelled traffic to a classifier that chooses before the call."""
