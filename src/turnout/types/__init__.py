"""The nouns that every package shares: frozen values without I/O."""
