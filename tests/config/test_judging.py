"""What judges a cascade's answers, as a configuration names it: a mistake is told with its line and its fix."""

from __future__ import annotations

import math
from collections.abc import Sequence
from pathlib import Path

import msgspec
import pytest

from tests.confidence.judges import calibrated_on, telling_prices
from tests.confidence.signals.holding import answer, held
from tests.config.configs import BASE, ENV
from turnout.confidence.calibration import Calibration, save_calibration
from turnout.confidence.signal import Signal
from turnout.config.accepting import Accept, GateSpec
from turnout.config.compile import compile_routes
from turnout.config.compile_policy import Place, compile_policy
from turnout.config.judging import acceptance
from turnout.config.load import load_config
from turnout.config.policies import CascadeSpec
from turnout.errors import ConfigErrors
from turnout.policy.cascade import Cascade
from turnout.policy.classifier.model import Classifier

SHARE = (0.0, 1.0)


def told(tmp_path: Path, signals: str) -> str:
    """What is wrong with a cascade whose calibration reads a judge, a function and a service."""
    save_calibration(tmp_path / "ours.json", calibrated_on({"judge": SHARE, "ours": SHARE, "theirs": SHARE}))
    file = tmp_path / "turnout.yaml"
    file.write_text(
        f"{BASE}  r:\n    policy:\n      cascade:\n        - use: haiku\n          accept:\n"
        f"            confidence: 0.9\n            by: ours.json\n            signals: {{{signals}}}\n"
        "        - use: sonnet\n"
    )
    try:
        compile_routes(load_config(file, ENV))
    except ConfigErrors as errors:
        (error,) = errors.errors
        assert (error.key, error.line) == ("routes.r.policy.cascade.0.accept.signals", 16)
        return f"{error.problem} {error.fix}".rstrip()
    return ""


JUDGE, OURS, THEIRS = (
    "judge: {target: gpt-4o}",
    "ours: {signal: python, call: 'math:fsum'}",
    "theirs: {signal: http, url: 'http://127.0.0.1:9/score', timeout: 500ms}",
)


def test_signals_are_made_from_their_settings(tmp_path: Path) -> None:
    assert told(tmp_path, f"{JUDGE}, {OURS}, {THEIRS}") == ""


@pytest.mark.parametrize(
    ("signals", "problem"),
    [
        (
            f"judge: {{target: gpt-4}}, {OURS}, {THEIRS}",
            "the signal judge asks 'gpt-4', and there is no target of that name. Did you mean 'gpt-4o'?",
        ),
        (
            f"judge: {{taget: gpt-4o}}, {OURS}, {THEIRS}",
            "the signal judge has no setting 'taget'. Its settings: target,",
        ),
        (f"{JUDGE}, {THEIRS}", "unknown signal 'ours'. Known signals: agreement, answer_chars,"),
        (
            f"{JUDGE}, {THEIRS}, ours: {{signal: python, call: 'nobody_has:this'}}",
            "the signal ours cannot be made: nobody_has:this is not there: No module named 'nobody_has'. Write it as ",
        ),
        (
            f"{JUDGE}, {OURS}, {THEIRS}, p_true: {{}}",
            "nothing reads the signal 'p_true'. The calibration reads: judge, ours, theirs.",
        ),
    ],
)
def test_a_mistake_is_told_with_its_fix(tmp_path: Path, signals: str, problem: str) -> None:
    assert told(tmp_path, signals).startswith(problem)


def test_texts_are_compared_by_their_meaning_where_a_calibration_asks_for_it(tmp_path: Path) -> None:
    """Agreement by meaning, with the real table of embeddings."""
    save_calibration(tmp_path / "ours.json", calibrated_on({"agreement": SHARE}))
    accept = Accept(confidence=0.9, by="ours.json", signals={"agreement": {"samples": 2, "by": "meaning"}})
    (signal,) = acceptance(accept, Place("routes.r", directory=tmp_path)).signals
    near = _agreement(signal, "The meeting was moved to Friday.", "They postponed the meeting until Friday.")
    far = _agreement(signal, "The meeting was moved to Friday.", "Bananas are rich in potassium.")
    assert far < 0.4 < near < 1
    assert _agreement(signal, "The same.", "The same.") == pytest.approx(1)


