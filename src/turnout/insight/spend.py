"""What a period's traffic was made of: requests, tokens and costs by tenant, route and target."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, datetime
from fractions import Fraction
from typing import Final, NamedTuple

import msgspec

from turnout.insight.spans import milliseconds
from turnout.ledger.rollups import DAY
from turnout.ledger.store import Store

_REQUESTS: Final = """
SELECT tenant, route, sum(decisions), sum(cached) FROM rollups
WHERE width = ? AND start >= ? AND start < ? GROUP BY 1, 2"""
_COSTS: Final = """
SELECT start, tenant, route, target, part, price_version, sum(attempts), sum(input_tokens), sum(cached_tokens),
    sum(output_tokens), sum(cost), sum(unpriced)
FROM cost_rollups WHERE start >= ? AND start < ? GROUP BY 1, 2, 3, 4, 5, 6"""
_OTHERS: Final = {"discarded": "escalated", "judge": "escalated", "shadow": "shadow"}
"""What a call that gave no answer belongs to; all others failed."""
_PICO: Final = 10**12
_EXACT: Final = 1e-6
"""The relative error up to which prices explain costs: they are linear in tokens but for rounding to pico-USD."""


class Period(NamedTuple):
    """Whole days in UTC, aware; `until` is excluded."""

    since: datetime
    until: datetime


class Row(NamedTuple):
    """A row of `cost_rollups`."""

    start: int
    tenant: str
    route: str
    target: str
    part: str
    price_version: str
    attempts: int
    input: int
    cached: int
    output: int
    cost: int
    unpriced: int


class Prices(NamedTuple):
    """USD for a token."""

    input: Fraction
    output: Fraction


class Answers(NamedTuple):
    """The answers of a target that callers got.

    Attributes:
        number: how many.
        input, output: tokens of one, on average.
        cost: of one, in USD.
    """

    number: int
    input: Fraction
    output: Fraction
    cost: Fraction

    def rest(self, price: Prices) -> Fraction:
        """What one costs beyond its tokens at that price: less for cached ones, more for those written to a cache."""
        return self.cost - self.input * price.input - self.output * price.output


class Spend(msgspec.Struct, frozen=True, kw_only=True):
    """A tenant's traffic on a route.

    Attributes:
        requests: how many.
        cached: how many of them a cache answered.
        answers: of each target.
        others: the cost of calls that gave no answer, in USD: `failed`, `escalated`, `shadow`.
    """

    requests: int
    cached: int
    answers: Mapping[str, Answers]
    others: Mapping[str, Fraction]

    @property
    def uncached(self) -> Fraction:
        """The share that no cache answered."""
        return 1 - Fraction(self.cached, self.requests) if self.requests else Fraction(1)

    def chosen(self, target: str) -> Fraction:
        """How many answers of the target there are for each request that no cache answered."""
        asked = self.requests - self.cached
        answers = self.answers.get(target)
        return Fraction(answers.number, asked) if answers and asked > 0 else Fraction(0)

    def per_request(self, part: str) -> Fraction:
        """The cost of calls that gave no answer, for each request."""
        return self.others.get(part, Fraction(0)) / self.requests if self.requests else Fraction(0)


class Traffic(msgspec.Struct, frozen=True, kw_only=True):
    """The traffic of a period.

    Attributes:
        requests: how many.
        spends: by tenant and route.
        answers: what callers got, by day, tenant, route, target and version of the price.
        cost: of every call whose price is known, in pico-USD.
        unpriced: calls of unknown price.
    """

    requests: int
    spends: Mapping[tuple[str, str], Spend]
    answers: Sequence[Row]
    cost: int
    unpriced: int = 0


def traffic_of(store: Store, period: Period) -> Traffic:
    """What a period's traffic was made of.

    Raises:
        LedgerError: the store cannot be read.
    """
    days = (milliseconds(period.since, 0), milliseconds(period.until, 0))
    rows = [Row(*row) for row in store.rows(_COSTS, days)]
    asked = {(tenant, route): (number, cached) for tenant, route, number, cached in store.rows(_REQUESTS, (DAY, *days))}
    by_cell: dict[tuple[str, str], list[Row]] = defaultdict(list)
    for row in rows:
        by_cell[row.tenant, row.route].append(row)
    return Traffic(
        requests=sum(number for number, _ in asked.values()),
        spends={cell: _spend(*asked[cell], by_cell[cell]) for cell in asked},
        answers=[row for row in rows if row.part == "answer" and row.attempts],
        cost=sum(row.cost for row in rows),
        unpriced=sum(row.unpriced for row in rows),
    )


def _spend(requests: int, cached: int, rows: Iterable[Row]) -> Spend:
    answers: dict[str, list[Row]] = defaultdict(list)
    others: dict[str, Fraction] = defaultdict(Fraction)
    for row in rows:
        if row.part == "answer" and row.attempts:
            answers[row.target].append(row)
        else:
            others[_OTHERS.get(row.part, "failed")] += Fraction(row.cost, _PICO)
    return Spend(
        requests=requests,
        cached=min(cached, requests),
        answers={target: _answers(each) for target, each in answers.items()},
        others=others,
    )


def _answers(rows: list[Row]) -> Answers:
    number = sum(row.attempts for row in rows)
    return Answers(
        number=number,
        input=Fraction(sum(row.input for row in rows), number),
        output=Fraction(sum(row.output for row in rows), number),
        cost=Fraction(sum(row.cost for row in rows), number * _PICO),
    )


def prices_of(*periods: Traffic) -> list[dict[str, Prices]]:
    """The average price of each target's tokens in each of several periods.

    A version of a price is the same in all of them, unless their costs say otherwise.
    """
    versions: dict[tuple[str, str], list[list[Row]]] = defaultdict(lambda: [[] for _ in periods])
    for place, traffic in enumerate(periods):
        for row in traffic.answers:
            versions[row.target, row.price_version][place].append(row)
    found: list[dict[str, list[tuple[Prices, int, int]]]] = [defaultdict(list) for _ in periods]
    for (target, _), of_periods in versions.items():
        common = _fitted([row for rows in of_periods for row in rows])
        for rows, prices in zip(of_periods, found, strict=True):
            if rows:
                tokens = (sum(row.input for row in rows), sum(row.output for row in rows))
                prices[target].append((common or _fitted(rows) or _flat(rows), *tokens))
    return [{target: _average(each) for target, each in prices.items()} for prices in found]


def _fitted(rows: list[Row]) -> Prices | None:
    """The prices of input and output that explain the costs, which are linear in the tokens (least squares).

    None where there are none, or where the rows cannot tell the one from the other: a single row, or all of one
    proportion.
    """
    plain = [row for row in rows if not row.cached] or rows
    xx, xy, yy = (float(sum(_product(row, kind) for row in plain)) for kind in ("xx", "xy", "yy"))
    xc, yc = (float(sum(tokens * row.cost for row, tokens in _weighted(plain, place))) for place in (0, 1))
    determinant = xx * yy - xy * xy
    if determinant <= _EXACT * xx * yy:
        return None
    price = Prices(_per_token((xc * yy - yc * xy) / determinant), _per_token((yc * xx - xc * xy) / determinant))
    return price if min(price) >= 0 and _explains(price, plain) else None


def _flat(rows: list[Row]) -> Prices:
    """One price for either kind of token."""
    tokens = sum(row.input + row.output for row in rows)
    each = Fraction(sum(row.cost for row in rows), max(tokens, 1) * _PICO)
    return Prices(each, each)


def _product(row: Row, kind: str) -> int:
    tokens = {"x": row.input, "y": row.output}
    return tokens[kind[0]] * tokens[kind[1]]


def _weighted(rows: list[Row], place: int) -> list[tuple[Row, int]]:
    return [(row, (row.input, row.output)[place]) for row in rows]


def _per_token(pico_usd: float) -> Fraction:
    """A price of so many pico-USD: a whole number of them, as prices are, if it is near one."""
    return Fraction(round(pico_usd), _PICO) if abs(pico_usd - round(pico_usd)) < 1e-3 else Fraction(pico_usd) / _PICO


def _explains(price: Prices, rows: list[Row]) -> bool:
    """Whether the price is that of every row."""
    explained = [(row, (row.input * price.input + row.output * price.output) * _PICO) for row in rows]
    return all(abs(float(amount) - row.cost) <= _EXACT * row.cost + row.attempts for row, amount in explained)


def _average(versions: list[tuple[Prices, int, int]]) -> Prices:
    inputs, outputs = sum(each[1] for each in versions), sum(each[2] for each in versions)
    return Prices(
        sum((price.input * tokens for price, tokens, _ in versions), Fraction(0)) / inputs
        if inputs
        else versions[0][0].input,
        sum((price.output * tokens for price, _, tokens in versions), Fraction(0)) / outputs
        if outputs
        else versions[0][0].output,
    )


def midnight(day: datetime) -> datetime:
    """The beginning of a day in UTC."""
    return day.astimezone(UTC).replace(hour=0, minute=0, second=0, microsecond=0)
