"""Money that is reserved before a call and settled after it: what the caller of targets and the budgets agree on."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from decimal import Decimal
from enum import StrEnum
from typing import Final, Protocol

import msgspec

from turnout.types.target import Target


class Refused(StrEnum):
    """Why a call may not be paid; the reason for which its candidate is dropped."""

    OVER_BUDGET = "over_budget"
    """Not enough is left of a budget."""
    BUDGET_BUSY = "budget_busy"
    """Enough is left, but calls under way hold it, and did for as long as could be waited."""
    BUDGET_UNREACHABLE = "budget_unreachable"
    """What is left cannot be found out now, and the budget does not let in without."""
    LADDER = "ladder"
    """The last step of a policy `budget` is reached, which calls nobody."""
    PRICE_UNKNOWN = "price_unknown"
    """Nobody knows what the call would cost, so no hard budget could hold."""


class Refusal(msgspec.Struct, frozen=True, kw_only=True):
    """A call may not be paid.

    Attributes:
        reason: why.
        budget: the budget's name; None where no single one is at fault.
        resets: when the budget begins anew, aware; None where it never does.
        remembered: whether an answer that was given before may be given all the same.
    """

    reason: Refused
    budget: str | None = None
    resets: datetime | None = None
    remembered: bool = False


class Quote(msgspec.Struct, frozen=True):
    """What a call will cost, in USD.

    Attributes:
        worst: at the most.
        likely: probably.
    """

    worst: Decimal
    likely: Decimal


class Reservation(Protocol):
    """The worst price of one call, held until it is settled."""

    def settle(self, usd: Decimal | None) -> None:
        """Give it back, and book what the call cost; None books nothing. Only the first time counts."""
        ...


class Spend(Protocol):
    """Pays the calls of one request."""

    async def reserve(self, target: Target, quote: Quote | None, *, wait: bool) -> Reservation | Refusal:
        """Hold the price of a call, of every budget that it falls under.

        Args:
            target: what is to be called.
            quote: what it costs; None where that is unknown.
            wait: whether to wait, for as long as this is not cancelled, while only calls under way are in the way.
        """
        ...


class BudgetState(msgspec.Struct, frozen=True, kw_only=True):
    """How a budget stands.

    Attributes:
        budget: its name.
        subject: whose it is: the tenant's, user's, project's, route's or provider's name.
        usd: what may be spent in a period, in USD.
        spent_usd: what was.
        held_usd: what calls under way hold besides, at their worst.
        per: the period.
        began: when the period began, aware; None for a total.
        resets: when it begins anew, aware; None where it never does.
        hard: whether what does not fit is refused.
        revenue: whether `usd` is not a bound, but what the tenant pays in the period.
    """

    budget: str
    subject: str
    usd: Decimal
    spent_usd: Decimal
    held_usd: Decimal = Decimal(0)
    per: str
    began: datetime | None = None
    resets: datetime | None = None
    hard: bool = True
    revenue: bool = False

    @property
    def left_usd(self) -> Decimal:
        """What may still be spent, in USD; never below 0."""
        return max(self.usd - self.spent_usd, Decimal(0))

    @property
    def left(self) -> float:
        """The same as a share of the whole, 0 to 1."""
        return float(self.left_usd / self.usd) if self.usd else 0.0

    @property
    def used(self) -> float:
        """What was spent as a share of the whole; above 1 where a soft budget is passed."""
        return float(self.spent_usd / self.usd) if self.usd else 1.0

    def pace(self, now: datetime) -> float | None:
        """What was spent as a share of what an even pace would have spent by now; None for a total.

        Before a tenth of the period is over, that tenth is reckoned with: its first hours say nothing of the rest.
        """
        if self.began is None or self.resets is None:
            return None
        return self.used / max((now - self.began) / (self.resets - self.began), LEAST_ELAPSED)


LEAST_ELAPSED: Final = 0.1


def least_left(states: Iterable[BudgetState]) -> float | None:
    """The share that is left of the budget of which least is left; None where there is none."""
    return min((each.left for each in states if not each.revenue), default=None)