def _agreement(signal: Signal, said: str, again: str) -> float:
    reading = signal.read(held(answer(said)))
    next(reading)
    reading.send(answer(again))
    with pytest.raises(StopIteration) as stopped:
        reading.send(answer(again))
    return float(stopped.value.value)


def beginnings(tmp_path: Path, given: str, *signals: str, prefix: int | None = 20) -> str:
    """What is wrong with a gate whose calibration reads these signals."""
    made = calibrated_on(dict.fromkeys(signals or ("mean_logprob@20",), (-30.0, 1000.0)))
    save_calibration(tmp_path / "begun.json", msgspec.structs.replace(made, prefix=prefix))
    file = tmp_path / "turnout.yaml"
    accept = f"{{confidence: 0.9, {given}}}"
    file.write_text(f"{BASE}  r:\n    policy: {{cascade: [{{use: gpt-4o, accept: {accept}}}, {{use: sonnet}}]}}\n")
    try:
        compile_routes(load_config(file, ENV))
    except ConfigErrors as errors:
        (error,) = errors.errors
        return f"{(error.key or '').removeprefix('routes.r.policy.cascade.')}: {error.problem}"
    return ""


def test_a_gate_reads_the_beginning_by_its_calibration(tmp_path: Path) -> None:
    assert beginnings(tmp_path, "gate: {by: begun.json, release: 0.9, stop: 0.3}", "mean_logprob@20", "tokens") == ""
    accept = Accept(confidence=0.9, gate=GateSpec(by="begun.json", release=0.9, stop=0.3))
    made = acceptance(accept, Place("routes.r", directory=tmp_path))
    assert made.gate is not None
    assert (made.gate.tokens, [each.name for each in made.gate.signals]) == (20, ["mean_logprob@20"])
    assert made.wants == {"logprobs"}


@pytest.mark.parametrize(
    ("given", "signals", "prefix", "problem"),
    [
        (
            "gate: {by: begun.json, release: 0.9}",
            ("mean_logprob",),
            None,
            "0.accept.gate.by: the calibration is of whole",
        ),
        ("by: begun.json", ("mean_logprob@20",), 20, "0.accept.by: the calibration is of the first 20 tokens"),
        (
            "gate: {by: begun.json, release: 0.9}",
            ("mean_logprob@9",),
            20,
            "0.accept.gate.by: the calibration reads mean",
        ),
        (
            "gate: {by: begun.json, release: 0.9}",
            ("p_true@20",),
            20,
            "0.accept.gate.by: the calibration reads p_true@20",
        ),
        ("gate: {by: begun.json, release: 0.9}", ("nonsense@20",), 20, "0.accept.gate.by: unknown signal 'nonsense'"),
        ("gate: {by: none.json, release: 0.9}", ("mean_logprob@20",), 20, "0.accept.gate.by: "),
        ("gate: {by: begun.json, release: 0.2, stop: 0.3}", ("mean_logprob@20",), 20, "0.accept.gate: `stop` (0.3) is"),
    ],
)
def test_a_gate_that_cannot_be_is_told(
    tmp_path: Path, given: str, signals: tuple[str, ...], prefix: int | None, problem: str
) -> None:
    assert beginnings(tmp_path, given, *signals, prefix=prefix).startswith(problem)


@pytest.mark.parametrize(("bar", "beside"), [({"confidence": 0.9}, None), ({"worth": 0.01}, "sonnet")])
def test_what_is_learnt_anew_tells_of_the_next_stage_where_that_is_asked_for(
    bar: dict[str, float], beside: str | None
) -> None:
    asked: list[tuple[str, str | None]] = []

    class Learnt:
        """Learns what it is asked for."""

        def classifier(self, names: Sequence[str]) -> Classifier:
            raise AssertionError(names)

        def calibration(self, target: str, beside: str | None = None) -> Calibration:
            asked.append((target, beside))
            return telling_prices(calibrated_on({"hedging": SHARE}, target=target), usd=0.01)

    spec = CascadeSpec.model_validate(
        {"cascade": [{"use": ["haiku", "gpt-4o"], "accept": {**bar, "by": "no such file"}}, {"use": ["sonnet"]}]}
    )
    cascade = compile_policy(spec, Place("routes.r.policy", learnt=Learnt()))
    assert isinstance(cascade, Cascade)
    accept = cascade.stages[0].accept
    assert accept is not None
    assert (accept.least, accept.worth) == (bar.get("confidence", math.inf), bar.get("worth"))
    assert asked == [("haiku", beside)]
