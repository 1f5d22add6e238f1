"""Budgets that hold: the worst price of every call is reserved before it, and what it cost is booked after it."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Sequence
from decimal import ROUND_CEILING, Context, Decimal
from functools import lru_cache
from typing import Final, NamedTuple
from zoneinfo import ZoneInfo

from turnout.state.counters import Account, Counters, Full, Held, Hold, Tally, Unreachable
from turnout.tenancy.lines import Lines
from turnout.tenancy.periods import Span, span_of
from turnout.types.clock import Clock
from turnout.types.request import Caller
from turnout.types.spend import BudgetState, Quote, Refusal, Refused, Reservation
from turnout.types.target import Target
from turnout.types.tenant import Budget, Period

MOST: Final = (1 << 62) - 1
"""The largest amount, in pico-USD: about 4.6 million USD."""

_EXACT: Final = Context(prec=60)
OfTenant = Callable[[str], Sequence[Budget]]


class _Applied(NamedTuple):
    """A budget that a request falls under, and whose share of it."""

    budget: Budget
    subject: str


class _Window(NamedTuple):
    """A period as accounts are named after it, and its ends in seconds of the epoch."""

    span: Span
    name: str = ""
    begins: float = -math.inf
    ends: float = math.inf

    @classmethod
    def of(cls, span: Span) -> _Window:
        if span.begins is None or span.ends is None:
            return cls(span)
        return cls(span, span.begins.isoformat(timespec="minutes"), span.begins.timestamp(), span.ends.timestamp())


class Budgets:
    """Every budget there is.

    Args:
        counters: where what was spent and what is held is counted.
        clock: wall time tells the period.
        budgets: those that hold for everybody.
        of_tenant: those of one tenant, by its name.
    """

    def __init__(
        self, counters: Counters, clock: Clock, budgets: Sequence[Budget] = (), of_tenant: OfTenant = lambda _: ()
    ) -> None:
        self._counters = counters
        self._clock = clock
        self._budgets = tuple(budgets)
        self._of_tenant = of_tenant
        self._windows: dict[tuple[Period, str], _Window] = {}
        self._lines = Lines()

    def renewed(self, budgets: Sequence[Budget], of_tenant: OfTenant) -> Budgets:
        """Others over the same counts: what was spent of a budget stays spent while it keeps its name."""
        renewed = Budgets(self._counters, self._clock, budgets, of_tenant)
        renewed._lines = self._lines
        return renewed

    def spend(self, caller: Caller, route: str) -> RequestSpend | None:
        """What pays the calls of a caller's request; None where it falls under no budget, and costs nothing."""
        own = self._of_tenant(caller.tenant)
        if not self._budgets and not own:
            return None
        applied = [each for each in self._all(own) if each.of != "provider"]
        fixed = [_Applied(each, subject) for each in applied if (subject := _subject(each, caller, route)) is not None]
        providers = [each for each in self._all(own) if each.of == "provider"]
        return RequestSpend(self, fixed, providers) if fixed or providers else None

    async def states(self, caller: Caller, route: str, providers: Sequence[str] = ()) -> tuple[BudgetState, ...]:
        """How every budget stands that a caller's request falls under, and its calls to `providers`."""
        applied = self._falls_under(caller, route, providers)
        accounts = [self.account(each.budget, each.subject) for each in applied]
        tallies = await self._counters.read(accounts) if accounts else {}
        return tuple(
            self._state(each, tallies.get(account, Tally())) for each, account in zip(applied, accounts, strict=True)
        )

    def glance(self, caller: Caller, route: str, providers: Sequence[str] = ()) -> tuple[BudgetState, ...]:
        """The same as last heard, without asking."""
        return tuple(
            self._state(each, self._counters.glance(self.account(each.budget, each.subject)))
            for each in self._falls_under(caller, route, providers)
        )

    def _falls_under(self, caller: Caller, route: str, providers: Sequence[str]) -> list[_Applied]:
        return [
            _Applied(each, subject)
            for each in self._all(self._of_tenant(caller.tenant))
            for subject in (providers if each.of == "provider" else (_subject(each, caller, route),))
            if subject is not None and (each.of != "provider" or each.only in {None, subject})
        ]

    def account(self, budget: Budget, subject: str) -> Account:
        """Where a budget is counted for a subject in the period that it is now."""
        window = self._window(budget)
        return Account(f"budget:{budget.name}:{subject}", window.name, window.ends)

    def span(self, budget: Budget) -> Span:
        """The budget's period now."""
        return self._window(budget).span

    def _window(self, budget: Budget) -> _Window:
        known = self._windows.get((budget.per, budget.timezone))
        if known is None or not known.begins <= self._clock.now().timestamp() < known.ends:
            known = _Window.of(span_of(budget.per, ZoneInfo(budget.timezone), self._clock.now()))
            self._windows[budget.per, budget.timezone] = known
        return known

    async def reserve(self, holds: Sequence[Hold], *, wait: bool) -> Held | Full:
        """Hold all of `holds`, or nothing, as `Spend.reserve`. Raises `Unreachable`."""
        if not wait:
            return self._lines.behind(self._counters, holds) or await self._counters.reserve(holds)
        return await self._lines.reserve(self._counters, holds)

    def settle(self, held: Held, amount: int) -> None:
        """Book `amount` for a reservation, of every budget."""
        self._counters.settle(held, [amount] * len(held.holds))
        self._lines.moved(hold.account for hold in held.holds)

    def _all(self, own: Sequence[Budget]) -> Iterator[Budget]:
        yield from self._budgets
        yield from own

    def _state(self, applied: _Applied, tally: Tally) -> BudgetState:
        budget, span = applied.budget, self.span(applied.budget)
        return BudgetState(
            budget=budget.name,
            subject=applied.subject,
            usd=budget.usd,
            spent_usd=_usd(tally.spent),
            held_usd=_usd(tally.held),
            per=budget.per,
            began=span.begins,
            resets=span.ends,
            hard=budget.hard,
            revenue=budget.revenue,
        )


