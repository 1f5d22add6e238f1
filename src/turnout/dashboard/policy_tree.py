"""A configured policy as a tree to draw, with how many requests each branch answered."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Literal, NamedTuple

from pydantic import BaseModel

from turnout.config.accepting import Accept
from turnout.config.choosing import BestSpec, CheapestSpec, FastestSpec
from turnout.config.conditions import When
from turnout.config.policies import (
    BudgetSpec,
    CascadeSpec,
    Chain,
    ExploreSpec,
    FallbackSpec,
    FlagSpec,
    RulesSpec,
    WeightedSpec,
)
from turnout.config.schema import RouteConfig

Kind = Literal["route", "rule", "branch", "target"]
Answered = dict[tuple[str | None, str | None], int]
"""How many requests each reason and target had; taken out as branches are found, so that each counts once."""
Path = tuple[str, ...]
"""Why a branch is taken, as the record's `reason` has it."""


class Node(NamedTuple):
    """A box of the drawing.

    Attributes:
        kind: what it stands for.
        label: its name.
        note: what is said about it: a rule's condition, a branch's weight, a target's place in a chain.
        children: what it leads to, in order.
        requests: how many requests went through it.
    """

    kind: Kind
    label: str
    note: str
    children: tuple[Node, ...]
    requests: int


def policy_tree(name: str, route: RouteConfig, answered: Mapping[tuple[str | None, str | None], int]) -> Node:
    """The tree of a route's policy.

    Args:
        name: the route's name.
        route: its configuration.
        answered: how many requests each reason and target had.
    """
    left = dict(answered)
    children = tuple(_nodes(route.policy, (), left))
    return Node("route", name, "", children, sum(answered.values()))


def _nodes(policy: Any, path: Path, left: Answered) -> Iterator[Node]:
    match policy:
        case str():
            yield Node("target", policy, "", (), left.pop(("/".join(path) or "single", policy), 0))
        case Chain():
            yield from _chain(policy.root, path, left)
        case FallbackSpec():
            yield from _chain(policy.fallback, path, left)
        case RulesSpec():
            for rule in policy.rules:
                yield _parent("rule", rule.name, words(rule.when), _nodes(rule.use, (*path, f"rule:{rule.name}"), left))
        case WeightedSpec():
            yield from _split(policy, path, left)
        case FlagSpec():
            name = policy.flag.name
            for variant, use in policy.flag.uses().items():
                yield _parent(
                    "branch", f"{name} {variant}", "by flag", _nodes(use, (*path, f"flag:{name}={variant}"), left)
                )
        case BudgetSpec():
            yield from _ladder(policy, path, left)
        case FastestSpec():
            yield _parent("branch", "fastest", "by recent calls", _ranked("fastest", policy.fastest, path, left))
        case CheapestSpec():
            yield _parent("branch", "cheapest", "for the request", _ranked("cheapest", policy.cheapest, path, left))
        case BestSpec():
            nodes = _ranked("best", list(policy.best.among), path, left)
            yield _parent("branch", "best", "by quality, cost and latency", nodes)
        case CascadeSpec():
            for number, stage in enumerate(policy.cascade, 1):
                note = _kept(stage.accept) if stage.accept else "kept in any case"
                nodes = _nodes(stage.use, (*path, f"stage:{number}"), left)
                yield _parent("branch", f"stage {number}", note, nodes)
        case ExploreSpec():
            yield from _explore(policy, path, left)
        case BaseModel():
            yield from _other(policy, path, left)


def _kept(accept: Accept) -> str:
    if accept.worth is not None:
        return f"kept unless a better answer costs less than {accept.worth:g} USD"
    gate = f", streams settled between {accept.gate.stop:g} and {accept.gate.release:g}" if accept.gate else ""
    return f"kept from confidence {accept.confidence:g}{gate}"


