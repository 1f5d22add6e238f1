"""Facts about models: what they charge, how much they read, what they lack."""
