"""Feature flags: what may be changed while the gateway runs, and what one request saw of it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import datetime
from enum import StrEnum
from hashlib import blake2b
from typing import Annotated, Final, Literal

import msgspec

from turnout.types.request import Caller

StickyBy = Literal["user", "tenant", "request"]
Share = Annotated[float, msgspec.Meta(ge=0, le=1)]
Moment = Annotated[datetime, msgspec.Meta(tz=True)]

OFF: Final = "off"
ON: Final = "on"
OBSERVED: Final = "observe:"
"""How the record of a variant begins that was evaluated and not applied."""

_UNIT: Final = 2.0**-53


FLAG_TAG: Final = "flag:"
"""How the tag of a decision begins that tells a flag's variant."""


class FlagMode(StrEnum):
    """What is done with a flag.

    `off` gives everybody the default. `observe` evaluates and records, and still applies the default.
    """

    ON = "on"
    OFF = "off"
    OBSERVE = "observe"


class Audience(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Who is named.

    Attributes:
        users: by the name that the caller gives; a user of any tenant.
        tenants: by their names.
    """

    users: frozenset[str] = frozenset()
    tenants: frozenset[str] = frozenset()


class Setting(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True, rename={"from_": "from"}):
    """The part of a flag that may change at any moment.

    Attributes:
        mode: what is done with it.
        killed: everybody gets the default at once, whatever else is set, until it is revived.
        share: the share of callers that gets a variant, 0 to 1; everybody else gets the default.
        lists: who gets a variant in any case.
        from_, until: outside of them everybody gets the default; None for no bound.
        changed: when it was changed at run time, UTC, ISO 8601; None for what the configuration says.
    """

    mode: FlagMode = FlagMode.ON
    killed: bool = False
    share: Mapping[str, Share] = msgspec.field(default_factory=dict)
    lists: Mapping[str, Audience] = msgspec.field(default_factory=dict)
    from_: Moment | None = None
    until: Moment | None = None
    changed: str | None = None


class Flag(msgspec.Struct, frozen=True, kw_only=True):
    """A flag as the configuration declares it.

    Attributes:
        name: its name.
        variants: what it may be; `off` and `on` where nothing else is declared.
        default: what it is where nothing says otherwise, and where it cannot be evaluated.
        by: who stays on one side of a share: a user, a tenant, or nobody (each request is drawn for itself).
        description: what it is for, for whoever reads the list.
        elsewhere: a provider of your own evaluates it, through OpenFeature.
        setting: the rest, as configured.
    """

    name: str
    variants: tuple[str, ...] = (OFF, ON)
    default: str = OFF
    by: StickyBy = "user"
    description: str | None = None
    elsewhere: bool = False
    setting: Setting = Setting()

    @property
    def plain(self) -> bool:
        """Whether it is nothing but on or off."""
        return set(self.variants) == {OFF, ON}


class FlagValue(msgspec.Struct, frozen=True):
    """What a flag is for one request.

    Attributes:
        variant: what applies.
        seen: what it was evaluated to; another one than `variant` only where it is observed.
        reason: why, in machine-readable words: `killed`, `off`, `not_yet`, `over`, `user_listed`, `tenant_listed`,
            `in_share`, `not_in_share`, `default`, `provider`, `provider_<what went wrong>`.
        observed: it is not applied.
    """

    variant: str
    seen: str
    reason: str
    observed: bool = False

    @property
    def recorded(self) -> str:
        """How records and metrics have it: the variant, after `observe:` where it is not applied."""
        return OBSERVED + self.seen if self.observed else self.seen


class FlagRead(dict[str, FlagValue]):
    """Each flag as it was when it was first asked for: what one decision reads, and has read.

    Args:
        look: evaluates a flag.
    """

    def __init__(self, look: Callable[[str], FlagValue]) -> None:
        super().__init__()
        self._look = look

    def __missing__(self, name: str) -> FlagValue:
        """Look once, and keep to it."""
        seen = self[name] = self._look(name)
        return seen

    @property
    def held_back(self) -> bool:
        """Whether an observed flag would have been something else."""
        return any(value.seen != value.variant for value in self.values())

    def applied(self) -> FlagRead:
        """The same flags, with what is only observed in force: for what would have happened."""
        return FlagRead(lambda name: _applied(dict.get(self, name) or self._look(name)))


def _applied(value: FlagValue) -> FlagValue:
    return FlagValue(value.seen, value.seen, value.reason) if value.observed else value


def no_flags() -> FlagRead:
    """Where no flag is declared."""
    return _NONE


def _unknown(name: str) -> FlagValue:
    raise KeyError(name)


_NONE: Final = FlagRead(_unknown)
"""Never holds anything, so one is enough."""


def recorded(read: FlagRead) -> Mapping[str, str]:
    """What a decision's record says of the flags that it read."""
    return {name: value.recorded for name, value in read.items()} if read else {}


def evaluate(flag: Flag, setting: Setting, caller: Caller, now: datetime, draw: float) -> FlagValue:
    """What a flag is for one request. Pure.

    Args:
        flag: the flag; one that a provider of your own evaluates is not asked for here.
        setting: what is set now.
        caller: who asks.
        now: the moment, aware.
        draw: the request's random number in [0, 1), for flags that are not sticky and callers without a name.
    """
    held = withheld(flag, setting)
    if held is not None:
        return held
    variant, reason = _variant(flag, setting, caller, now, draw)
    return in_mode(flag, setting, variant, reason)


def withheld(flag: Flag, setting: Setting) -> FlagValue | None:
    """The default, where the flag is killed or off and need not be evaluated at all; else None."""
    if setting.killed or setting.mode is FlagMode.OFF:
        return FlagValue(flag.default, flag.default, "killed" if setting.killed else OFF)
    return None


def in_mode(flag: Flag, setting: Setting, variant: str, reason: str) -> FlagValue:
    """What was evaluated, applied or only observed."""
    if setting.mode is FlagMode.OBSERVE:
        return FlagValue(flag.default, variant, reason, observed=True)
    return FlagValue(variant, variant, reason)


def bucket(flag: str, key: str) -> float:
    """Where a key stands in [0, 1): the same in every process, and independent between flags."""
    digest = blake2b(f"{flag}\0{key}".encode("utf-8", "surrogatepass"), digest_size=8).digest()
    return (int.from_bytes(digest, "big") >> 11) * _UNIT


def _variant(flag: Flag, setting: Setting, caller: Caller, now: datetime, draw: float) -> tuple[str, str]:
    if setting.from_ is not None and now < setting.from_:
        return flag.default, "not_yet"
    if setting.until is not None and now >= setting.until:
        return flag.default, "over"
    listed = _listed(setting.lists, caller)
    if listed is not None:
        return listed
    if not setting.share:
        return flag.default, "default"
    place, reached = bucket(flag.name, _key(flag, caller, draw)), 0.0
    for variant in flag.variants:
        reached += setting.share.get(variant, 0.0)
        if place < reached:
            return variant, "in_share"
    return flag.default, "not_in_share"


def _listed(lists: Mapping[str, Audience], caller: Caller) -> tuple[str, str] | None:
    """A user's own place in a list goes before its tenant's."""
    for variant, audience in lists.items():
        if caller.user is not None and caller.user in audience.users:
            return variant, "user_listed"
    for variant, audience in lists.items():
        if caller.tenant in audience.tenants:
            return variant, "tenant_listed"
    return None


def _key(flag: Flag, caller: Caller, draw: float) -> str:
    """Whom a share is counted by. A request without a user counts for itself, so that the share holds all the same."""
    if flag.by == "tenant":
        return caller.tenant
    if flag.by == "user" and caller.user is not None:
        return f"{caller.tenant}\0{caller.user}"
    return draw.hex()
