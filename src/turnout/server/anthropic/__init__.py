"""The surface of the Anthropic API."""
