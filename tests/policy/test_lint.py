"""A rule that the lint calls dead never fires, whatever the request."""

from __future__ import annotations

from datetime import timedelta

from hypothesis import given, settings
from hypothesis import strategies as st

from tests.policy.deciding import NOON, a_context, chain, drive, single
from turnout.policy.base import Context
from turnout.policy.fallback import Fallback
from turnout.policy.filters import Filters
from turnout.policy.implication import always, exclusive, implies, never
from turnout.policy.lint import lint
from turnout.policy.rules import Rule, Rules
from turnout.policy.weighted import Branch, Weighted
from turnout.policy.when import ALWAYS, AllOf, AnyOf, Condition, Header, HourIn, Matches, Named, Not, Within
from turnout.types.candidate import Considered
from turnout.types.request import Caller

_BOUND = st.one_of(st.none(), st.integers(0, 4))
_GLOBS = st.lists(st.sampled_from(["a", "b", "ab", "a*", "*", "[ab]"]), min_size=1, max_size=2).map(tuple)
_LEAVES = st.one_of(
    st.builds(Within, st.sampled_from(["tokens", "turns", "latency_budget"]), _BOUND, _BOUND),
    st.builds(Matches, st.lists(st.sampled_from(["x", "y"]), min_size=1, unique=True).map(tuple)),
    st.builds(Named, st.sampled_from(["source", "tenant", "language"]), _GLOBS),
    st.builds(Header, st.sampled_from(["h", "i"]), _GLOBS),
    st.builds(HourIn, st.frozensets(st.integers(0, 5))),
)
CONDITIONS: st.SearchStrategy[Condition] = st.recursive(
    _LEAVES,
    lambda inner: st.one_of(
        st.builds(AllOf, st.lists(inner, max_size=3).map(tuple)),
        st.builds(AnyOf, st.lists(inner, max_size=3).map(tuple)),
        st.builds(Not, inner),
    ),
    max_leaves=6,
)
_WORD = st.sampled_from(["a", "b", "ab", "c"])
CONTEXTS: st.SearchStrategy[Context] = st.builds(
    a_context,
    tokens=st.integers(0, 5),
    turns=st.integers(0, 5),
    language=st.one_of(st.none(), _WORD),
    matches=st.dictionaries(st.sampled_from(["x", "y"]), st.just("phrase")),
    now=st.integers(0, 6).map(lambda hours: NOON - timedelta(hours=12 - hours)),
    caller=st.builds(
        Caller,
        source=st.one_of(st.none(), _WORD),
        tenant=_WORD,
        latency_budget_s=st.one_of(st.none(), st.integers(0, 5).map(float)),
        headers=st.dictionaries(st.sampled_from(["h", "i"]), _WORD),
    ),
)


@settings(max_examples=400)
@given(CONDITIONS, CONDITIONS, CONTEXTS)
def test_what_is_said_to_follow_does_follow(one: Condition, other: Condition, context: Context) -> None:
    holds, also = one.judge(context)[0], other.judge(context)[0]
    if implies(one, other):
        assert also or not holds
    if exclusive(one, other):
        assert not (holds and also)
    if always(one):
        assert holds
    if never(one):
        assert not holds


@settings(max_examples=300)
@given(st.lists(CONDITIONS, min_size=1, max_size=5), CONTEXTS)
def test_a_rule_that_is_called_dead_or_shadowed_never_fires(conditions: list[Condition], context: Context) -> None:
    rules = Rules(tuple(Rule(str(index), single("a"), when) for index, when in enumerate(conditions)))
    useless = {found.name for found in lint(rules)}
    fired = {step.name for step in drive(rules, context)[0] if isinstance(step, Considered) and step.chosen}
    assert not useless & fired


def names_of(*conditions: Condition, empty: frozenset[str] = frozenset()) -> dict[str, str]:
    rules = tuple(Rule(str(index), single("a"), when) for index, when in enumerate(conditions))
    return {found.name: found.kind for found in lint(Rules(rules, "at"), empty_lists=empty)}


def test_contradictions_are_dead() -> None:
    assert names_of(Within("tokens", low=10, high=5)) == {"0": "dead"}
    assert names_of(AnyOf(())) == {"0": "dead"}
    assert names_of(Not(ALWAYS)) == {"0": "dead"}
    assert names_of(AllOf((Matches(("x",)), Not(Matches(("x", "y")))))) == {"0": "dead"}
    assert names_of(AllOf((Named("user", ("a",)), Named("user", ("b",))))) == {"0": "dead"}
    assert names_of(AllOf((Within("tokens", high=5), AllOf((Within("tokens", low=6),))))) == {"0": "dead"}
    assert names_of(Matches(("x",)), empty=frozenset({"x"})) == {"0": "dead"}


def test_what_an_earlier_rule_takes_is_shadowed() -> None:
    assert names_of(ALWAYS, Matches(("x",))) == {"1": "shadowed"}
    assert names_of(Within("tokens", high=200), Within("tokens", low=50, high=100)) == {"1": "shadowed"}
    assert names_of(Matches(("x", "y")), AllOf((Matches(("x",)), Within("tokens", low=3)))) == {"1": "shadowed"}
    assert names_of(Named("source", ("web-*",)), Named("source", ("web-shop", "web-app"))) == {"1": "shadowed"}
    assert names_of(Within("tokens", low=0), Matches(("x",))) == {"1": "shadowed"}


def test_what_can_fire_is_left_alone() -> None:
    assert names_of(Within("tokens", high=5), Within("tokens", low=3)) == {}
    assert names_of(Matches(("x",)), Matches(("x", "y"))) == {}
    assert names_of(Within("latency_budget", low=0), ALWAYS) == {}
    assert names_of(Named("source", ("a",)), Named("source", ("a*",))) == {}
    assert names_of(Matches(("x",)), Matches(("y",)), empty=frozenset({"x"})) == {"0": "dead"}


def test_a_rule_within_a_rule_is_read_in_its_light() -> None:
    inner = Rules((Rule("inner", single("a"), Within("tokens", low=100)),), "at.0.use.rules")
    outer = Rules((Rule("outer", inner, Within("tokens", high=50)),), "at")
    assert [(found.name, found.kind, found.at) for found in lint(outer)] == [("inner", "dead", "at.0.use.rules.0")]


def test_repeated_targets_and_weights_of_zero_are_named() -> None:
    repeated = lint(Filters(Fallback((chain("a", "b"), single("b"), single("c")), "at")))
    assert [(found.at, found.kind, found.name) for found in repeated] == [("at.1", "repeated", "b")]
    zero = lint(Weighted((Branch(single("a"), 1, "a"), Branch(single("b"), 0, "b")), "at"))
    assert [(found.at, found.kind, found.name) for found in zero] == [("at.1.weight", "never_drawn", "b")]
