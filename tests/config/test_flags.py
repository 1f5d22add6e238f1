"""Feature flags as they are written, and what rules, policies and weights make of them."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

import msgspec
import pytest

from tests.config.configs import BASE, ENV
from tests.policy.deciding import a_context, answers, drive, proposed
from turnout.config.check import check
from turnout.config.compile import compile_routes
from turnout.config.flags import declared
from turnout.config.load import LoadedConfig, load_config_text
from turnout.errors import ConfigErrors
from turnout.policy.base import Context
from turnout.policy.dependence import depends_on
from turnout.policy.explain import explain
from turnout.policy.route import Route
from turnout.state.flag_board import FlagBoard
from turnout.types.candidate import Candidate, Considered, Declined
from turnout.types.flag import FlagMode, Setting, recorded
from turnout.types.request import Caller, Outline

ON = Setting(share={"on": 1.0})
OBSERVED = Setting(share={"on": 1.0}, mode=FlagMode.OBSERVE)
TERSE = Setting(share={"terse": 1.0})
FLAGS = """\
flags:
  cheap: {description: Haiku first}
  style: {variants: [control, terse, long]}
"""


def config(policy: str, flags: str = FLAGS) -> LoadedConfig:
    return load_config_text(f"{BASE}  r: {{baseline: sonnet, policy: {policy}}}\n{flags}", ENV)


def decided(policy: str, **settings: Setting) -> tuple[Route, Context]:
    """The route, and a context in which the flags are set so."""
    loaded = config(policy)
    board = FlagBoard(declared(loaded.config.flags), settings)
    context = a_context(targets=("sonnet", "haiku", "gpt-4o"), caller=Caller(user="u"), draw=0.5)
    conditions = context.conditions
    flags = board.read(context.caller, conditions.now, conditions.draw)
    route = compile_routes(loaded).find("r")
    assert route is not None
    return route, msgspec.structs.replace(context, conditions=msgspec.structs.replace(conditions, flags=flags))


def tried(policy: str, **settings: Setting) -> list[str]:
    route, context = decided(policy, **settings)
    return proposed(drive(route.policy, context)[0])


RULES = """{rules: [
    {name: new, when: {flag: cheap, tokens: {max: 100}}, use: [haiku, sonnet]},
    {name: terse, when: {flag: {style: [terse, long]}}, use: gpt-4o},
    {name: rest, use: sonnet}]}"""
POLICY = "{flag: {name: cheap, on: [haiku, gpt-4o], off: sonnet}}"
VARIANTS = "{flag: {name: style, variants: {control: sonnet, terse: haiku, long: gpt-4o}}}"
CHAIN = "[{flag: {name: cheap, on: haiku}}, sonnet]"
WEIGHTS = """{weighted: [
    {use: haiku, weight: {flag: cheap, weights: {on: 100}}}, {use: sonnet, weight: 1.0e-9}]}"""


@pytest.mark.parametrize(
    ("policy", "settings", "targets"),
    [
        (RULES, {}, ["sonnet"]),
        (RULES, {"cheap": ON}, ["haiku", "sonnet"]),
        (RULES, {"cheap": OBSERVED}, ["sonnet"]),
        (RULES, {"style": TERSE}, ["gpt-4o"]),
        (RULES, {"cheap": ON, "style": TERSE}, ["haiku", "sonnet"]),
        (POLICY, {}, ["sonnet"]),
        (POLICY, {"cheap": ON}, ["haiku", "gpt-4o"]),
        (VARIANTS, {}, ["sonnet"]),
        (VARIANTS, {"style": TERSE}, ["haiku"]),
        (CHAIN, {}, ["sonnet"]),
        (CHAIN, {"cheap": ON}, ["haiku", "sonnet"]),
        (WEIGHTS, {}, ["sonnet"]),
        (WEIGHTS, {"cheap": ON}, ["haiku"]),
        (WEIGHTS, {"cheap": msgspec.structs.replace(ON, killed=True)}, ["sonnet"]),
    ],
)
def test_rules_policies_targets_and_weights_hang_on_flags(
    policy: str, settings: dict[str, Setting], targets: list[str]
) -> None:
    assert tried(policy, **settings) == targets


def test_a_decision_reads_only_the_flags_that_it_comes_to_and_says_what_they_were() -> None:
    route, context = decided(RULES, cheap=ON)
    steps, _ = drive(route.policy, context, answers)
    assert steps[0] == Considered("new", True, "tokens 3 ≤ max 100; flag cheap is on (in share)")
    assert recorded(context.conditions.flags) == {"cheap": "on"}


def test_what_an_observed_flag_would_have_done_is_told_whatever_stands_between() -> None:
    for policy in (RULES, POLICY, CHAIN, WEIGHTS):
        route, context = decided(policy, cheap=OBSERVED)
        told = explain(route, Outline(said=()), context)
        assert told.candidates[0].target == "sonnet"
        assert told.would_have is not None
        assert told.would_have.target == "haiku"
        assert told.flags["cheap"] == "observe:on"


def test_an_observed_flag_that_changes_nothing_would_have_done_nothing_else() -> None:
    route, context = decided(POLICY, cheap=Setting(mode=FlagMode.OBSERVE))
    told = explain(route, Outline(said=()), context)
    assert (told.flags, told.would_have) == ({"cheap": "observe:off"}, None)


def test_a_variant_without_a_policy_declines() -> None:
    route, context = decided("{flag: {name: cheap, on: haiku}}")
    steps, outcome = drive(route.policy, context)
    assert steps[-1] == Declined("flag", "nothing_for_off")
    assert outcome is None


def test_reasons_name_the_flag() -> None:
    route, context = decided(POLICY, cheap=ON)
    steps, _ = drive(route.policy, context)
    reasons = [step.reason for step in steps if isinstance(step, Candidate)]
    assert reasons == ["flag:cheap=on", "flag:cheap=on/fallback:1"]


def test_a_route_depends_on_what_any_variant_depends_on() -> None:
    route, _ = decided(POLICY)
    assert depends_on(route.policy, {"sonnet"})
    assert not depends_on(route.policy, {"haiku"})


@pytest.mark.parametrize(
    ("policy", "told"),
    [
        ("{rules: [{name: a, when: {flag: chaep}, use: haiku}]}", "unknown flag 'chaep'. Did you mean 'cheap'?"),
        ("{rules: [{name: a, when: {flag: style}, use: haiku}]}", "which variant of the flag 'style'?"),
        ("{rules: [{name: a, when: {flag: {style: tense}}, use: haiku}]}", "has no variant 'tense'"),
        ("{flag: {name: chaep, on: haiku}}", "unknown flag 'chaep'. Did you mean 'cheap'?"),
        ("{flag: {name: cheap}}", "no policy hangs on it. Write flag: {name: cheap, on: ..., off: ...}."),
        ("{flag: {name: cheap, on: haiku, variants: {on: sonnet}}}", "'on' has two policies."),
        ("{flag: {name: style, on: haiku}}", "the flag 'style' has no variant 'on'."),
        ("{flag: {name: cheap, on: hiaku}}", "unknown target 'hiaku'. Did you mean 'haiku'?"),
        (
            "{weighted: [{use: haiku, weight: {flag: cheap, weights: {onn: 1}}}, {use: sonnet, weight: 1}]}",
            "the flag 'cheap' has no variant 'onn'. Did you mean 'on'?",
        ),
        (
            "{weighted: [{use: haiku, weight: {flag: cheap, weights: {on: 1}}}]}",
            "no branch has a weight above 0 of its own.",
        ),
    ],
)
def test_what_a_policy_says_of_a_flag_is_checked_where_it_stands(policy: str, told: str) -> None:
    with pytest.raises(ConfigErrors) as raised:
        config(policy)
    assert told in str(raised.value)
    assert str(raised.value).startswith("9: routes.r.policy")


@pytest.mark.parametrize(
    ("flags", "told"),
    [
        ("{f: {share: 30}}", "flags.f.share.on: it is no share of the callers. Write a percentage"),
        ("{f: {share: 130%}}", "flags.f.share.on: it is no share of the callers."),
        ("{f: {share: {on: 60%, off: 60%}}}", "flags.f: its shares are more than 100 % together."),
        ("{f: {share: {onn: 60%}}}", "flags.f: it has no variant 'onn', but off, on."),
        ("{f: {variants: [a, b], share: 5%}}", "which variant is the share of? Write share: {b: 5%}."),
        ("{f: {variants: [a, a]}}", "a variant is named twice."),
        ("{f: {default: no-such}}", "the default 'no-such' is no variant."),
        ("{f: {from: tomorrow}}", "it is no moment with a time zone. Write it like 2026-12-01T09:00Z."),
        ("{f: {until: '2026-12-01T09:00'}}", "it is no moment with a time zone."),
        ("{f: {from: '2026-12-02T09:00Z', until: '2026-12-01T09:00Z'}}", "it would be over before it begins"),
        ("{f: {source: openfeature, share: 5%}}", "your own provider evaluates it."),
        ("{'f f': {}}", "'f f' is no name for a flag."),
        ("{f: {shares: 5%}}", "unknown key 'shares'. Did you mean 'share'?"),
    ],
)
def test_a_flag_that_cannot_be_is_refused_with_the_fix(flags: str, told: str) -> None:
    with pytest.raises(ConfigErrors) as raised:
        config("sonnet", f"flags: {flags}")
    assert told in str(raised.value)


def test_a_flag_is_read_with_its_defaults_and_all_that_may_be_said() -> None:
    given = config(
        "sonnet",
        """\
