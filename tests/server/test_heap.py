from __future__ import annotations

import gc
from collections.abc import Iterator

import pytest

from turnout.server.heap import collecting_seldom


@pytest.fixture
def pythons_own() -> Iterator[tuple[int, int, int]]:
    """The collector as Python starts it, whatever gateway another test keeps open in this process."""
    before, own = gc.get_threshold(), (700, 10, 10)
    gc.unfreeze()
    gc.set_threshold(*own)
    yield own
    gc.set_threshold(*before)


def test_what_is_there_at_the_start_is_set_aside_and_given_back_at_the_end(pythons_own: tuple[int, int, int]) -> None:
    with collecting_seldom():
        assert gc.get_freeze_count() > 1_000
        assert gc.get_threshold() > pythons_own
        cycle: list[object] = []
        cycle.append(cycle)
        del cycle
        assert gc.collect() >= 1  # what is made from now on is still found
    assert gc.get_threshold() == pythons_own
    assert gc.get_freeze_count() == 0
