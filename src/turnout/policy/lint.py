"""Rules that can never fire, branches that nothing reaches: found before they ship."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal

from turnout.policy.base import Policy
from turnout.policy.cascade import Cascade
from turnout.policy.classifier.policy import Classify
from turnout.policy.explore import Explore
from turnout.policy.fallback import Fallback
from turnout.policy.filters import Filters
from turnout.policy.flag import ByFlag
from turnout.policy.implication import always, implies, never
from turnout.policy.rules import Rules
from turnout.policy.weighted import Weighted
from turnout.policy.when import ALWAYS, AllOf, Condition, FlagIs

Kind = Literal["dead", "shadowed", "repeated", "never_drawn"]


@dataclass(frozen=True, slots=True)
class Lint:
    """Something in a policy that has no effect.

    Attributes:
        at: where it stands in the configuration, dotted.
        kind: `dead` (its condition never holds), `shadowed` (an earlier rule takes all that it would), `repeated`
            (a chain's element whose targets were all tried before), `never_drawn` (a weight of 0).
        name: the rule's, branch's or target's name.
        message: why, in one sentence.
    """

    at: str
    kind: Kind
    name: str
    message: str


def lint(policy: Policy, *, empty_lists: frozenset[str] = frozenset()) -> tuple[Lint, ...]:
    """Everything in `policy` without effect, in the order of the configuration.

    Args:
        policy: the policy; a wrapping `Filters` is looked through.
        empty_lists: the names of the route's phrase lists that have no phrases.
    """
    return tuple(_lint(policy, ALWAYS, empty_lists))


def _lint(policy: Policy, given: Condition, empty: frozenset[str]) -> Iterator[Lint]:
    """`given` is what the rules around `policy` already require."""
    match policy:
        case Filters(policy=inner) | Explore(policy=inner):
            yield from _lint(inner, given, empty)
        case Rules():
            yield from _lint_rules(policy, given, empty)
        case Fallback():
            yield from _lint_chain(policy, given, empty)
        case Classify(among=among):
            for chosen in among.values():
                yield from _lint(chosen, given, empty)
        case Weighted():
            yield from _lint_split(policy, given, empty)
        case Cascade():
            for stage in policy.stages:
                yield from _lint(stage.policy, given, empty)
        case ByFlag():
            yield from _lint_flag(policy, given, empty)


def _lint_rules(policy: Rules, given: Condition, empty: frozenset[str]) -> Iterator[Lint]:
    earlier: list[tuple[str, Condition]] = []
    for index, rule in enumerate(policy.rules):
        at = f"{policy.at}.{index}"
        asked = AllOf((given, rule.when))
        shadow = next((name for name, when in earlier if implies(asked, when)), None)
        if never(asked, empty):
            yield Lint(at, "dead", rule.name, f"rule '{rule.name}' can never fire: its condition holds of no request.")
        elif shadow is not None:
            yield Lint(
                at,
                "shadowed",
                rule.name,
                f"rule '{rule.name}' can never fire: rule '{shadow}' before it takes every request that it would.",
            )
        yield from _lint(rule.policy, asked, empty)
        earlier.append((rule.name, ALWAYS if always(rule.when, empty) else rule.when))


def _lint_chain(policy: Fallback, given: Condition, empty: frozenset[str]) -> Iterator[Lint]:
    seen: set[str] = set()
    for index, element in enumerate(policy.elements):
        if seen.issuperset(element.targets):
            named = " and ".join(f"'{name}'" for name in element.targets)
            yield Lint(
                f"{policy.at}.{index}",
                "repeated",
                element.targets[0],
                f"{named} is already in the chain before: a target is tried once for a request.",
            )
        yield from _lint(element, given, empty)
        seen.update(_surely_tried(element))


def _surely_tried(policy: Policy) -> tuple[str, ...]:
    """The targets that have been tried for any request once `policy` has none left."""
    match policy:
        case Explore(policy=inner):
            return _surely_tried(inner)
        case Fallback(elements=elements):
            return tuple(name for element in elements for name in _surely_tried(element))
        case Rules() | Weighted() | Classify():  # one of several decides, or none
            return ()
    return policy.targets


def _lint_split(policy: Weighted, given: Condition, empty: frozenset[str]) -> Iterator[Lint]:
    for index, branch in enumerate(policy.branches):
        if branch.weight == 0:
            yield Lint(
                f"{policy.at}.{index}.weight",
                "never_drawn",
                branch.name,
                f"branch '{branch.name}' has the weight 0: it gets no traffic.",
            )
        yield from _lint(branch.policy, given, empty)


def _lint_flag(policy: ByFlag, given: Condition, empty: frozenset[str]) -> Iterator[Lint]:
    """Each once, however many variants lead to it. A weight that hangs on the flag may well be 0 for some of them."""
    told: dict[Lint, None] = {}
    for variant, use in policy.uses.items():
        told.update(dict.fromkeys(_lint(use, AllOf((given, FlagIs(policy.flag, (variant,)))), empty)))
    if policy.rest is not None:
        told.update(dict.fromkeys(_lint(policy.rest, given, empty)))
        own = [index for index in told if index.kind == "never_drawn" and index.at.startswith(f"{policy.at}.")]
        for found in own:
            del told[found]
    yield from told
