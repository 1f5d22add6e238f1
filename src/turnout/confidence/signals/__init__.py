"""The signals of an answer: one number each, in small modules of one shape. `table.py` lists them."""
