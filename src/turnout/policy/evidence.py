"""What is found out about a route's answers, beside the traffic."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal

from turnout.confidence.signal import Signal
from turnout.confidence.signals.judge import Judge
from turnout.confidence.signals.normal import By


@dataclass(frozen=True, slots=True)
class Judging:
    """A model grades a share of the answers.

    Attributes:
        judge: who, and by what rubric.
        share: of the requests that were answered.
        daily_usd: the most that it may cost in a day (UTC), in USD.
    """

    judge: Judge
    share: float
    daily_usd: Decimal


@dataclass(frozen=True, slots=True)
class Checking:
    """Some answers are checked for what can be told without a model.

    Attributes:
        signals: each is 1 where something is wrong, and asks nothing.
        share: of the requests that were answered.
    """

    signals: tuple[Signal, ...]
    share: float


@dataclass(frozen=True, slots=True)
class Evidence:
    """What is found out about a route's answers.

    Attributes:
        judging: by a model; None for none.
        agreeing: with which shadow's answers they are compared, and by what; None for none's.
        checking: by their form; None for not.
    """

    judging: Judging | None = None
    agreeing: tuple[str, By] | None = None
    checking: Checking | None = None
