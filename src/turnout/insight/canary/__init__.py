"""Canaries: a new policy beside the old one on the same traffic, compared while it runs."""
