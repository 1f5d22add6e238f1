"""A change of a feature flag at run time: what is asked for, and what comes of it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import Final

import msgspec
from msgspec import UNSET, UnsetType

from turnout.errors import InvalidRequest
from turnout.types.clock import timestamp
from turnout.types.flag import Audience, Flag, FlagMode, Moment, Setting, Share

_ROUNDING: Final = 1e-9


class FlagChange(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, rename={"from_": "from"}):
    """What is to be changed; what is not given stays as it is.

    Attributes:
        mode, killed, share, lists, from_, until: as in `turnout.types.flag.Setting`; null takes a bound away.
    """

    mode: FlagMode | UnsetType = UNSET
    killed: bool | UnsetType = UNSET
    share: Mapping[str, Share] | UnsetType = UNSET
    lists: Mapping[str, Audience] | UnsetType = UNSET
    from_: Moment | UnsetType | None = UNSET
    until: Moment | UnsetType | None = UNSET


def changed(flag: Flag, before: Setting, change: FlagChange, now: datetime) -> Setting:
    """What is set after a change.

    Raises:
        InvalidRequest: it cannot be set: a variant that there is not, shares of more than everybody, a killed flag.
    """
    given = {
        name: value for name in change.__struct_fields__ if not isinstance(value := getattr(change, name), UnsetType)
    }
    after = msgspec.structs.replace(before, **given, changed=timestamp(now))
    if before.killed and after.killed and set(given) - {"killed"}:
        raise InvalidRequest(f"The flag '{flag.name}' is killed. Revive it first: it comes back as it was.")
    if flag.elsewhere and {"share", "lists", "from_", "until"} & set(given):
        told = f"The flag '{flag.name}' is evaluated by your own provider: change its share, lists and times there."
        raise InvalidRequest(told, param="share")
    wrong = fault(flag, after)
    if wrong is not None:
        raise InvalidRequest(f"The flag '{flag.name}' cannot be set so: {wrong}")
    return after


def fault(flag: Flag, setting: Setting) -> str | None:
    """What is wrong with a setting of a flag, in one sentence; None if nothing is."""
    unknown = _unknown(flag, [*setting.share, *setting.lists])
    if unknown is not None:
        return f"it has no variant '{unknown}', but {', '.join(flag.variants)}."
    if sum(setting.share.values()) > 1 + _ROUNDING:
        return "its shares are more than 100 % together."
    if setting.from_ is not None and setting.until is not None and setting.until <= setting.from_:
        return "it would be over before it begins: `until` is not after `from`."
    return None


def _unknown(flag: Flag, variants: Iterable[str]) -> str | None:
    return next((variant for variant in variants if variant not in flag.variants), None)


class FlagState(msgspec.Struct, frozen=True, kw_only=True):
    """A flag as whoever runs the gateway sees it.

    Attributes:
        name, variants, default, by, description, elsewhere: as declared; see `turnout.types.flag.Flag`.
        setting: what holds now.
        configured: what the configuration says, which holds again after a reset.
        used_by: the routes that ask for it.
    """

    name: str
    variants: tuple[str, ...]
    default: str
    by: str
    description: str | None
    elsewhere: bool
    setting: Setting
    configured: Setting
    used_by: tuple[str, ...] = ()

    @classmethod
    def of(cls, flag: Flag, setting: Setting, used_by: Iterable[str]) -> FlagState:
        """The flag with what holds for it now."""
        return cls(
            name=flag.name,
            variants=flag.variants,
            default=flag.default,
            by=flag.by,
            description=flag.description,
            elsewhere=flag.elsewhere,
            setting=setting,
            configured=flag.setting,
            used_by=tuple(used_by),
        )
