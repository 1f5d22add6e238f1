"""What the bench of gates makes of what it measured."""

from __future__ import annotations

from bench.gate import Pair, Streamed, figures
from tests.confidence.judges import calibrated_on
from turnout.insight.aims import Error, Point
from turnout.insight.calibrate import Calibrated
from turnout.types.candidate import Considered
from turnout.types.decision import Attempt, Decision

FOUND = Calibrated(
    calibration=calibrated_on({"mean_logprob@12": (-30.0, 0.0)}),
    aim=Error(alpha=0.1),
    chosen=Point(0.8, 0.5, 0.05, None, None),
    promise="At most so many.",
    curve=(),
    checked=50,
    strong=None,
    always_usd=None,
)


def streamed(
    target: str, first_ms: float, tokens: int, *because: tuple[str, bool], right: bool | None = None
) -> Streamed:
    draft = Attempt(target="small", started="", outcome="answered", latency_ms=900, output_tokens=tokens)
    decision = Decision(
        id="1",
        time="",
        route="r",
        model="r",
        dialect="openai_chat",
        outcome="answered",
        target=target,
        attempts=(draft,),
        considered=tuple(Considered("answer of small", chosen, why) for why, chosen in because),
    )
    return Streamed(first_ms, first_ms + 100, right, decision)


def test_requests_are_told_by_what_the_gate_did_with_them() -> None:
    whole = streamed("small", 1000, 48, ("confidence 0.9 ≥ 0.8", True), right=True)
    pairs = [
        Pair(whole, streamed("small", 300, 48, ("after 12 tokens: confidence 0.9 ≥ 0.8", True), right=True)),
        Pair(whole, streamed("small", 500, 48, ("after 12 tokens: confidence 0.9 ≥ 0.8", True), right=False)),
        Pair(whole, streamed("strong", 700, 12, ("after 12 tokens: confidence 0.1 < 0.3", False))),
        Pair(
            whole,
            streamed("small", 1000, 48, ("after 12 tokens: confidence 0.5, so", False), ("0.9", True), right=True),
        ),
        Pair(whole, streamed("small", 1000, 5, ("confidence 0.9 ≥ 0.8", True), right=True)),
    ]
    told = figures(FOUND, pairs)
    assert {how: row["requests"] for how, row in told["by"].items()} == {"released": 2, "stopped": 1, "held": 2}
    assert told["by"]["released"]["first_ms"] == [900, 400]
    assert told["by"]["released"]["wrong_of_kept"] == 0.5
    assert told["by"]["stopped"]["first_ms"] == [1000, 700]
    assert told["by"]["stopped"]["draft_tokens"] == [48, 12]
    assert told["by"]["stopped"]["kept_by"] == [1, 0]
    assert told["all"]["requests"] == 5
