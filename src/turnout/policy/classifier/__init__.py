"""The policy `classifier`: which target will do, predicted before any call."""
