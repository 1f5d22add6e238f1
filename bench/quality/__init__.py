"""Measures what the learning parts are worth, on public data that lies beside the project."""
