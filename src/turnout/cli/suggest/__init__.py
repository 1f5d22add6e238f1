"""`turnout suggest`."""
