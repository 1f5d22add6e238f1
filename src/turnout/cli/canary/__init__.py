"""`turnout canary`: a new policy takes a growing share of a route, and the evidence decides."""
