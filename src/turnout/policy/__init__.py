"""Policies decide. They are pure: no I/O, no clock, and no randomness but what they are given."""
