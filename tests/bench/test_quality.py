"""Routers are measured as RouteLLM measures them, curves are drawn, and where there is no data that is said."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from xml.etree import ElementTree as ET

import numpy as np
import pytest

from bench.quality.gap import gap_of, recovered
from bench.quality.picture import write_curves

WEAK = np.array([1, 0, 1, 0, 1, 0, 1, 0], float)
STRONG = np.array([1, 1, 1, 1, 1, 1, 1, 1], float)


def test_a_gap_is_recovered_as_far_as_the_scores_tell() -> None:
    perfect = gap_of(recovered(STRONG - WEAK, WEAK, STRONG))
    assert (perfect.cpt50, perfect.cpt80) == (25.0, 50.0)
    assert perfect.apgr == 0.75
    worst = gap_of(recovered(WEAK - STRONG, WEAK, STRONG))
    assert worst.apgr == pytest.approx(1 - perfect.apgr)


def test_chance_recovers_half() -> None:
    draws = np.random.default_rng(0)
    weak, strong = (draws.uniform(size=20_000) < share for share in (0.6, 0.8))
    gap = gap_of(recovered(draws.uniform(size=20_000), weak.astype(float), strong.astype(float)))
    assert gap.apgr == pytest.approx(0.5, abs=0.03)
    assert gap.cpt50 == pytest.approx(50, abs=4)


def test_curves_are_drawn(tmp_path: Path) -> None:
    write_curves(tmp_path / "c.svg", {"one": [0.0, 0.6, 1.0], "chance": [0.0, 1.0]}, across="calls", up="gap")
    page = ET.fromstring((tmp_path / "c.svg").read_text())
    assert len(page.findall(".//{*}polyline")) == 2
    assert {"one", "chance", "calls", "gap", "50%"} <= {text.text for text in page.findall(".//{*}text")}


def test_without_data_it_says_so(tmp_path: Path) -> None:
    command = [sys.executable, "-m", "bench.quality", "routers", "--data", str(tmp_path)]
    told = subprocess.run(command, capture_output=True, text=True, timeout=120, check=True)
    assert told.stdout == ""
    assert told.stderr.startswith("skipped: ")
    assert "say by --data or $TURNOUT_DATA where the data lies" in told.stderr
