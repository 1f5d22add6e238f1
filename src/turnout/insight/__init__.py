"""LEARN: questions to the ledger, and their answers."""
