"""`turnout report`: what routing cost and saved."""
