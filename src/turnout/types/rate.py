"""How fast a caller may go on: what limits hold for a request, and what is left of them."""

from __future__ import annotations

from datetime import datetime
from typing import NamedTuple

from turnout.types.tenant import RateLimit


class Limited(NamedTuple):
    """Somebody with a rate limit.

    Attributes:
        name: whose it is, as it is counted; the same in every process.
        whose: the same in words, at the beginning of a sentence.
        limit: the limit.
    """

    name: str
    whose: str
    limit: RateLimit


class Allowance(NamedTuple):
    """What is left of a limit.

    Attributes:
        limit: what there is in a minute.
        remaining: what is left of it.
        resets_s: in how many seconds all of it is there again, if nothing more is used.
    """

    limit: int
    remaining: int
    resets_s: float


class Standing(NamedTuple):
    """How a caller stands: of all limits that hold for it, those of which the least is left.

    Attributes:
        at: when it stands so, aware.
        requests: requests; None where nothing limits them.
        tokens: tokens of input and output; None as well.
    """

    at: datetime
    requests: Allowance | None = None
    tokens: Allowance | None = None
