"""Answers that are given again: complete ones, to the same request of the same tenant."""
