"""`turnout evaluate`: what policies are worth on recorded traffic."""
