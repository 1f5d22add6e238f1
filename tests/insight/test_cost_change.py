"""Why the cost changed: each cause is recovered where it is the only one, and all causes sum to the change exactly."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from fractions import Fraction
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.ledger import samples
from tests.ledger.test_sqlite import append
from turnout.insight import cost_change
from turnout.insight.cost_change import Change, Explained, explain_change, shapley
from turnout.insight.spend import Period
from turnout.ledger.sqlite import SqliteStore
from turnout.types.clock import timestamp
from turnout.types.decision import Attempt, Decision

BEFORE = Period(datetime(2026, 3, 2, tzinfo=UTC), datetime(2026, 3, 9, tzinfo=UTC))
AFTER = Period(datetime(2026, 3, 9, tzinfo=UTC), datetime(2026, 3, 16, tzinfo=UTC))
PRICES = {"haiku": (1_000_000, 5_000_000), "sonnet": (3_000_000, 15_000_000)}
"""pico-USD for a token."""
TENANTS = ("acme", "bolt")


def an_attempt(target: str, taken: int, given: int, *, times: Fraction = Fraction(1), **changes: Any) -> Attempt:
    into, out = PRICES[target]
    cost = Decimal(round((into * taken + out * given) * times)).scaleb(-12)
    fields = {"target": target, "input_tokens": taken, "output_tokens": given, "cost_usd": cost, "price_version": "v1"}
    return samples.an_attempt(**(fields | changes))


def a_request(number: int, period: Period, *attempts: Attempt, **changes: Any) -> Decision:
    time = timestamp(period.since + timedelta(minutes=37 * (number % 250)))
    known = [attempt.cost_usd for attempt in attempts if attempt.cost_usd is not None]
    fields: dict[str, Any] = {
        "time": time,
        "tenant": TENANTS[number % 2],
        "target": attempts[-1].target if attempts else None,
        "attempts": attempts,
        "cost_usd": sum(known, Decimal(0)),
        "outcome": "answered",
    }
    return samples.a_decision(**(fields | changes))


def usual(number: int, period: Period, **changes: Any) -> Decision:
    """A request of the usual kind: haiku answers, lengths vary."""
    return a_request(number, period, an_attempt("haiku", 300 + 7 * (number % 11), 80 + 5 * (number % 7)), **changes)


def explained(tmp_path: Path, before: list[Decision], after: list[Decision]) -> Explained:
    store = SqliteStore(tmp_path / "db")
    append(store, *before, *after)
    return explain_change(store, BEFORE, AFTER)


def more_of_the_same(period: Period) -> list[Decision]:
    return [usual(number % 100, period) for number in range(200)]


def more_of_one_tenant(period: Period) -> list[Decision]:
    return [usual(number, period, route="chat" if number % 4 else "support") for number in range(100)]


def longer(period: Period, taken: int, given: int) -> list[Decision]:
    return [
        a_request(number, period, an_attempt("haiku", taken + 7 * (number % 11), given + 5 * (number % 7)))
        for number in range(100)
    ]


def by_the_dearer(period: Period) -> list[Decision]:
    return [
        a_request(number, period, an_attempt("sonnet", 300 + 7 * (number % 11), 80 + 5 * (number % 7)))
        for number in range(100)
    ]


def at_another_price(period: Period) -> list[Decision]:
    return [
        a_request(
            number,
            period,
            an_attempt(
                "haiku", 300 + 7 * (number % 11), 80 + 5 * (number % 7), times=Fraction(3, 2), price_version="v2"
            ),
        )
        for number in range(100)
    ]


def with_failures(period: Period) -> list[Decision]:
    failed = an_attempt("sonnet", 500, 0, outcome="failed", error_class="truncated")
    return [a_request(number, period, failed, *usual(number, period).attempts) for number in range(100)]


def with_drafts(period: Period) -> list[Decision]:
    draft = an_attempt("sonnet", 500, 90, outcome="discarded")
    return [a_request(number, period, draft, *usual(number, period).attempts) for number in range(100)]


def half_from_a_cache(period: Period) -> list[Decision]:
    """Every kind of request that there is, once from the cache and once not."""
    cached = [a_request(number, period, cache="hit", target="haiku") for number in range(154)]
    return cached + [usual(number, period) for number in range(154)]


def with_cached_tokens(period: Period) -> list[Decision]:
    return [
        a_request(
            number,
            period,
            an_attempt(
                "haiku",
                300 + 7 * (number % 11),
                80 + 5 * (number % 7),
                times=Fraction(3, 5),
                cached_tokens=200 + number % 5,
            ),
        )
        for number in range(100)
    ]


@pytest.mark.parametrize(
    ("cause", "after"),
    [
        (cost_change.VOLUME, more_of_the_same),
        (cost_change.INPUT, lambda period: longer(period, 600, 80)),
        (cost_change.OUTPUT, lambda period: longer(period, 300, 240)),
        (cost_change.ROUTING, by_the_dearer),
        (cost_change.PRICE, at_another_price),
        (cost_change.FAILED, with_failures),
        (cost_change.ESCALATED, with_drafts),
        (cost_change.CACHE, half_from_a_cache),
        (cost_change.CACHED_TOKENS, with_cached_tokens),
    ],
)
def test_a_single_cause_is_found_and_gets_the_whole_change(
    tmp_path: Path, cause: str, after: Callable[[Period], list[Decision]]
) -> None:
    before = 308 if after is half_from_a_cache else 100
    found = explained(tmp_path, [usual(number, BEFORE) for number in range(before)], after(AFTER))
    assert found.change_usd != 0
    assert found.causes[cause] == pytest.approx(found.change_usd, rel=Decimal("1e-6"))
    others = {name: amount for name, amount in found.causes.items() if name != cause}
    assert all(abs(amount) < abs(found.change_usd) / 1_000_000 for amount in others.values()), others


def test_another_mix_of_tenants_is_told_from_everything_else(tmp_path: Path) -> None:
    """The dear tenant asks as often as the cheap one did, and the other way round."""

    def of(period: Period, dear: int) -> list[Decision]:
        cheap = [usual(number, period, tenant="acme") for number in range(100 - dear)]
        return cheap + [
            a_request(number, period, an_attempt("sonnet", 900 + number, 300), tenant="bolt") for number in range(dear)
        ]

    found = explained(tmp_path, of(BEFORE, 40), of(AFTER, 80))
    assert found.causes[cost_change.VOLUME] == 0
    assert found.causes[cost_change.MIX] / found.change_usd > Decimal("0.95")
    largest = found.contributions[cost_change.MIX][0]
    assert (largest.tenant, largest.target) == ("bolt", "sonnet")


request_kinds = st.lists(
    st.tuples(
        st.sampled_from(TENANTS),
        st.sampled_from(["support", "chat"]),
        st.sampled_from(sorted(PRICES)),
        st.integers(0, 3_000),
        st.integers(0, 900),
        st.sampled_from(["plain", "failed", "discarded", "judge", "cached", "unpriced", "dearer"]),
    ),
    max_size=12,
)


def made(period: Period, kinds: list[tuple[str, str, str, int, int, str]]) -> list[Decision]:
    decisions = []
    for number, (tenant, route, target, taken, written, kind) in enumerate(kinds):
        times = Fraction(2) if kind == "dearer" else Fraction(1)
        attempts = [an_attempt(target, taken, written, times=times, price_version=kind)]
        if kind in {"failed", "discarded"}:
            attempts.insert(0, an_attempt("haiku", 200, 10, outcome=kind if kind == "discarded" else "failed"))
        if kind == "judge":
            attempts.append(an_attempt("haiku", 400, 3, purpose="judge"))
        if kind == "unpriced":
            attempts = [samples.an_attempt(target=target, cost_usd=None)]
        named = {"tenant": tenant, "route": route, "target": target}
        if kind == "cached":
            decisions.append(a_request(number, period, cache="hit", **named))
        else:
            decisions.append(a_request(number, period, *attempts, **named))
    return decisions


@settings(max_examples=40)
@given(request_kinds, request_kinds)
def test_causes_sum_to_the_change_to_the_last_digit(
    tmp_path_factory: pytest.TempPathFactory, before: list[Any], after: list[Any]
) -> None:
    first, last = made(BEFORE, before), made(AFTER, after)
    found = explained(tmp_path_factory.mktemp("data"), first, last)

    def known(decisions: list[Decision]) -> Decimal:
        costs = [attempt.cost_usd for one in decisions for attempt in one.attempts]
        return sum((cost for cost in costs if cost is not None), Decimal(0))

    assert found.cost_before == known(first)
    assert found.cost_after == known(last)
    assert sum(found.causes.values(), Decimal(0)) == found.change_usd
    unpriced = [sum(kind[-1] == "unpriced" for kind in kinds) for kinds in (before, after)]
    assert [found.unpriced_before, found.unpriced_after] == unpriced


factors = st.lists(st.tuples(st.fractions(-9, 9), st.fractions(-9, 9)), min_size=1, max_size=5)


@given(factors)
def test_the_values_of_a_product_are_shapleys(pairs: list[tuple[Fraction, Fraction]]) -> None:
    """Efficiency, the null player, and symmetry, which together with additivity define them."""
    product = [Change(str(place), *pair) for place, pair in enumerate(pairs)]
    found = dict(shapley(product))
    before = after = Fraction(1)
    for factor in product:
        before, after = before * factor.before, after * factor.after
    assert sum(found.values(), Fraction(0)) == after - before
    assert all(factor.cause not in found for factor in product if factor.before == factor.after)
    twice = dict(shapley([*product, Change("twin", *pairs[0])]))
    assert twice.get("0") == twice.get("twin")


def test_traffic_that_begins_or_ends_is_a_matter_of_volume_alone(tmp_path: Path) -> None:
    some = [usual(number, BEFORE) for number in range(30)]
    ended = explained(tmp_path, some, [])
    assert ended.causes[cost_change.VOLUME] == ended.change_usd < 0
    (tmp_path / "other").mkdir()
    begun = explained(tmp_path / "other", [], [usual(number, AFTER) for number in range(30)])
    assert begun.causes[cost_change.VOLUME] == begun.change_usd > 0


def test_two_empty_periods_differ_by_nothing(tmp_path: Path) -> None:
    found = explained(tmp_path, [], [])
    assert found.change_usd == 0
    assert set(found.causes.values()) == {Decimal(0)}
