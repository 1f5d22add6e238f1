"""Two checkouts beside each other: what the other one does needlessly shows."""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from bench.against import HERE, compare, text

_BURN = """
_quickly = headers_of


def headers_of(scope):
    sum(range(20_000))
    return _quickly(scope)
"""


@pytest.mark.slow
def test_what_a_checkout_burns_at_each_request_is_seen(tmp_path: Path) -> None:
    shutil.copytree(
        HERE / "src" / "turnout", tmp_path / "src" / "turnout", ignore=shutil.ignore_patterns("__pycache__")
    )
    module = tmp_path / "src" / "turnout" / "server" / "asgi.py"
    module.write_text(module.read_text() + _BURN)
    ratios = compare(tmp_path, 5)
    assert sorted(ratios["journey"])[2] < 0.8
    assert {len(each) for each in ratios.values()} == {5}


def test_the_ratios_are_told_by_their_median_and_quartiles() -> None:
    told = text("journey", [0.8, 0.9, 1.0, 1.1, 1.2])
    assert told.startswith("journey: 1.000 of")
    assert "0.850" in told
    assert "1.150" in told


def test_what_is_no_checkout_is_named(tmp_path: Path) -> None:
    command = (sys.executable, "-m", "bench.against", str(tmp_path))
    done = subprocess.run(command, cwd=HERE, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (2, f"bench.against: {tmp_path} is no checkout of turnout\n")