class RequestSpend:
    """See `turnout.types.spend.Spend`."""

    __slots__ = ("_budgets", "_fixed", "_providers")

    def __init__(self, budgets: Budgets, fixed: Sequence[_Applied], providers: Sequence[Budget]) -> None:
        self._budgets = budgets
        self._fixed = fixed
        self._providers = providers

    async def reserve(self, target: Target, quote: Quote | None, *, wait: bool) -> Reservation | Refusal:
        """See `Spend.reserve`."""
        applied = [*self._fixed, *self._of(target.provider)]
        if quote is None:
            hard = next((each.budget for each in applied if each.budget.hard), None)
            if hard is not None:
                return Refusal(reason=Refused.PRICE_UNKNOWN, budget=hard.name)
            quote = Quote(Decimal(0), Decimal(0))
        worst, likely = pico(quote.worst), pico(quote.likely)
        holds = [self._hold(each, worst, likely) for each in applied]
        try:
            held = await self._budgets.reserve(holds, wait=wait)
        except Unreachable:
            closed = (
                each for each, hold in zip(applied, holds, strict=True) if hold.limit is not None and not hold.lease
            )
            return self._refusal(Refused.BUDGET_UNREACHABLE, next(closed))
        if isinstance(held, Full):
            reason = Refused.BUDGET_BUSY if held.busy else Refused.OVER_BUDGET
            full = next(each for each, hold in zip(applied, holds, strict=True) if hold.account == held.hold.account)
            return self._refusal(reason, full)
        return _Reserved(self._budgets, held)

    def _of(self, provider: str) -> Iterator[_Applied]:
        for budget in self._providers:
            if budget.only in {None, provider}:
                yield _Applied(budget, provider)

    def _hold(self, applied: _Applied, worst: int, likely: int) -> Hold:
        budget = applied.budget
        limit = _limit(budget.usd) if budget.hard else None
        lease = math.floor((limit or 0) * budget.alone)
        return Hold(self._budgets.account(budget, applied.subject), worst, likely, limit, lease)

    def _refusal(self, reason: Refused, applied: _Applied) -> Refusal:
        return Refusal(reason=reason, budget=applied.budget.name, resets=self._budgets.span(applied.budget).ends)


class _Reserved:
    """See `turnout.types.spend.Reservation`."""

    __slots__ = ("_budgets", "_held")

    def __init__(self, budgets: Budgets, held: Held) -> None:
        self._budgets = budgets
        self._held: Held | None = held

    def settle(self, usd: Decimal | None) -> None:
        """See `Reservation.settle`."""
        held, self._held = self._held, None
        if held is not None:
            self._budgets.settle(held, 0 if usd is None else pico(usd))


def pico(usd: Decimal) -> int:
    """Whole pico-USD, rounded up."""
    return min(int(usd.scaleb(12, _EXACT).to_integral_value(ROUND_CEILING)), MOST)


_limit = lru_cache(maxsize=4096)(pico)
"""Of a budget, which is the same for every request."""


def _usd(amount: int) -> Decimal:
    return Decimal(amount).scaleb(-12, _EXACT)


def _subject(budget: Budget, caller: Caller, route: str) -> str | None:
    """Whose share of a budget a request uses; None where it does not fall under it. Users and projects are a tenant's.

    Who names no user or project shares the account of all who do not, so that nobody escapes a budget by silence.
    """
    match budget.of:
        case "all":
            return "all"
        case "tenant":
            value = name = caller.tenant
        case "user":
            value, name = _of_tenant(caller, caller.user), caller.user or ""
        case "project":
            value, name = _of_tenant(caller, caller.project), caller.project or ""
        case _:
            value = name = route
    return value if budget.only in {None, name} else None


def _of_tenant(caller: Caller, name: str | None) -> str:
    """A name of a tenant's own: `acme/alice`. No other tenant's reads the same, whatever either is called."""
    return f"{caller.tenant.replace('%', '%25').replace('/', '%2F')}/{name or ''}"
