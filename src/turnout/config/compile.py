"""From what the configuration says to policies and routes."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from fnmatch import translate
from typing import Any, Final

from turnout.config.conditions import Bounds, DurationBounds, Hours, When, parse_hours
from turnout.config.load import LoadedConfig
from turnout.config.policies import CascadeSpec, Chain, FallbackSpec, FastestSpec, PolicySpec, RulesSpec, WeightedSpec
from turnout.config.schema import Config, RouteConfig, ServerConfig, TimeoutsConfig
from turnout.config.version import policy_version
from turnout.errors import ConfigError, ConfigErrors
from turnout.features.language import load_language_model
from turnout.features.phrases import PhraseLists
from turnout.policy.base import Policy
from turnout.policy.fallback import Fallback
from turnout.policy.fastest import Fastest
from turnout.policy.filters import Filters
from turnout.policy.route import Route
from turnout.policy.rules import Rule, Rules
from turnout.policy.single import Single
from turnout.policy.weighted import Branch, Weighted
from turnout.policy.when import (
    ALWAYS,
    AllOf,
    AnyOf,
    Condition,
    Header,
    HourIn,
    Matches,
    Named,
    Not,
    Within,
    is_glob,
)
from turnout.types.caching import Caching
from turnout.types.candidate import Candidate
from turnout.types.timeouts import Commit, Timeouts

_RULE: Final = "rule:"
CASCADE_PROBLEM: Final = "a cascade cannot run yet: it comes with a later version."
CASCADE_FIX: Final = "Use a chain or rules until then; `turnout config check` already checks the cascade."


class RouteTable:
    """Finds the route of the name that a caller asks for.

    An exact name comes first, then the most particular pattern (the one with the most characters that stand for
    themselves; of equals, the first in the file), then a target's own name, as a route of that one target.

    Args:
        routes: the compiled routes by their names.
        targets: the names of all targets.
    """

    def __init__(self, routes: Mapping[str, Route], targets: Mapping[str, object]) -> None:
        patterns = sorted(filter(is_glob, routes), key=lambda name: -len(re.sub(r"\*|\?|\[[^]]*\]", "", name)))
        self._patterns = [(re.compile(translate(name)).match, routes[name]) for name in patterns]
        self._targets = {name: _single_target_route(name) for name in targets}
        self.routes = dict(routes)

    def find(self, name: str) -> Route | None:
        """The route of `name`, or None if there is none."""
        return self.routes.get(name) or self._by_pattern(name) or self._targets.get(name)

    def names(self) -> tuple[str, ...]:
        """What a caller may ask for by name: every route that is no pattern, then every target."""
        return tuple(dict.fromkeys([*(name for name in self.routes if not is_glob(name)), *self._targets]))

    def _by_pattern(self, name: str) -> Route | None:
        return next((route for matches, route in self._patterns if matches(name)), None)


def compile_routes(loaded: LoadedConfig) -> RouteTable:
    """Every route of the configuration.

    Raises:
        ConfigErrors: a policy cannot run: it is, or holds, a cascade.
        MissingExtra: a rule asks for the language, and the extra `language` is not installed.
    """
    errors = [
        loaded.document.error(("routes", *path), CASCADE_PROBLEM, CASCADE_FIX) for path in cascades(loaded.config)
    ]
    if errors:
        raise ConfigErrors(errors)
    routes = {name: compile_route(name, route, loaded.config.server) for name, route in loaded.config.routes.items()}
    if any(route.reads_language for route in routes.values()):
        load_language_model()
    return RouteTable(routes, loaded.config.targets)


def compile_route(name: str, given: RouteConfig, server: ServerConfig) -> Route:
    """One route, its policy wrapped by the filters. Raises `ConfigError` for a cascade."""
    return Route(
        name=name,
        policy=Filters(compile_policy(given.policy, at=f"routes.{name}.policy")),
        policy_version=policy_version(given),
        baseline=given.baseline,
        lists=PhraseLists(given.phrases()),
        reads_language=_reads_language(given.policy),
        timeouts=_timeouts(given.timeouts),
        commit=_commit(given),
        content_filter_falls_back=given.content_filter_falls_back,
        heartbeat_s=server.heartbeat if given.heartbeat == "early" else None,
        latency_budget_s=given.latency_budget,
        hedge=given.hedge.for_route(name) if given.hedge else None,
        privacy=given.privacy,
        caching=Caching(given.cache.ttl, given.cache.store) if given.cache else None,
    )


def compile_policy(spec: PolicySpec, *, at: str, reasons: tuple[str, ...] = (), more: bool = False) -> Policy:
    """The policy that `spec` describes.

    Args:
        spec: as the configuration has it.
        at: where it stands in the configuration, dotted.
        reasons: why anything that it proposes is proposed.
        more: whether something may follow it if it fails.

    Raises:
        ConfigError: it is a cascade.
    """
    match spec:
        case str():
            reason = "/".join(reasons) or "single"
            return Single(Candidate(target=spec, reason=reason, rule=_rule_of(reasons), more=more))
        case Chain():
            return _chain(spec.root, at, reasons, more=more)
        case FallbackSpec():
            return _chain(spec.fallback, f"{at}.fallback", reasons, more=more)
        case RulesSpec():
            return _rules(spec, f"{at}.rules", reasons, more=more)
        case WeightedSpec():
            return _split(spec, f"{at}.weighted", reasons, more=more)
        case FastestSpec():
            return Fastest(tuple(spec.fastest), f"{at}.fastest", reasons, _rule_of(reasons), more)
        case CascadeSpec():
            raise ConfigError(CASCADE_PROBLEM, fix=CASCADE_FIX, key=f"{at}.cascade")


def _rule_of(reasons: tuple[str, ...]) -> str | None:
    """The innermost rule among them."""
    return next((why[len(_RULE) :] for why in reversed(reasons) if why.startswith(_RULE)), None)


def _chain(elements: list[PolicySpec], at: str, reasons: tuple[str, ...], *, more: bool) -> Policy:
    """The first of a chain is tried for whatever reason the chain is; the others are a fallback."""
    last = len(elements) - 1
    compiled = [
        compile_policy(
            element,
            at=f"{at}.{index}",
            reasons=(*reasons, f"fallback:{index}") if index else reasons or ("primary",),
            more=more or index < last,
        )
        for index, element in enumerate(elements)
    ]
    return Fallback(tuple(compiled), at)


def _rules(spec: RulesSpec, at: str, reasons: tuple[str, ...], *, more: bool) -> Policy:
    rules = (
        Rule(
            rule.name,
            compile_policy(rule.use, at=f"{at}.{index}.use", reasons=(*reasons, f"{_RULE}{rule.name}"), more=more),
            ALWAYS if rule.when is None else compile_when(rule.when),
        )
        for index, rule in enumerate(spec.rules)
    )
    return Rules(tuple(rules), at)


def _split(spec: WeightedSpec, at: str, reasons: tuple[str, ...], *, more: bool) -> Policy:
    total = sum(branch.weight for branch in spec.weighted)
    branches = []
    for index, branch in enumerate(spec.weighted):
        share = f"weighted:{branch.weight / total:.4g}"
        policy = compile_policy(branch.use, at=f"{at}.{index}.use", reasons=(*reasons, share), more=more)
        branches.append(Branch(policy, branch.weight, "/".join(policy.targets)))
    return Weighted(tuple(branches), at)


def compile_when(when: When) -> Condition:
    """The condition that `when` describes; a single part stands for itself."""
    parts: list[Condition] = []
    for name in type(when).model_fields:  # not as written: a file and its digest mean the same in any order
        value = getattr(when, name)
        if value is not None:
            parts.append(_condition(name, value))
    return parts[0] if len(parts) == 1 else AllOf(tuple(parts))


def _condition(name: str, value: Any) -> Condition:
    match name, value:
        case _, Bounds(min=low, max=high) | DurationBounds(min=low, max=high):
            return Within(name, low, high)
        case "matches", list():
            return Matches(tuple(value))
        case "header", dict():
            headers = [Header(header.lower(), tuple(values)) for header, values in value.items()]
            return headers[0] if len(headers) == 1 else AllOf(tuple(headers))
        case "hour", Hours():
            return HourIn(parse_hours(value.within), value.timezone, " or ".join(value.within))
        case "any_", list():
            return AnyOf(tuple(compile_when(part) for part in value))
        case "all_", list():
            return AllOf(tuple(compile_when(part) for part in value))
        case "not_", When():
            return Not(compile_when(value))
    return Named(name, tuple(value))


def cascades(config: Config) -> list[tuple[str | int, ...]]:
    """Where the configuration has a cascade: paths below `routes`."""
    return [(name, "policy", *path) for name, route in config.routes.items() for path in _cascades(route.policy)]


def _cascades(spec: PolicySpec) -> Iterator[tuple[str | int, ...]]:
    if isinstance(spec, CascadeSpec):
        yield ("cascade",)
    for place, inner in nested(spec):
        yield from ((*place, *path) for path in _cascades(inner))


def nested(spec: PolicySpec) -> list[tuple[tuple[str | int, ...], PolicySpec]]:
    """The policies directly within `spec`, each with its place in it."""
    match spec:
        case Chain():
            return [((index,), element) for index, element in enumerate(spec.root)]
        case FallbackSpec():
            return [(("fallback", index), element) for index, element in enumerate(spec.fallback)]
        case RulesSpec():
            return [(("rules", index, "use"), rule.use) for index, rule in enumerate(spec.rules)]
        case WeightedSpec():
            return [(("weighted", index, "use"), branch.use) for index, branch in enumerate(spec.weighted)]
        case CascadeSpec():
            return [(("cascade", index, "use"), stage.use) for index, stage in enumerate(spec.cascade)]
        case FastestSpec():
            return [(("fastest", index), target) for index, target in enumerate(spec.fastest)]
    return []


def _reads_language(spec: PolicySpec) -> bool:
    rules = spec.rules if isinstance(spec, RulesSpec) else []
    if any(rule.when is not None and rule.when.asks_language() for rule in rules):
        return True
    return any(_reads_language(inner) for _, inner in nested(spec))


def _timeouts(given: TimeoutsConfig) -> Timeouts:
    return Timeouts(
        connect=given.connect,
        first_token=given.first_token,
        idle=given.idle,
        answer=given.answer,
        total=given.total,
    )


def _commit(given: RouteConfig) -> Commit:
    if isinstance(given.commit, str):
        return Commit() if given.commit == "first_token" else Commit(tokens=None)
    return Commit(tokens=given.commit.tokens)


def _single_target_route(target: str) -> Route:
    policy = Filters(Single(Candidate(target=target, reason="single")))
    return Route(name=target, policy=policy, policy_version=f"target:{target}")
