"""What judges a cascade's answers is looked at before it ships."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import msgspec

from tests.confidence.judges import calibrated_on
from tests.config.configs import ENV, with_routes
from turnout.confidence.calibration import save_calibration
from turnout.config.check import check

NOW = datetime(2026, 6, 1, tzinfo=UTC)
SHARE = (0.0, 1.0)


def found(tmp_path: Path, first: str, *signals: str, settings: str = "{}") -> list[tuple[str | None, str]]:
    """The findings about a cascade whose calibration, of haiku's answers, reads these signals."""
    save_calibration(tmp_path / "ours.json", calibrated_on(dict.fromkeys(signals, SHARE), target="haiku"))
    accept = f"{{confidence: 0.85, by: ours.json, signals: {settings}}}"
    stages = f"[{{use: {first}, accept: {accept}}}, {{use: [sonnet, gpt-4o]}}]"
    file = tmp_path / "turnout.yaml"
    file.write_text(with_routes(f"r: {{baseline: sonnet, policy: {{cascade: {stages}}}}}"))
    return [(each.key, each.problem) for each in check(file, ENV, NOW)]


def test_a_calibration_on_signals_that_every_target_gives_is_sound(tmp_path: Path) -> None:
    assert found(tmp_path, "haiku", "hedging", "tokens", "judge", settings="{judge: {target: gpt-4o}}") == []


def test_a_signal_that_asks_for_log_probabilities_needs_a_target_that_tells_them(tmp_path: Path) -> None:
    ((key, problem),) = found(tmp_path, "haiku", "p_true")
    assert key == "routes.r.policy.cascade.0"
    assert "'haiku' gives no logprobs" in problem


def test_a_calibration_of_another_targets_answers_is_found(tmp_path: Path) -> None:
    assert found(tmp_path, "[haiku, gpt-4o]", "hedging") == [
        (
            "routes.r.policy.cascade.0.accept.by",
            "the calibration is of answers of 'haiku', and judges those of 'gpt-4o'.",
        )
    ]


def test_a_gate_calibrated_on_another_targets_answers_is_found(tmp_path: Path) -> None:
    made = calibrated_on({"mean_logprob@20": (-30.0, 0.0)}, target="gpt-4o")
    save_calibration(tmp_path / "begun.json", msgspec.structs.replace(made, prefix=20))
    save_calibration(tmp_path / "ours.json", calibrated_on({"hedging": SHARE}, target="haiku"))
    accept = "{confidence: 0.85, by: ours.json, gate: {by: begun.json, release: 0.9}}"
    stages = f"[{{use: haiku, accept: {accept}}}, {{use: [sonnet, gpt-4o]}}]"
    file = tmp_path / "turnout.yaml"
    file.write_text(with_routes(f"r: {{baseline: sonnet, policy: {{cascade: {stages}}}}}"))
    problems = {(each.key or "")[len("routes.r.policy.cascade.0") :]: each.problem for each in check(file, ENV, NOW)}
    assert "calibration is of answers of 'gpt-4o'" in problems[".accept.gate.by"]
    assert "'haiku' gives no logprobs" in problems[""]


def test_a_calibration_that_knows_no_prices_cannot_judge_by_them(tmp_path: Path) -> None:
    save_calibration(tmp_path / "ours.json", calibrated_on({"hedging": SHARE}, target="haiku"))
    stages = "[{use: haiku, accept: {worth: 0.01, by: ours.json}}, {use: sonnet}]"
    file = tmp_path / "turnout.yaml"
    file.write_text(with_routes(f"r: {{baseline: sonnet, policy: {{cascade: {stages}}}}}"))
    ((key, problem, fix),) = [(each.key, each.problem, each.fix) for each in check(file, ENV, NOW)]
    assert key == "routes.r.policy.cascade.0.accept.by"
    assert "does not tell what a better answer costs" in problem
    assert "turnout calibrate ROUTE --by gain" in fix
