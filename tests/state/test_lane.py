"""The thread that a file of state is used from."""

from __future__ import annotations

import asyncio
import time
from pathlib import Path

import pytest

from turnout.state.database import Lane
from turnout.testing import FrozenClock


@pytest.mark.parametrize("turns", range(6))
async def test_whoever_is_cancelled_just_as_the_answer_arrives_is_cancelled(turns: int, tmp_path: Path) -> None:
    lane = Lane(tmp_path / "state.sqlite", FrozenClock())
    assert await lane.ask(lambda _: 1, 30) == 1
    asking = asyncio.create_task(lane.ask(lambda _: 1, 30))
    await asyncio.sleep(0)
    time.sleep(0.05)  # the answer is there, and this loop has not seen it yet
    for _ in range(turns):
        await asyncio.sleep(0)
    if not asking.done():
        asking.cancel()
        await asyncio.wait([asking])
        assert asking.cancelled()
    lane.close()
