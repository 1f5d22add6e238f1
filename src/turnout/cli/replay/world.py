"""From a configuration to what replay decides by."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from pathlib import Path

from turnout.config.build import build_parts
from turnout.config.load import LoadedConfig
from turnout.config.tenancy import declared
from turnout.config.version import policy_version
from turnout.insight.replay.foresight import Usual
from turnout.insight.replay.heard import Lists
from turnout.insight.replay.ways import World
from turnout.policy.rules import Rules
from turnout.policy.within import within
from turnout.tenancy.store import TenancyStore
from turnout.types.clock import SystemClock
from turnout.types.tenant import Tenant


def world_of(
    loaded: LoadedConfig, data: Path, lists: Mapping[tuple[str, str], Lists], usual: Mapping[str, Usual]
) -> World:
    """What the policies of a configuration decide by, and read.

    Args:
        loaded: the configuration.
        data: the data directory, where tenants may be kept.
        lists: phrase lists of the configurations that are known, by route and policy version.
        usual: what the calls of the period say of each target.

    Raises:
        ConfigError: a policy cannot run.
        MissingExtra: a policy needs what is not installed.
        TenancyError: the tenants cannot be read.
    """
    parts = build_parts(loaded, SystemClock())
    return World(
        routes=parts.routes,
        targets=parts.targets,
        lists={**lists, **lists_of([loaded])},
        tenants=_tenants(loaded, data),
        flags=parts.flags.flags,
        read_flags=parts.flags.read,
        usual={name: each.health for name, each in usual.items()},
    )


def lists_of(configurations: Iterable[LoadedConfig]) -> dict[tuple[str, str], Lists]:
    """The phrase lists of each route, by its name and the version of its policy."""
    return {
        (name, policy_version(route)): {each: tuple(phrases) for each, phrases in route.phrases().items()}
        for loaded in configurations
        for name, route in loaded.config.routes.items()
    }


def rules_of(loaded: LoadedConfig) -> dict[str, list[str]]:
    """The names of each route's rules, in order."""
    table = build_parts(loaded, SystemClock()).routes
    found = {}
    for name in loaded.config.routes:
        route = table.find(name)
        policies = within(route.policy) if route is not None else ()
        found[name] = [rule.name for policy in policies if isinstance(policy, Rules) for rule in policy.rules]
    return found


def _tenants(loaded: LoadedConfig, data: Path) -> Mapping[str, Tenant]:
    if loaded.config.tenants is None:
        return {}
    given = declared(loaded)
    if given is not None:
        return given
    content = TenancyStore(data).read()
    return content.tenants if content is not None else {}
