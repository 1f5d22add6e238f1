"""Sums are those of the decisions, whatever table they come from and wherever a period begins and ends."""

from __future__ import annotations

from collections import Counter
from datetime import datetime, timedelta
from decimal import Decimal
from pathlib import Path

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.insight.made import a_store, filters, fits, many_decisions
from tests.ledger import samples
from tests.ledger.test_sqlite import append
from turnout.errors import ConfigError
from turnout.insight import sums
from turnout.insight.query import Filter
from turnout.insight.sums import Summary
from turnout.ledger.sqlite import SqliteStore
from turnout.types.decision import Decision, escalated, fell_back

DAY = timedelta(days=1)
TAGS = st.dictionaries(st.sampled_from(["team", 'x"y']), st.sampled_from(["growth", "ops"]), max_size=2)
near = st.integers(0, 4 * 86_400_000).map(lambda ms: samples.EPOCH - DAY + timedelta(milliseconds=ms))
"""Moments around a few midnights."""
recorded = st.lists(
    st.builds(
        lambda decision, at, tags: msgspec.structs.replace(
            decision, time=at.isoformat(timespec="milliseconds"), tags=tags
        ),
        samples.decisions,
        near,
        TAGS,
    ),
    max_size=8,
    unique_by=lambda decision: decision.id,
)
groupings = st.lists(st.sampled_from([*sums.GROUPS, "tag:team", 'tag:x"y']), max_size=3, unique=True)


def added_up(decisions: list[Decision]) -> Summary:
    compared = [one for one in decisions if one.cost_usd is not None and one.baseline_cost_usd is not None]

    def usd(amounts: list[Decimal | None]) -> Decimal:
        return sum((amount or Decimal(0) for amount in amounts), Decimal(0))

    return Summary(
        decisions=len(decisions),
        attempts=sum(len(one.attempts) for one in decisions),
        outcomes=dict(Counter(one.outcome for one in decisions)),
        fallbacks=sum(fell_back(one) for one in decisions),
        escalations=sum(escalated(one) for one in decisions),
        cached=sum(one.cache == "hit" for one in decisions),
        input_tokens=sum(attempt.input_tokens for one in decisions for attempt in one.attempts),
        output_tokens=sum(attempt.output_tokens for one in decisions for attempt in one.attempts),
        cost_usd=usd([one.cost_usd for one in decisions]),
        router_cost_usd=usd([one.router_cost_usd for one in decisions]),
        unpriced=sum(one.cost_usd is None for one in decisions),
        compared=len(compared),
        baseline_cost_usd=usd([one.baseline_cost_usd for one in compared]),
        saved_usd=usd([one.baseline_cost_usd for one in compared]) - usd([one.cost_usd for one in compared]),
    )


def value_of(decision: Decision, field: str) -> str | None:
    if field.startswith("tag:"):
        return decision.tags.get(field.removeprefix("tag:"))
    value: str | None = getattr(decision, field)
    return value or None


@settings(max_examples=60)
@given(recorded, filters, st.none() | near, st.none() | near, groupings)
def test_totals_of_any_period_by_anything_are_those_of_its_decisions(
    tmp_path_factory: pytest.TempPathFactory,
    decisions: list[Decision],
    wanted: Filter,
    since: datetime | None,
    until: datetime | None,
    by: list[str],
) -> None:
    wanted = msgspec.structs.replace(wanted, since=since, until=until)
    expected: dict[tuple[str | None, ...], list[Decision]] = {}
    for one in decisions:
        key = tuple(value_of(one, field) for field in by)
        tagged = all(value is not None for value, field in zip(key, by, strict=True) if field.startswith("tag:"))
        if fits(one, wanted) and tagged:
            expected.setdefault(key, []).append(one)
    found = sums.totals(a_store(tmp_path_factory, decisions), wanted, by=by)
    assert found == {key: added_up(some) for key, some in expected.items()}


