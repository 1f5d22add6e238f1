"""A provider of feature flags of your own, asked through OpenFeature. Takes the extra `flags`."""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial
from importlib import import_module
from typing import TYPE_CHECKING, Any, Final

from turnout.config.flags import OpenFeatureConfig
from turnout.errors import ConfigError, MissingExtra
from turnout.state.flag_source import Evaluate, Said
from turnout.types.flag import OFF, ON, Flag
from turnout.types.request import Caller

if TYPE_CHECKING:
    from openfeature.client import OpenFeatureClient
    from openfeature.evaluation_context import EvaluationContext

DOMAIN: Final = "turnout"
_KNOWN: Final[Mapping[str, tuple[str, str]]] = {
    "flagd": ("openfeature.contrib.provider.flagd:FlagdProvider", "openfeature-provider-flagd")
}
"""Providers known by name: what makes them, and the package that has it."""


def evaluator(given: OpenFeatureConfig) -> Evaluate:
    """What asks the provider that the configuration names, or the one that OpenFeature has already.

    Raises:
        ConfigError: there is no such provider, or it cannot be made.
        MissingExtra: the extra `flags` is not installed.
    """
    try:
        from openfeature import api
    except ImportError:
        raise MissingExtra("the section `openfeature`", "flags") from None
    if given.provider is None:
        return partial(_evaluate, api.get_client())
    api.set_provider(_made(given.provider, given.options), DOMAIN)
    return partial(_evaluate, api.get_client(DOMAIN))


def _made(named: str, options: Mapping[str, Any]) -> Any:
    where, package = _KNOWN.get(named, (named, ""))
    module, _, name = where.partition(":")
    try:
        make = getattr(import_module(module), name)
    except (ImportError, AttributeError, ValueError) as error:
        fix = f"Install it: pip install {package}" if package else "Write `flagd`, or module:name of what makes it."
        raise ConfigError(f"there is no provider '{named}': {error}.", fix=fix, key="openfeature.provider") from None
    try:
        return make(**options)
    except (TypeError, ValueError, OSError) as error:
        told = f"the provider '{named}' cannot be made: {error}."
        raise ConfigError(told, fix="Look at its options.", key="openfeature.options") from error


def _evaluate(client: OpenFeatureClient, flag: Flag, caller: Caller) -> Said:
    """Ask for one flag. The client raises nothing: it gives back the default, and says why."""
    context = _context(flag, caller)
    if flag.plain:
        plain = client.get_boolean_details(flag.name, flag.default == ON, context)
        variant, failed = ON if plain.value else OFF, plain.error_code
    else:
        several = client.get_string_details(flag.name, flag.default, context)
        variant, failed = several.value, several.error_code
        if several.variant in flag.variants:
            variant = several.variant
    if failed is not None:
        return Said(None, f"provider_{str(failed.value).lower()}")
    return Said(variant, "provider")


def _context(flag: Flag, caller: Caller) -> EvaluationContext:
    from openfeature.evaluation_context import EvaluationContext

    known = {
        "user": caller.user,
        "tenant": caller.tenant,
        "tier": caller.tier,
        "project": caller.project,
        "source": caller.source,
    }
    key = caller.tenant if flag.by == "tenant" else caller.user or caller.tenant
    attributes: dict[str, Any] = {**caller.tags, **{name: value for name, value in known.items() if value is not None}}
    return EvaluationContext(targeting_key=key, attributes=attributes)
