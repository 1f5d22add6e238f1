"""`turnout drill`: an outage on purpose, and what came of it."""
