"""Retries may add only so much to the traffic, so that an outage is not answered by a storm.

Each request earns a fraction of a retry and each retry spends a whole one: over any stretch of traffic, retries stay
below `ratio` of requests plus the small reserve that lets a quiet service retry at all (the token budget of Finagle's
`RetryBudget`).
"""

from __future__ import annotations


class RetryBudget:
    """A bounded account of retries."""

    def __init__(self, *, ratio: float = 0.2, reserve: float = 3.0) -> None:
        self._ratio = ratio
        self._reserve = reserve
        self._balance = reserve

    def earn(self) -> None:
        """A request was admitted."""
        self._balance = min(self._balance + self._ratio, self._reserve)

    @property
    def left(self) -> bool:
        """Whether there is one to spend."""
        return self._balance >= 1.0

    def spend(self) -> bool:
        """Take one retry; False if there is none."""
        if not self.left:
            return False
        self._balance -= 1.0
        return True
