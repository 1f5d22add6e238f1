"""`python -m bench.ledger`: how fast the ledger takes decisions in, and answers, when there are many."""
