"""`turnout flags`: feature flags from the command line."""
