"""What is measured of governing is done: keys are found, limits kept to, budgets reserved and settled."""

from __future__ import annotations

from pathlib import Path

from bench.pieces import pieces


async def test_every_part_can_be_done_again_and_again(tmp_path: Path) -> None:
    parts = pieces(tmp_path)
    assert set(parts) == {"key", "limits", "budgets", "states", "flag"}
    for part in parts.values():
        await part()
        await part()
