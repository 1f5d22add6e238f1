"""What `turnout config check` finds: everything that is wrong, and everything that is probably not meant."""

from __future__ import annotations

import ipaddress
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path as FilePath
from typing import Literal

from turnout.catalog.prices import price_of
from turnout.confidence.calibration import Calibration
from turnout.config.accepting import Accept
from turnout.config.compile import compile_routes, flags_asked
from turnout.config.compile_policy import Place
from turnout.config.document import Path
from turnout.config.judging import acceptance
from turnout.config.load import LoadedConfig, load_config
from turnout.config.policies import (
    CascadeSpec,
    Chain,
    ClassifierSpec,
    FallbackSpec,
    FlagSpec,
    PolicySpec,
    RulesSpec,
    nested,
)
from turnout.config.schema import RouteConfig
from turnout.config.targets import lacks_of
from turnout.errors import ConfigError, ConfigErrors, MissingExtra
from turnout.policy.acceptance import Acceptance
from turnout.policy.base import Policy
from turnout.policy.lint import lint
from turnout.policy.route import Route

Severity = Literal["error", "warning"]


@dataclass(frozen=True, slots=True)
class Finding:
    """Something about a configuration that its writer should know.

    Attributes:
        severity: `error` (it cannot be used) or `warning` (it can, and is probably not meant so).
        file, line, key, problem, fix: as in `turnout.errors.ConfigError`.
    """

    severity: Severity
    problem: str
    fix: str
    file: str | None
    line: int | None
    key: str | None

    @classmethod
    def of(cls, severity: Severity, error: ConfigError) -> Finding:
        """What `error` says."""
        return cls(severity, error.problem, error.fix, error.file, error.line, error.key)


def check(
    path: str | FilePath | None, env: Mapping[str, str], at: datetime, *, keyless: bool = False
) -> tuple[Finding, ...]:
    """Everything found in a configuration, in the order of the lines.

    Args:
        path: as `load_config` takes it.
        env: the environment.
        at: the moment whose price list is looked at, aware.
        keyless: providers need not have their keys, nor secrets the variables that they are written as.

    Raises:
        ConfigError: there is no configuration to check.
    """
    try:
        loaded = load_config(path, env, keyless=keyless)
        routes = compile_routes(loaded).routes
    except ConfigErrors as errors:
        return tuple(Finding.of("error", error) for error in errors.errors)
    except MissingExtra as missing:
        return (Finding.of("error", ConfigError(str(missing))),)
    warnings = [Finding.of("warning", error) for error in _warnings(loaded, routes, at)]
    return tuple(sorted(warnings, key=lambda finding: finding.line or 0))


def _warnings(loaded: LoadedConfig, routes: Mapping[str, Route], at: datetime) -> Iterator[ConfigError]:
    config, document = loaded.config, loaded.document
    for name in config.targets:
        yield from _price_warnings(loaded, name, at)
    for name, route in config.routes.items():
        yield from _dead_ends(loaded, name, route, routes[name].policy)
        yield from _route_warnings(loaded, name, route)
    yield from _flag_warnings(loaded)
    if not config.server.keys and config.tenants is None and not is_loopback(config.server.host):
        yield document.error(
            ("server", "host"), "whoever reaches this address may spend your money.", "Give `server.keys` or `tenants`."
        )


def _flag_warnings(loaded: LoadedConfig) -> Iterator[ConfigError]:
    """Flags that nothing asks for, and policies that have nothing for a variant."""
    config, document = loaded.config, loaded.document
    used = {name for route in config.routes.values() for name in flags_asked(route.policy)}
    for name in config.flags:
        if name not in used:
            fix = "Ask for it in a rule's `when` or in a policy, or remove it."
            yield document.error(("flags", name), f"no route asks for the flag '{name}'.", fix)
    for name, route in config.routes.items():
        if isinstance(route.policy, FlagSpec):
            asked = route.policy.flag
            missing = [each for each in config.flags[asked.name].variants if each not in asked.uses()]
            if missing:
                told = f"there is no policy for '{missing[0]}': a request for which the flag is that is refused (400)."
                fix = f"Add `{missing[0]}:`, or put the flag into a list, before what follows then."
                yield document.error(("routes", name, "policy", "flag"), told, fix)


def _price_warnings(loaded: LoadedConfig, name: str, at: datetime) -> Iterator[ConfigError]:
    target = loaded.config.targets[name]
    listed = loaded.providers[target.provider].known.price_provider
    if target.price is not None or target.model is None:
        return
    if listed is None or price_of(listed, target.model, at) is None:
        yield loaded.document.error(
            ("targets", name),
            f"the price of '{name}' is unknown, so the cost of its answers will be flagged as unknown.",
            "Give `price: {input: ..., output: ...}` in USD per million tokens.",
        )


def _dead_ends(loaded: LoadedConfig, name: str, route: RouteConfig, policy: Policy) -> Iterator[ConfigError]:
    """What the lint finds, and phrase lists that say nothing or that nothing asks for."""
    phrases = route.phrases()
    empty = frozenset(each for each, listed in phrases.items() if not listed)
    for found in lint(policy, empty_lists=empty):
        yield loaded.document.error(
            loaded.document.place(found.at), found.message, "Remove it, or change what it asks."
        )
    if isinstance(route.policy, RulesSpec) and all(rule.when is not None for rule in route.policy.rules):
        told = "every rule has a condition, so a request that fits none is refused (400)."
        yield loaded.document.error(("routes", name, "policy", "rules"), told, "Add a last rule without `when`.")
    for path in _undecided(route.policy):
        told = "what the classifier declines, nobody decides: such a request is refused (400)."
        fix = "Put it first in a list, with the rules or a target after it."
        yield loaded.document.error(("routes", name, "policy", *path), told, fix)
    asked = set(_lists_asked(route.policy))
    for each in phrases:
        path = ("routes", name, "lists", each)
        if each in empty:
            yield loaded.document.error(path, f"the phrase list '{each}' has no phrases.", "Add some, or remove it.")
        elif each not in asked:
            yield loaded.document.error(path, f"no rule asks for the phrase list '{each}'.", "Use it in `matches`.")


