"""What the options of `turnout flags` ask for."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import NamedTuple

import typer
from msgspec import UNSET, UnsetType

from turnout.config.flags import parse_share
from turnout.config.values import Wrong
from turnout.types.flag import Audience
from turnout.types.flag_change import FlagState


class Listed(NamedTuple):
    """Who is to get what in any case: `alice=on`; `alice=` for nobody's list."""

    users: tuple[str, ...]
    tenants: tuple[str, ...]


def shares_given(state: FlagState, given: Sequence[str]) -> dict[str, float]:
    """The share of each variant: `30%` of the only one that is not the default, or `terse=10%`."""
    shares = {}
    for each in given:
        named, equals, amount = each.rpartition("=")
        shares[named if equals else _only(state, each)] = _share(amount)
    return shares


def _only(state: FlagState, given: str) -> str:
    others = [variant for variant in state.variants if variant != state.default]
    if len(others) == 1:
        return others[0]
    raise typer.BadParameter(f"which variant gets {given}? Write {others[0]}={given}.", param_hint="SHARE")


def _share(given: str) -> float:
    try:
        return parse_share(given)
    except Wrong as wrong:
        raise typer.BadParameter(f"{given!r}: {wrong.problem} {wrong.fix}", param_hint="SHARE") from None


def with_lists(state: FlagState, listed: Listed) -> Mapping[str, Audience] | None:
    """The flag's lists with everybody where they are to be; None where nobody is moved."""
    if not any(listed):
        return None
    users, tenants = _places(state, "users"), _places(state, "tenants")
    users |= dict(_pair(each, "--user") for each in listed.users)
    tenants |= dict(_pair(each, "--tenant") for each in listed.tenants)
    variants = dict.fromkeys(filter(None, [*users.values(), *tenants.values()]))
    return {variant: Audience(_whose(users, variant), _whose(tenants, variant)) for variant in variants}


def _places(state: FlagState, kind: str) -> dict[str, str]:
    return {name: variant for variant, audience in state.setting.lists.items() for name in getattr(audience, kind)}


def _whose(places: Mapping[str, str], variant: str) -> frozenset[str]:
    return frozenset(name for name, each in places.items() if each == variant)


def _pair(given: str, option: str) -> tuple[str, str]:
    name, equals, variant = given.rpartition("=")
    if not equals or not name:
        raise typer.BadParameter(f"{given!r} says not who gets what. Write alice=on.", param_hint=option)
    return name, variant


def moment_given(given: str | None, option: str, *, none: str) -> datetime | UnsetType | None:
    """A moment; None for the word that takes a bound away, and nothing where nothing was given."""
    if given is None:
        return UNSET
    if given == none:
        return None
    try:
        moment = datetime.fromisoformat(given)
    except ValueError:
        moment = None
    if moment is None or moment.tzinfo is None:
        told = f"{given!r} is no moment with a time zone. Write it like 2026-12-01T09:00Z."
        raise typer.BadParameter(told, param_hint=option)
    return moment
