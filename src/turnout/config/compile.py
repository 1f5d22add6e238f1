"""From what the configuration says to policies and routes."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from fnmatch import translate

from turnout.config.compile_policy import Learnt, Place, compile_policy
from turnout.config.load import LoadedConfig
from turnout.config.policies import BudgetSpec, FlaggedWeight, FlagSpec, PolicySpec, RulesSpec, WeightedSpec, nested
from turnout.config.schema import RouteConfig, TimeoutsConfig
from turnout.config.version import policy_version
from turnout.errors import ConfigError, ConfigErrors
from turnout.features.language import load_language_model
from turnout.features.phrases import PhraseLists
from turnout.policy.evidence import Evidence
from turnout.policy.filters import Filters
from turnout.policy.judgements import judgements_of
from turnout.policy.route import Route, Shadow
from turnout.policy.single import Single
from turnout.policy.when import (
    is_glob,
)
from turnout.providers.transport import Transport
from turnout.types.caching import Caching
from turnout.types.candidate import Candidate
from turnout.types.timeouts import Commit, Timeouts


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


def compile_routes(loaded: LoadedConfig, services: Transport | None = None) -> RouteTable:
    """Every route of the configuration.

    Args:
        loaded: the configuration.
        services: what services of the user's are called over; None where nothing is going to be called.

    Raises:
        ConfigErrors: a policy cannot run: what it needs is missing or unfit.
        MissingExtra: a rule asks for the language, and the extra `language` is not installed.
    """
    routes: dict[str, Route] = {}
    errors: list[ConfigError] = []
    for name, route in loaded.config.routes.items():
        try:
            routes[name] = compile_route(name, route, loaded, services)
        except ConfigError as error:
            errors.append(loaded.document.error(loaded.document.place(error.key or ""), error.problem, error.fix))
    if errors:
        raise ConfigErrors(errors)
    if any(route.reads_language for route in routes.values()):
        load_language_model()
    return RouteTable(routes, loaded.config.targets)


def compile_route(
    name: str,
    given: RouteConfig,
    loaded: LoadedConfig,
    services: Transport | None = None,
    *,
    at: str = "policy",
    learnt: Learnt | None = None,
) -> Route:
    """One route, its policy wrapped by the filters. Raises as `compile_policy` does."""
    place = Place(
        f"routes.{name}.{at}",
        directory=loaded.directory,
        targets=frozenset(loaded.config.targets),
        services=services,
        learnt=learnt,
    )
    policy = Filters(compile_policy(given.policy, place))
    return Route(
        name=name,
        policy=policy,
        policy_version=policy_version(given),
        baseline=given.baseline,
        lists=PhraseLists(given.phrases()),
        reads_language=any(map(_reads_language, _policies(given))),
        timeouts=_timeouts(given.timeouts),
        commit=_commit(given),
        content_filter_falls_back=given.content_filter_falls_back,
        heartbeat_s=loaded.config.server.heartbeat if given.heartbeat == "early" else None,
        latency_budget_s=given.latency_budget,
        hedge=given.hedge.for_route(name) if given.hedge else None,
        privacy=given.privacy,
        caching=Caching(given.cache.ttl, given.cache.store) if given.cache else None,
        flags=frozenset(flag for policy in _policies(given) for flag in flags_asked(policy)),
        reads_budgets=_reads_budgets(given.policy),
        judgements=judgements_of(policy),
        shadow=_shadow(name, given, loaded, services),
        evidence=_evidence(name, given),
    )


def _policies(given: RouteConfig) -> list[PolicySpec]:
    """Its own, and those of its shadows."""
    return [given.policy, *(given.shadow.to if given.shadow is not None else ())]


def _evidence(name: str, given: RouteConfig) -> Evidence | None:
    if given.evidence is None:
        return None
    agreement, shadows = given.evidence.agreement, given.shadow.to if given.shadow is not None else []
    if agreement is not None and agreement.with_ not in shadows:
        told = f"no shadow of the route is '{agreement.with_}', so there is nothing to agree with."
        fix = f"Add it: shadow: {{share: 5%, to: [{agreement.with_}], daily_usd: 5}}."
        raise ConfigError(told, fix=fix, key=f"routes.{name}.evidence.agreement.with")
    return given.evidence.compiled()


def _shadow(name: str, given: RouteConfig, loaded: LoadedConfig, services: Transport | None) -> Shadow | None:
    """The same route for each policy that it is compared with."""
    shadow = given.shadow
    if shadow is None:
        return None
    routes = [
        compile_route(
            name,
            given.model_copy(update={"policy": policy, "shadow": None, "evidence": None}),
            loaded,
            services,
            at=f"shadow.to.{place}",
        )
        for place, policy in enumerate(shadow.to)
    ]
    return Shadow(shadow.share, tuple(routes), shadow.daily_usd)


def flags_asked(spec: PolicySpec) -> Iterator[str]:
    """The feature flags that a policy asks for, at any depth; some more than once."""
    match spec:
        case FlagSpec():
            yield spec.flag.name
        case RulesSpec():
            for rule in spec.rules:
                yield from rule.when.flags() if rule.when is not None else ()
        case WeightedSpec():
            yield from (branch.weight.flag for branch in spec.weighted if isinstance(branch.weight, FlaggedWeight))
    for _, inner in nested(spec):
        yield from flags_asked(inner)


def _reads_budgets(spec: PolicySpec) -> bool:
    rules = spec.rules if isinstance(spec, RulesSpec) else []
    asked = isinstance(spec, BudgetSpec) or any(rule.when is not None and rule.when.asks_budgets() for rule in rules)
    return asked or any(_reads_budgets(inner) for _, inner in nested(spec))


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