flags:
  bare:
  full:
    by: tenant
    share: 2.5%
    lists: {on: {users: [ann, bob], tenants: acme}, off: {users: eve}}
    from: 2026-12-01T09:00Z
    until: 2026-12-24T00:00+01:00
    mode: observe
""",
    )
    bare, full = declared(given.config.flags).values()
    assert (bare.variants, bare.default, bare.by, bare.setting) == (("off", "on"), "off", "user", Setting())
    assert full.setting.share == {"on": 0.025}
    assert full.setting.lists["on"].users == {"ann", "bob"}
    assert full.setting.lists["on"].tenants == {"acme"}
    assert full.setting.from_ == datetime(2026, 12, 1, 9, tzinfo=UTC)
    assert full.setting.until == datetime(2026, 12, 23, 23, tzinfo=UTC)
    assert full.setting.mode is FlagMode.OBSERVE
    assert full.by == "tenant"


Found = Callable[[str, str], list[str]]


@pytest.fixture
def findings(tmp_path: Path) -> Found:
    def found(policy: str, flags: str = FLAGS) -> list[str]:
        file = tmp_path / "t.yaml"
        file.write_text(f"{BASE}  r: {{baseline: sonnet, policy: {policy}}}\n{flags}")
        return [f"{each.line}: {each.problem}" for each in check(file, ENV, datetime(2026, 6, 1, tzinfo=UTC))]

    return found


def test_flags_that_nothing_asks_for_and_variants_without_a_policy_are_found(findings: Found) -> None:
    assert findings("[sonnet, gpt-4o]", FLAGS) == [
        "11: no route asks for the flag 'cheap'.",
        "12: no route asks for the flag 'style'.",
    ]
    (found,) = findings("{flag: {name: cheap, on: [haiku, gpt-4o]}}", "flags: {cheap: }")
    assert "there is no policy for 'off'" in found


def test_rules_that_a_flag_shuts_out_are_found_and_those_that_it_may_open_are_not(findings: Found) -> None:
    dead = """{flag: {name: cheap, off: [sonnet, gpt-4o], on: {rules: [
        {name: never, when: {not: {flag: cheap}}, use: [haiku, gpt-4o]}, {name: rest, use: [sonnet, gpt-4o]}]}}}"""
    (found,) = findings(dead, "flags: {cheap: }")
    assert "rule 'never' can never fire" in found
    both = """{rules: [{name: a, when: {flag: cheap}, use: [haiku, gpt-4o]},
        {name: b, when: {not: {flag: cheap}}, use: [sonnet, gpt-4o]}, {name: c, use: [sonnet, gpt-4o]}]}"""
    assert findings(both, "flags: {cheap: }") == []


def test_a_weight_of_0_that_hangs_on_a_flag_is_meant(findings: Found) -> None:
    assert findings(WEIGHTS, "flags: {cheap: }") == []
