"""Pages over the ledger, for people: what was decided, what it cost and saved, and how the targets are."""