def _chain(policies: Sequence[Any], path: Path, left: Answered) -> Iterator[Node]:
    for place, each in enumerate(policies):
        inner = (*path, f"fallback:{place}") if place else path or ("primary",)
        for node in _nodes(each, inner, left):
            yield node._replace(note=node.note or ("first" if not place else f"fallback {place}"))


def _split(policy: WeightedSpec, path: Path, left: Answered) -> Iterator[Node]:
    hung = policy.by_flag()
    if hung is not None:
        for variant, split in hung[1].items():
            yield _parent("branch", f"{hung[0]} {variant or 'else'}", "by flag", _split(split, path, left))
        return
    weights = [branch.weight for branch in policy.weighted if isinstance(branch.weight, float)]
    for branch, weight in zip(policy.weighted, weights, strict=True):
        part = weight / sum(weights)
        nodes = _nodes(branch.use, (*path, f"weighted:{part:.4g}"), left)
        yield _parent("branch", f"{part * 100:.3g} %", "by weight", nodes)


def _explore(policy: ExploreSpec, path: Path, left: Answered) -> Iterator[Node]:
    given = policy.explore
    tried = [node for name in given.among for node in _nodes(name, (*path, "explore"), left)]
    yield _parent("branch", f"{given.share * 100:.3g} %", "explored at random", tried)
    yield _parent("branch", f"{100 - given.share * 100:.3g} %", "the rest", _nodes(given.use, path, left))


def _ladder(policy: BudgetSpec, path: Path, left: Answered) -> Iterator[Node]:
    for number, step in enumerate(policy.budget.steps, 1):
        since = {} if step.since is None else step.since.model_dump(exclude_none=True)
        note = ", ".join(f"{name} from {share}" for name, share in since.items()) or "while all is well"
        nodes = _nodes(step.use, (*path, f"budget:{number}"), left) if step.use is not None else ()
        yield _parent("branch", f"step {number}" if nodes else f"step {number}: nobody", note, nodes)


def _ranked(kind: str, targets: Sequence[str], path: Path, left: Answered) -> Iterator[Node]:
    """Each of them may have been asked at any place."""
    reasons = ["/".join((*path, f"{kind}:{place}")) for place in range(len(targets))]
    for target in targets:
        yield Node("target", target, "", (), sum(left.pop((reason, target), 0) for reason in reasons))


def _other(policy: BaseModel, path: Path, left: Answered) -> Iterator[Node]:
    """A kind of policy that has no drawing of its own: its name, and every policy in it."""
    for name in type(policy).model_fields:
        value = getattr(policy, name)
        inner = value if isinstance(value, list) else [value]
        nodes = [node for each in inner for node in _nodes(getattr(each, "use", each), path, left)]
        if nodes:
            yield _parent("branch", name, "", nodes)


def _parent(kind: Kind, label: str, note: str, children: Any) -> Node:
    nodes = tuple(children)
    return Node(kind, label, note, nodes, sum(node.requests for node in nodes))


def words(when: When | None) -> str:
    """A condition as a person would read it aloud."""
    if when is None:
        return "everything else"
    said = when.model_dump(mode="json", by_alias=True, exclude_none=True)
    return _said(said)


def _said(condition: Mapping[str, Any]) -> str:
    return ", ".join(_one(key, value) for key, value in condition.items())


def _one(key: str, value: Any) -> str:
    match key, value:
        case "not", dict():
            return f"not ({_said(value)})"
        case "any" | "all", list():
            return f" {'or' if key == 'any' else 'and'} ".join(f"({_said(each)})" for each in value)
        case _, {"min": least, "max": most}:
            return f"{key} {least} to {most}"
        case _, {"min": least}:
            return f"{key} ≥ {least}"
        case _, {"max": most}:
            return f"{key} ≤ {most}"
        case _, dict():
            return f"{key} " + ", ".join(f"{name} {_listed(each)}" for name, each in value.items())
    return f"{key} {_listed(value)}"


def _listed(value: Any) -> str:
    return " or ".join(str(each) for each in value) if isinstance(value, list) else str(value)
