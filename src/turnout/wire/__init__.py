"""The dialects: pure, in both directions, shared by the server and the providers."""
