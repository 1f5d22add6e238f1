"""Calls are made here: one resilience idea per module; `executor` states the order as nesting."""