def _route_warnings(loaded: LoadedConfig, name: str, route: RouteConfig) -> Iterator[ConfigError]:
    document, limits = loaded.document, route.timeouts
    for phase in ("connect", "first_token", "idle", "answer"):
        if phase in limits.model_fields_set and getattr(limits, phase) > limits.total:
            told = f"timeouts.{phase} is longer than timeouts.total, so it never counts."
            yield document.error(("routes", name, "timeouts", phase), told, "Shorten it, or lengthen the total.")
    targets = _targets(route.policy)
    if len(targets) > 1 and route.baseline is None:
        fix = f"Name what would have been used without routing, such as `baseline: {targets[0]}`."
        yield document.error(("routes", name), f"the route '{name}' has no baseline, so savings are not shown.", fix)
    yield from _shared_fate(loaded, name, route)
    yield from _judgements(loaded, name, route)


def _judgements(loaded: LoadedConfig, name: str, route: RouteConfig) -> Iterator[ConfigError]:
    """What a cascade's confidence does not mean, and stages whose answers it can never keep."""
    at = Place("", directory=loaded.directory, targets=frozenset(loaded.config.targets))
    for path, accept, targets in _judged(route.policy):
        place = ("routes", name, "policy", *path)
        if accept.by is None and accept.confidence is not None:
            told = f"confidence {accept.confidence:g} is how sure the model says it is, and not how often it is right."
            fix = f"Measure that: turnout calibrate {name} --labels FILE."
            yield loaded.document.error((*place, "accept"), told, fix)
        judge = acceptance(accept, at)
        for target in targets:
            for where, of in _others(judge, target):
                told = f"the calibration is of answers of '{of}', and judges those of '{target}'."
                fix = "The tokens and habits of two models do not compare: make a calibration for each."
                yield loaded.document.error((*place, "accept", *where), told, fix)
            config = loaded.config.targets[target]
            for need in sorted(judge.wants & lacks_of(config, loaded.providers[config.provider])):
                told = f"'{target}' gives no {need}, by which its answers are judged: every one of them is escalated."
                yield loaded.document.error(place, told, "Judge by other signals, or ask a target that gives them.")


def _others(judge: Acceptance, target: str) -> Iterator[tuple[Path, str]]:
    """The calibrations of another target's answers: where they are named, and whose."""
    used: list[tuple[Path, Calibration | None]] = [(("by",), judge.calibration)]
    used.append((("gate", "by"), judge.gate.calibration if judge.gate is not None else None))
    yield from ((where, each.target) for where, each in used if each is not None and each.target != target)


def _judged(spec: PolicySpec) -> Iterator[tuple[Path, Accept, list[str]]]:
    """Each stage that judges: where it stands, what it asks, and whose answers it judges."""
    if isinstance(spec, CascadeSpec):
        for number, stage in enumerate(spec.cascade):
            if stage.accept is not None:
                yield ("cascade", number), stage.accept, _targets(stage.use)
    for place, inner in nested(spec):
        yield from (((*place, *path), accept, targets) for path, accept, targets in _judged(inner))


def _shared_fate(loaded: LoadedConfig, name: str, route: RouteConfig) -> Iterator[ConfigError]:
    """The first chain of the route that one provider's outage would take whole: the others are seldom different."""
    for path, chain in _chains(route.policy):
        used = {loaded.config.targets[target].provider for each in chain for target in _targets(each)}
        if len(chain) > 1 and len(used) == 1:
            told = f"every target of this chain is at the provider '{used.pop()}': its outage is the chain's."
            fix = "Add a target at another provider."
            yield loaded.document.error(("routes", name, "policy", *path), told, fix)
            return


def is_loopback(host: str) -> bool:
    """Whether only this machine can reach `host`."""
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


def _chains(spec: PolicySpec) -> Iterator[tuple[Path, list[PolicySpec]]]:
    if isinstance(spec, Chain):
        yield (), spec.root
    elif isinstance(spec, FallbackSpec):
        yield ("fallback",), spec.fallback
    for place, inner in nested(spec):
        yield from (((*place, *path), chain) for path, chain in _chains(inner))


def _targets(spec: PolicySpec) -> list[str]:
    """Every target in `spec`, in order, each once."""
    if isinstance(spec, str):
        return [spec]
    return list(dict.fromkeys(target for _, inner in nested(spec) for target in _targets(inner)))


def _undecided(spec: PolicySpec, *, followed: bool = False) -> Iterator[Path]:
    """Where a classifier stands that nothing follows."""
    if isinstance(spec, ClassifierSpec) and not followed:
        yield ("classifier",)
    inside = nested(spec)
    chain = isinstance(spec, (Chain, FallbackSpec))
    for index, (place, inner) in enumerate(inside):
        later = followed or (chain and index < len(inside) - 1)
        yield from ((*place, *path) for path in _undecided(inner, followed=later))


def _lists_asked(spec: PolicySpec) -> Iterator[str]:
    if isinstance(spec, RulesSpec):
        for rule in spec.rules:
            if rule.when is not None:
                yield from rule.when.lists()
    for _, inner in nested(spec):
        yield from _lists_asked(inner)
