from __future__ import annotations

import copy
import uuid
from datetime import UTC, datetime, timedelta

from hypothesis import given
from hypothesis import strategies as st

from turnout.ledger.ids import DecisionIds

EPOCH = datetime(2026, 3, 1, tzinfo=UTC)


@given(st.lists(st.integers(-(10**6), 10**6), min_size=2, max_size=50))
def test_ids_grow_whatever_the_wall_clock_does(milliseconds: list[int]) -> None:
    ids = DecisionIds()
    made = [ids.new(EPOCH + timedelta(milliseconds=shift)) for shift in milliseconds]
    assert made == sorted(set(made))
    assert len(set(made)) == len(made)


@given(st.integers(1, 10**13))
def test_an_id_is_a_uuid_of_version_7_that_holds_its_millisecond(milliseconds: int) -> None:
    at = datetime(1970, 1, 1, tzinfo=UTC) + timedelta(milliseconds=milliseconds)
    made = uuid.UUID(DecisionIds().new(at))
    assert made.version == 7
    assert made.variant == uuid.RFC_4122
    assert made.int >> 80 == milliseconds


def test_a_forked_process_makes_other_ids() -> None:
    parent = DecisionIds()
    parent.new(EPOCH)
    child = copy.copy(parent)
    assert {parent.new(EPOCH) for _ in range(500)}.isdisjoint({child.new(EPOCH) for _ in range(500)})
