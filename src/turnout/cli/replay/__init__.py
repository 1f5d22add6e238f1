"""`turnout replay`."""
