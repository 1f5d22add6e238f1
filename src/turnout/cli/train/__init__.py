"""`turnout train`: from labelled traffic, or a handful of phrases, to a classifier."""
