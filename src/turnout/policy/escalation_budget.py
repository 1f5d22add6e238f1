"""A bound on escalations that holds at any time, and is spent on the worst answers.

Each request earns a share of an escalation, and an escalation takes a whole one, so that of any number of requests from
the start on no more than the share is escalated (a token bucket). While there is plenty, the cascade's threshold holds.
When it runs short, only answers among the worst of late are escalated: those below the quantile of recent ranks that
the share corresponds to. The price: in a spell of hard requests, answers are kept that would else be escalated.
"""

from __future__ import annotations

from collections import deque
from typing import Final

_RECENT: Final = 500
"""Ranks from which the quantile is taken."""
_FEWEST: Final = 50
"""Fewer tell no quantile."""
_MOST_REQUESTS: Final = 500
"""What is earned in so many requests is the most that can be saved up: a quiet night buys no wild morning."""
_PLENTY: Final = 0.25
"""The share of the most that can be saved up, from which on there is plenty."""


class EscalationBudget:
    """Says who may be escalated.

    Args:
        at_most: the share of the requests that may be, above 0 and below 1.
    """

    def __init__(self, at_most: float) -> None:
        self.at_most = at_most
        self._most = max(1.0, at_most * _MOST_REQUESTS)
        self._earned = 0.0
        self._recent: deque[float] = deque(maxlen=_RECENT)

    @property
    def spent(self) -> bool:
        """Whether no further escalation is allowed now; what the request itself earns is counted in."""
        return self._earned + self.at_most < 1.0

    @property
    def keep_from(self) -> float | None:
        """The rank from which answers are kept now, whatever the threshold; None while there is plenty."""
        if len(self._recent) < _FEWEST or self._earned >= _PLENTY * self._most:
            return None
        return sorted(self._recent)[int(self.at_most * len(self._recent))]

    def note(self, rank: float, *, escalated: bool) -> None:
        """An answer of this rank (`Judged.rank`) was judged."""
        self._recent.append(rank)
        self._earned = min(self._earned + self.at_most, self._most)
        if escalated:
            self._earned -= 1.0
