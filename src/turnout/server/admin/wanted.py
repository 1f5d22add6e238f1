"""What `/admin` is asked to make of tenants and keys."""

from __future__ import annotations

from decimal import Decimal
from typing import Annotated, Any, Final, Literal

import msgspec
from msgspec import UNSET, UnsetType

from turnout.config.budgets import budgets_given
from turnout.config.values import Wrong
from turnout.errors import InvalidRequest
from turnout.tenancy.desk import NAME_PATTERN
from turnout.types.request import LONGEST_NAME

_YEAR_S: Final = 366 * 86_400
_Name = Annotated[str, msgspec.Meta(pattern=NAME_PATTERN)]
_Label = Annotated[str, msgspec.Meta(min_length=1, max_length=LONGEST_NAME)]
_Routes = Annotated[tuple[_Label, ...], msgspec.Meta(max_length=256)]
_Tags = Annotated[dict[_Label, Annotated[str, msgspec.Meta(max_length=LONGEST_NAME)]], msgspec.Meta(max_length=64)]
_Most = Annotated[float, msgspec.Meta(ge=1, le=10**12, multiple_of=1)]  # JSON has one kind of number: 60.0 is 60
_Dollars = Annotated[str, msgspec.Meta(pattern=r"^[0-9]{1,12}(\.[0-9]{1,6})?$", examples=["499.50"])]


class WantedLimit(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, omit_defaults=True):
    """How fast somebody may ask. Null is no limit; what is left out stays as it is, and is no limit at first.

    Attributes:
        requests_per_minute: requests.
        tokens_per_minute: tokens, of input and output.
        concurrent: requests under way at a time.
    """

    requests_per_minute: _Most | UnsetType | None = UNSET
    tokens_per_minute: _Most | UnsetType | None = UNSET
    concurrent: _Most | UnsetType | None = UNSET


class WantedBudget(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, omit_defaults=True):
    """What may be spent in a period, as `tenants.*.budgets` of the configuration describes it.

    Attributes:
        usd: the most that may be spent, in USD.
        per: the period.
        timezone: a name of the IANA time zone database.
        hard: whether a call that does not fit is not made.
        of: what it is counted for.
        only: the one user, project, ... that it holds for.
        name: what refusals and reports call it.
        alone: the share that each gateway may spend while the shared counts cannot be reached.
    """

    usd: _Dollars
    per: Literal["hour", "day", "week", "month", "total"] | UnsetType = UNSET
    timezone: _Label | UnsetType = UNSET
    hard: bool | UnsetType = UNSET
    of: Literal["all", "tenant", "user", "project", "route", "provider"] | UnsetType = UNSET
    only: _Label | UnsetType = UNSET
    name: _Label | UnsetType = UNSET
    alone: Annotated[float, msgspec.Meta(ge=0, le=1)] | UnsetType = UNSET


_Budgets = Annotated[tuple[WantedBudget, ...], msgspec.Meta(max_length=64)]


class WantedKey(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A key to be made.

    Attributes:
        tenant: whose account its requests are on.
        name: what it is for.
        project: what it is given out for; recorded, and reported by.
        user: who holds it; null lets callers name the user themselves.
        routes: what it may ask for, as names and globs; empty for everything that its tenant may.
        lasting_s: for how many seconds it works; null for ever.
        limit: how fast it may ask; its tenant's limit holds besides.
    """

    tenant: _Name
    name: Annotated[str, msgspec.Meta(max_length=LONGEST_NAME)] = ""
    project: _Label | None = None
    user: _Label | None = None
    routes: _Routes = ()
    lasting_s: Annotated[float, msgspec.Meta(gt=0, le=10 * _YEAR_S)] | None = None
    limit: WantedLimit = WantedLimit()


class KeyChange(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, omit_defaults=True):
    """What of a key is to be another; as `WantedKey`. What is left out stays."""

    name: Annotated[str, msgspec.Meta(max_length=LONGEST_NAME)] | UnsetType = UNSET
    routes: _Routes | UnsetType = UNSET
    limit: WantedLimit = WantedLimit()


class Rotation(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """How a key is rotated.

    Attributes:
        overlap_s: for how many seconds the secret of before works as well.
    """

    overlap_s: Annotated[float, msgspec.Meta(ge=0, le=_YEAR_S)] = 86_400.0


class WantedTenant(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A tenant to be added.

    Attributes:
        name: its name, as records and reports have it.
        tier: what it has bought, for rules.
        tags: labels.
        routes: what its keys may ask for, as names and globs; empty for everything.
        revenue_usd: what it pays in a month, in USD.
        budgets: what it may spend.
        limit: how fast it may ask, over all of its keys.
    """

    name: _Name
    tier: _Label | None = None
    tags: _Tags = {}
    routes: _Routes = ()
    revenue_usd: _Dollars | None = None
    budgets: _Budgets = ()
    limit: WantedLimit = WantedLimit()


class TenantChange(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, omit_defaults=True):
    """What of a tenant is to be another; as `WantedTenant`. What is left out stays."""

    tier: _Label | UnsetType | None = UNSET
    tags: _Tags | UnsetType = UNSET
    routes: _Routes | UnsetType = UNSET
    revenue_usd: _Dollars | UnsetType | None = UNSET
    budgets: _Budgets | UnsetType = UNSET
    limit: WantedLimit = WantedLimit()


class Removed(msgspec.Struct, frozen=True, kw_only=True):
    """A tenant that was removed.

    Attributes:
        tenant: its name.
        keys: how many keys went with it.
    """

    tenant: str
    keys: int


def fields_of(wanted: WantedTenant | TenantChange, tenant: str) -> dict[str, Any]:
    """What is given of a tenant, but for its limit. Raises `InvalidRequest` (409) for a budget that cannot be."""
    fields = given(wanted)
    if fields.get("revenue_usd") is not None:
        fields["revenue_usd"] = Decimal(fields["revenue_usd"])
    if "budgets" in fields:
        try:
            fields["budgets"] = budgets_given(msgspec.to_builtins(fields["budgets"]), tenant)
        except Wrong as error:
            refused = InvalidRequest(f"{error.problem} {error.fix}".rstrip(), param="budgets")
            refused.status = 409
            raise refused from error
    return fields


def given(wanted: msgspec.Struct) -> dict[str, Any]:
    """What is given, but for the limit, of which a part may be."""
    told = msgspec.structs.asdict(wanted).items()
    return {field: value for field, value in told if value is not UNSET and field != "limit"}


def limit_of(wanted: WantedTenant | TenantChange | WantedKey | KeyChange) -> dict[str, int | None]:
    """The fields of the limit that are given."""
    told = msgspec.structs.asdict(wanted.limit).items()
    return {field: None if most is None else int(most) for field, most in told if most is not UNSET}
