"""What judging an answer by a calibration takes. `python -m bench.judging` prints the µs of one.

By gain, so that the whole of it is asked: the confidence, what the next stage would bring and what it would cost. The
calibration is read from its file, as the gateway reads it, and every answer is another.
"""

from __future__ import annotations

import tempfile
import time
from pathlib import Path
from typing import Final

import msgspec
import numpy as np

from bench.answers import answers
from turnout.confidence.calibration import Calibration, fit_calibration, load_calibration, save_calibration

INPUTS: Final = 5
_ANSWERS: Final = 2_000


def calibration(file: Path) -> Calibration:
    """A calibration of five signals and features, two of which tell something."""
    made = answers(1_000)
    draws = np.random.default_rng(1)
    noise = {f"signal {number}": draws.normal(size=1_000) for number in range(INPUTS - len(made.columns))}
    labelled = msgspec.structs.replace(made, columns={**made.columns, **noise})
    save_calibration(file, fit_calibration(labelled, target="cheap"))
    return load_calibration(file)


def judging_us() -> float:
    """The median over answers, all of which the calibration knows something of."""
    with tempfile.TemporaryDirectory() as directory:
        fitted = calibration(Path(directory) / "calibration.json")
    draws = np.random.default_rng(2)
    times = []
    for _ in range(_ANSWERS):
        values = {each.name: float(draws.uniform(each.low, each.high)) for each in fitted.blend.inputs}
        started = time.perf_counter_ns()
        fitted.judge(values)
        times.append(time.perf_counter_ns() - started)
    return sorted(times)[_ANSWERS // 2] / 1e3


if __name__ == "__main__":
    print(judging_us())
