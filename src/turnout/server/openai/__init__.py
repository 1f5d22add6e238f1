"""The surface of the OpenAI API."""
