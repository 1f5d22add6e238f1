"""What is tried and what was learnt on the made-up traffic: a canary, a cascade's calibration, and saved results."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable, Iterator
from datetime import datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Final
from zlib import crc32

import msgspec

from bench.answers import answers
from turnout.confidence.calibration import Labelled, fit_calibration, save_calibration
from turnout.state.canaries import CanaryFile
from turnout.types.canary import Canary, Walked
from turnout.types.clock import timestamp
from turnout.types.decision import Attempt, Decision

FLAG: Final = "haiku-first"
_LEAST: Final = 0.6
_STEPS: Final = ((5.0, 0.05, "started"), (1.5, 0.25, "nothing is worse after 561 requests at 5 %"))
"""How many days ago the canary's share changed, to what, and why."""
_DEAR_TO_CHEAP: Final = Decimal("0.267")
_COMMANDS: Final = (
    (
        "replay",
        "new.yaml",
        "--current",
        "turnout.yaml",
        "--route",
        "assistant",
        "--since",
        "7d",
        "--save",
        "haiku-for-the-assistant",
    ),
    ("advise", "--answer", "good_today=92%..94%..96%", "--answer", "outage_critical=yes", "--save", "november"),
)


def learn(directory: Path, now: datetime) -> Callable[[Decision], Decision]:
    """Calibrate the route `contracts`, start the canary; what makes a decision one that both had a part in."""
    fitted = fit_calibration(answers(1_000), target="llama-8b")
    identity = save_calibration(directory / "contracts.json", fitted).id
    made = answers(20_000, seed=5)
    confidences = fitted.confidences(made.columns)
    rows = _rows(made, [float(each) for each in confidences])
    _start(directory / "data", now)

    def changed(decision: Decision) -> Decision:
        if decision.route == "assistant":
            return _divided(decision, now)
        if decision.route != "contracts" or not decision.attempts:
            return decision
        tokens, logprob, confidence = next(rows)
        features = decision.features and msgspec.structs.replace(decision.features, tokens=tokens)
        judged = msgspec.structs.replace(
            decision, artefact=identity, signals={"mean_logprob": logprob}, features=features
        )
        return _kept(judged, confidence) if confidence >= _LEAST else _escalated(judged)

    return changed


def save_results(directory: Path, config: str, environment: dict[str, str]) -> None:
    """Replay and advise as their users do, kept for the pages."""
    (directory / "new.yaml").write_text(config.replace("off: [sonnet, gpt-4o]", "off: [haiku, gpt-4o]"), "utf-8")
    for command in _COMMANDS:
        whole = [sys.executable, "-m", "turnout.cli", *command, "--data", "data"]
        subprocess.run(whole, cwd=directory, env=environment, stdout=subprocess.DEVNULL, check=True)


def _rows(made: Labelled, confidences: list[float]) -> Iterator[tuple[int, float, float]]:
    for tokens, logprob, confidence in zip(
        made.columns["tokens"], made.columns["mean_logprob"], confidences, strict=True
    ):
        yield round(float(tokens)), float(logprob), confidence


def _start(data: Path, now: datetime) -> None:
    walked = tuple(Walked(timestamp(now - timedelta(days=days)), share, why) for days, share, why in _STEPS)
    data.mkdir(parents=True, exist_ok=True)
    shares = (0.05, 0.25, 0.5)
    CanaryFile(data).write(Canary(flag=FLAG, variant="on", route="assistant", steps=shares, walked=walked))


def _divided(decision: Decision, now: datetime) -> Decision:
    """The decision on its side of the canary; the new side's answers are cheaper, and as good."""
    at = datetime.fromisoformat(decision.time)
    shares = [share for days, share, _ in _STEPS if at >= now - timedelta(days=days)]
    if not shares:
        return _by(f"flag:{FLAG}=off", decision)
    new = crc32(f"{FLAG} {decision.user}".encode()) % 100 < shares[-1] * 100
    read = {**decision.conditions, "flags": {FLAG: "in_share" if new else "not_in_share"}}
    divided = _by(f"flag:{FLAG}={'on' if new else 'off'}", decision)
    divided = msgspec.structs.replace(divided, flags={FLAG: "on" if new else "off"}, conditions=read)
    if not new or decision.cost_usd is None:
        return divided
    attempts = tuple(_cheaper(each) for each in decision.attempts)
    target = "haiku" if decision.target == "sonnet" else decision.target
    cost = sum((each.cost_usd or Decimal(0) for each in attempts), Decimal(0))
    return msgspec.structs.replace(divided, attempts=attempts, target=target, cost_usd=cost)


def _by(branch: str, decision: Decision) -> Decision:
    """The decision with the branch that it took as its reason."""
    fallback = "/fallback:1" if decision.reason == "fallback:1" else ""
    return msgspec.structs.replace(decision, reason=branch + fallback)


def _cheaper(attempt: Attempt) -> Attempt:
    if attempt.target != "sonnet":
        return attempt
    return msgspec.structs.replace(attempt, target="haiku", cost_usd=(attempt.cost_usd or Decimal(0)) * _DEAR_TO_CHEAP)


def _kept(decision: Decision, confidence: float) -> Decision:
    score = None if decision.feedback is None else float(crc32(decision.id.encode()) % 1_000 < confidence * 1_000)
    return msgspec.structs.replace(_by("stage:1", decision), confidence=confidence, feedback=score)


def _escalated(decision: Decision) -> Decision:
    """The small model's answer was not kept, and the strong one's was given."""
    (*before, last) = decision.attempts
    first = msgspec.structs.replace(last, outcome="discarded")
    dear = (last.cost_usd or Decimal(0)) * 20
    strong = msgspec.structs.replace(last, target="sonnet", cost_usd=dear)
    return msgspec.structs.replace(
        decision,
        reason="stage:2",
        attempts=(*before, first, strong),
        target="sonnet",
        cost_usd=(decision.cost_usd or Decimal(0)) + dear,
        router_cost_usd=last.cost_usd,
        feedback=None,
    )
