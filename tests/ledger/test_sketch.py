"""A sketch knows every quantile within 5 %, and two of them add up."""

from __future__ import annotations

import math
from collections import Counter

import pytest
from hypothesis import given
from hypothesis import strategies as st

from turnout.ledger.sketch import ERROR, LEAST_MS, bin_of, merge, merged, pack, quantile, unpack

latencies = st.lists(st.floats(LEAST_MS, 1e9), min_size=1, max_size=80)


def sketch(values: list[float]) -> bytes:
    return pack(Counter(bin_of(value) for value in values))


@given(latencies, st.floats(0, 1))
def test_a_quantile_is_within_five_per_cent_of_the_nearest_rank(values: list[float], share: float) -> None:
    rank = max(1, math.ceil(share * len(values)))
    assert quantile(unpack(sketch(values)), share) == pytest.approx(sorted(values)[rank - 1], rel=ERROR + 1e-9)


@given(latencies, latencies)
def test_merging_is_as_if_all_values_had_been_in_one(some: list[float], others: list[float]) -> None:
    assert merge(sketch(some), sketch(others)) == sketch(some + others)
    assert merged([sketch(some), None, sketch(others)]) == unpack(sketch(some + others))


def test_nothing_is_merged_with_something() -> None:
    assert merge(None, b"x") == b"x"
    assert merge(b"x", None) == b"x"
    assert merge(None, None) is None
    assert quantile(unpack(None), 0.5) is None


def test_what_is_no_latency_counts_as_none_at_all() -> None:
    for odd in (0.0, -5.0, float("nan"), 1e-300):
        assert quantile(Counter({bin_of(odd): 1}), 0.5) == pytest.approx(LEAST_MS, rel=2 * ERROR)
    assert quantile(Counter({bin_of(float("inf")): 1}), 0.5) == pytest.approx(1e12, rel=2 * ERROR)
