"""How often quiet traffic raises an alarm, and how soon planted drift does: python -m bench.drift."""

from __future__ import annotations

import statistics
from collections.abc import Iterable
from datetime import UTC, datetime
from typing import Final

import msgspec
import numpy as np

from bench.answers import answers
from turnout.confidence.calibration import Calibration, fit_calibration
from turnout.insight.drift import LATEST, Learnt, observe
from turnout.types.clock import timestamp
from turnout.types.decision import Attempt, Decision
from turnout.types.features import Features

ID: Final = "0a1b2c3d4e5f"
_RUNS: Final = 50
_LENGTH: Final = 4_000
_EVERY: Final = 25
_START: Final = timestamp(datetime(2026, 3, 1, tzinfo=UTC))


def traffic(
    fitted: Calibration, n: int, *, seed: int = 7, shift: float = 0.0, worse: float = 0.0, least: float = 0.6
) -> list[Decision]:
    """Decisions of a cascade whose answers `fitted` judged; a third of the kept ones is scored.

    Args:
        fitted: the calibration.
        n: how many.
        seed: of the draws.
        shift: by how much questions are longer than usual, in log tokens.
        worse: the share of the good answers that are not, though nothing shows it.
        least: the confidence that is kept.
    """
    draws = np.random.default_rng(seed)
    made = answers(n, seed=seed + 1_000, shift=shift)
    confidences = fitted.confidences(made.columns)
    good = made.acceptable * (draws.uniform(size=n) >= worse)
    scored = draws.uniform(size=n) < 1 / 3
    return [
        _decision(
            float(made.columns["tokens"][place]),
            float(made.columns["mean_logprob"][place]),
            float(confidences[place]),
            float(good[place]) if scored[place] else None,
            kept=bool(confidences[place] >= least),
        )
        for place in range(n)
    ]


def _decision(tokens: float, logprob: float, confidence: float, score: float | None, *, kept: bool) -> Decision:
    first = Attempt(target="cheap", started=_START, outcome="answered" if kept else "discarded", latency_ms=1.0)
    second = () if kept else (Attempt(target="strong", started=_START, outcome="answered", latency_ms=1.0),)
    return Decision(
        id="",
        time=_START,
        route="support",
        model="support",
        dialect="openai_chat",
        features=Features(chars=4 * round(tokens), tokens=round(tokens), context_tokens=round(tokens)),
        signals={"mean_logprob": logprob, "cheap.chance": confidence},
        artefact=ID,
        attempts=(first, *second),
        target="cheap" if kept else "strong",
        outcome="answered",
        confidence=confidence if kept else None,
        feedback=score if kept else None,
    )


def doubted(decisions: Iterable[Decision], times: float) -> list[Decision]:
    """The same, where the model is so many times less sure of its words."""
    return [
        msgspec.structs.replace(each, signals={**each.signals, "mean_logprob": times * each.signals["mean_logprob"]})
        for each in decisions
    ]


def alarms(fitted: Calibration, *, runs: int, n: int) -> int:
    """In how many of so many quiet runs a look at the end raises an alarm."""
    learnt = _learnt(fitted)
    found = (traffic(fitted, n, seed=seed) for seed in range(runs))
    return sum(bool(observe(learnt, each[:LATEST], each[LATEST:]).due) for each in found)


def delay(fitted: Calibration, *, seed: int, shift: float = 0.0, worse: float = 0.0, doubt: float = 1.0) -> int:
    """After how many decisions drift is noticed that begins after a thousand quiet ones; looked for every 25."""
    learnt = _learnt(fitted)
    quiet, moved = traffic(fitted, 1_000, seed=seed), traffic(fitted, _LENGTH, seed=seed, shift=shift, worse=worse)
    moved = doubted(moved, doubt)
    for seen in range(_EVERY, _LENGTH, _EVERY):
        lately = [*moved[seen - 1 :: -1], *quiet]
        if observe(learnt, lately[:LATEST], lately[LATEST:]).due:
            return seen
    return _LENGTH


def _learnt(fitted: Calibration) -> Learnt:
    return Learnt(file="bench", id=ID, kind="calibration", calibration=fitted)


if __name__ == "__main__":
    calibration = fit_calibration(answers(1_000), target="cheap")
    quiet = alarms(calibration, runs=_RUNS, n=_LENGTH)
    print(f"alarms in {_RUNS} quiet runs of {_LENGTH:,} decisions: {quiet}")
    for told, planted in (
        ("questions 2.7 times as long", {"shift": 1.0}),
        ("the model half as sure of its words", {"doubt": 2.0}),
        ("a fifth of the good answers bad", {"worse": 0.2}),
    ):
        delays = [delay(calibration, seed=seed, **planted) for seed in range(10)]
        print(f"{told}: noticed after {statistics.median(delays):,.0f} decisions ({min(delays)} to {max(delays)})")
