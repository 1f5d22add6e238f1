"""Fakes and drills that turnout ships for its users: providers that fail on demand, and models on this machine."""
