"""RECORD: the journal that a request is written to, the drain that empties it, and the store that answers questions."""
