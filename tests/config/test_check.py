"""What is probably not meant is found before it ships."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

import pytest

from tests.config.configs import BASE, ENV, with_routes
from turnout.config.check import Finding, check
from turnout.errors import ConfigError

Find = Callable[[str], list[Finding]]
NOW = datetime(2026, 6, 1, tzinfo=UTC)


@pytest.fixture
def findings(tmp_path: Path) -> Find:
    def found(text: str) -> list[Finding]:
        file = tmp_path / "t.yaml"
        file.write_text(text)
        return list(check(file, ENV, NOW))

    return found


def told(findings: list[Finding]) -> list[tuple[int | None, str | None, str]]:
    return [(each.line, each.key, each.problem) for each in findings]


def test_a_sound_configuration_has_no_findings(findings: Find) -> None:
    assert findings(with_routes("r: {policy: [sonnet, gpt-4o], baseline: sonnet}")) == []


def test_a_broken_one_has_errors(findings: Find) -> None:
    (found,) = findings(with_routes("r: {policy: haku}"))
    assert (found.severity, found.line, found.fix) == ("error", 9, "Did you mean 'haiku'?")


RULES = """\
r:
  baseline: sonnet
  lists: {faq: [hours], unused: [x], empty: []}
  policy:
    rules:
      - {name: short, when: {tokens: {max: 100}}, use: [haiku, gpt-4o]}
      - {name: shorter, when: {tokens: {max: 50}, matches: faq}, use: [haiku, gpt-4o]}
      - {name: never, when: {tokens: {min: 10, max: 5}}, use: haiku}
      - {name: nothing, when: {matches: empty}, use: haiku}
      - {name: rest, use: [sonnet, gpt-4o, sonnet]}
      - {name: after, when: {images: true}, use: haiku}
"""


def test_rules_that_never_fire_are_named_at_their_lines(findings: Find) -> None:
    assert told(findings(with_routes(RULES))) == [
        (11, "routes.r.lists.unused", "no rule asks for the phrase list 'unused'."),
        (11, "routes.r.lists.empty", "the phrase list 'empty' has no phrases."),
        (
            15,
            "routes.r.policy.rules.1",
            "rule 'shorter' can never fire: rule 'short' before it takes every request that it would.",
        ),
        (16, "routes.r.policy.rules.2", "rule 'never' can never fire: its condition holds of no request."),
        (17, "routes.r.policy.rules.3", "rule 'nothing' can never fire: its condition holds of no request."),
        (
            18,
            "routes.r.policy.rules.4.use.2",
            "'sonnet' is already in the chain before: a target is tried once for a request.",
        ),
        (
            19,
            "routes.r.policy.rules.5",
            "rule 'after' can never fire: rule 'rest' before it takes every request that it would.",
        ),
    ]


@pytest.mark.parametrize(
    ("route", "line", "key", "word"),
    [
        (
            "r: {baseline: haiku, policy: {fallback: [haiku, sonnet]}}",
            9,
            "routes.r.policy.fallback",
            "at the provider 'anthropic'",
        ),
        ("r: {policy: [sonnet, gpt-4o]}", 9, "routes.r", "no baseline"),
        ("r: {baseline: sonnet, policy: [sonnet, haiku]}", 9, "routes.r.policy", "at the provider 'anthropic'"),
        (
            "r:\n  policy: haiku\n  timeouts: {first_token: 9s, total: 8s}",
            11,
            "routes.r.timeouts.first_token",
            "longer",
        ),
        (
            "r: {baseline: haiku, policy: {weighted: [{use: haiku, weight: 1}, {use: sonnet, weight: 0}]}}",
            9,
            "routes.r.policy.weighted.1.weight",
            "gets no traffic",
        ),
        (
            "r: {baseline: haiku, policy: {rules: [{name: a, when: {tools: true}, use: haiku}]}}",
            9,
            "routes.r.policy.rules",
            "fits none",
        ),
        (
            "r: {baseline: gpt-4o, policy: {cascade: [{use: gpt-4o, accept: {confidence: 0.9}}, {use: haiku}]}}",
            9,
            "routes.r.policy.cascade.0.accept",
            "not how often it is right",
        ),
    ],
)
def test_what_is_probably_not_meant_is_a_warning(findings: Find, route: str, line: int, key: str, word: str) -> None:
    (found,) = findings(with_routes(route))
    assert (found.severity, found.line, found.key) == ("warning", line, key)
    assert word in found.problem


def test_a_stage_that_tells_nothing_of_its_tokens_is_found(findings: Find) -> None:
    route = "r: {baseline: gpt-4o, policy: {cascade: [{use: haiku, accept: {confidence: 0.9}}, {use: gpt-4o}]}}"
    found = [each for each in findings(with_routes(route)) if each.key == "routes.r.policy.cascade.0"]
    assert [each.problem for each in found] == [
        "'haiku' gives no logprobs, by which its answers are judged: every one of them is escalated."
    ]


def test_a_price_that_nobody_knows_is_a_warning_and_a_given_one_is_not(findings: Find) -> None:
    text = BASE.replace("gpt-4o}", "gpt-4o-of-our-own}", 1) + "  r: {policy: haiku}\n"
    text = text.replace("model: gpt-4o-of-our-own", "model: our-own-model")
    (found,) = findings(text)
    assert (found.line, found.key) == (7, "targets.gpt-4o")
    assert "price of 'gpt-4o' is unknown" in found.problem
    priced = text.replace("model: our-own-model", "model: our-own-model, price: {input: 0.1, output: 0.2}")
    assert findings(priced) == []


def test_an_open_door_is_a_warning(findings: Find) -> None:
    text = with_routes("r: {policy: haiku}")
    assert told(findings(text + "server: {host: 0.0.0.0}\n"))[0][1] == "server.host"
    assert findings(text + "server: {host: 0.0.0.0, keys: [k]}\n") == []
    for own in ("'::1'", "localhost"):
        assert findings(text + f"server: {{host: {own}}}\n") == []
    assert len(findings(text + "server: {host: gateway.internal}\n")) == 1


def test_names_with_dots_are_found_at_their_lines(findings: Find) -> None:
    (found,) = findings(with_routes("'gpt-4.1':\n  baseline: haiku\n  policy: [haiku, gpt-4o, haiku]"))
    assert (found.line, found.key) == (11, "routes.gpt-4.1.policy.2")


def test_no_configuration_at_all_is_not_a_finding(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="no such file"):
        check(tmp_path / "none.yaml", ENV, NOW)


@pytest.mark.parametrize("name", ["always-up", "contracts", "support"])
def test_the_worked_patterns_are_sound(name: str) -> None:
    env = {**ENV, **dict.fromkeys(["FALLBACK_MODEL_URL", "CONTRACTS_MODEL_URL", "SUPPORT_MODEL_URL"], "http://x/v1")}
    found = check(Path(__file__).parents[2] / "examples" / f"{name}.yaml", env, NOW)
    assert [each for each in found if each.severity == "error"] == []