@settings(max_examples=40)
@given(
    recorded, st.none() | near, st.sampled_from([timedelta(seconds=7), timedelta(minutes=5), timedelta(hours=1), DAY])
)
def test_a_series_is_the_decisions_of_each_step(
    tmp_path_factory: pytest.TempPathFactory, decisions: list[Decision], since: datetime | None, step: timedelta
) -> None:
    expected: dict[datetime, list[Decision]] = {}
    for one in decisions:
        at = datetime.fromisoformat(one.time)
        if since is None or at >= since:
            start = at - (at - datetime.fromtimestamp(0, at.tzinfo)) % step
            expected.setdefault(start, []).append(one)
    found = sums.series(a_store(tmp_path_factory, decisions), Filter(since=since), step)
    assert found == {start: added_up(some) for start, some in expected.items()}


@pytest.mark.parametrize("key", ["team", 'x"y', "a.b", "$", "[0]", "naïve key"])
def test_a_tag_of_any_name_is_found_among_single_decisions_as_among_sums(store: SqliteStore, key: str) -> None:
    append(store, samples.a_decision(tags={key: "growth"}), samples.a_decision())
    (rolled,) = sums.totals(store, Filter(), by=(f"tag:{key}",)).items()
    (single,) = sums.totals(store, Filter(route="support"), by=(f"tag:{key}",)).items()
    assert rolled == single
    assert rolled[0] == ("growth",)


def test_what_there_is_no_field_for_is_told(store: SqliteStore) -> None:
    with pytest.raises(ConfigError, match=r"there is no field 'colour' to sum by\. There are: tenant, project"):
        sums.totals(store, Filter(), by=("colour",))


@pytest.fixture
def store(tmp_path: Path) -> SqliteStore:
    return SqliteStore(tmp_path / "db")


@given(many_decisions)
def test_a_summary_adds_up_to_the_last_digit(
    tmp_path_factory: pytest.TempPathFactory, decisions: list[Decision]
) -> None:
    summary = sums.summary(a_store(tmp_path_factory, decisions), Filter())
    compared = [one for one in decisions if one.cost_usd is not None and one.baseline_cost_usd is not None]
    assert summary.decisions == len(decisions)
    assert summary.outcomes == Counter(one.outcome for one in decisions)
    assert summary.attempts == sum(len(one.attempts) for one in decisions)
    assert summary.output_tokens == sum(attempt.output_tokens for one in decisions for attempt in one.attempts)
    assert summary.cost_usd == sum((one.cost_usd or Decimal(0) for one in decisions), Decimal(0))
    assert summary.router_cost_usd == sum((one.router_cost_usd or Decimal(0) for one in decisions), Decimal(0))
    assert summary.unpriced == sum(one.cost_usd is None for one in decisions)
    assert summary.compared == len(compared)
    assert summary.baseline_cost_usd == sum((one.baseline_cost_usd or Decimal(0) for one in compared), Decimal(0))
    assert summary.saved_usd == summary.baseline_cost_usd - sum(
        (one.cost_usd or Decimal(0) for one in compared), Decimal(0)
    )


@given(many_decisions)
def test_summaries_by_a_field_are_the_summaries_of_its_values(
    tmp_path_factory: pytest.TempPathFactory, decisions: list[Decision]
) -> None:
    store = a_store(tmp_path_factory, decisions)
    grouped = sums.summaries(store, Filter(), by="target")
    assert set(grouped) == {one.target or None for one in decisions}
    for target, summary in grouped.items():
        if target is not None:
            assert summary == sums.summary(store, Filter(target=target))


def test_absurd_amounts_stop_nothing(store: SqliteStore) -> None:
    append(store, *(samples.a_decision(cost_usd=Decimal(10**15)) for _ in range(20)))
    append(store, samples.a_decision())
    found = sums.summary(store, Filter())
    assert found.decisions == 21
    assert found.cost_usd >= Decimal(9_000_000)


def test_nothing_sums_up_to_nothing(store: SqliteStore) -> None:
    assert sums.summary(store, Filter()) == Summary()
