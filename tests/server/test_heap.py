from __future__ import annotations

import gc

from turnout.server.heap import collecting_seldom


def test_what_is_there_at_the_start_is_set_aside_and_given_back_at_the_end() -> None:
    before = gc.get_threshold()
    with collecting_seldom():
        assert gc.get_freeze_count() > 1_000
        assert gc.get_threshold() > before
        cycle: list[object] = []
        cycle.append(cycle)
        del cycle
        assert gc.collect() >= 1  # what is made from now on is still found
    assert gc.get_threshold() == before
    assert gc.get_freeze_count() == 0
