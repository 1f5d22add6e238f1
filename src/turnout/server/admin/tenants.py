"""Tenants and virtual keys by `/admin`. Whoever is bound to a tenant sees and makes that one's keys, and no others."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Mapping
from datetime import timedelta
from decimal import Decimal
from typing import Annotated, Any, Final, TypeVar

import msgspec
from msgspec import UNSET, UnsetType

from turnout.config.build import ConfiguredRouter
from turnout.config.tenancy import desk_of
from turnout.errors import ConfigError, InvalidRequest, PermissionDenied
from turnout.server.admin.access import Asker, Role
from turnout.server.admin.operation import Answered, Asked, Operation
from turnout.tenancy.desk import NAME_PATTERN, Desk, Made
from turnout.tenancy.keys import Key
from turnout.tenancy.shown import NewSecret, ShownKey, shown
from turnout.types.clock import Clock
from turnout.types.request import LONGEST_NAME
from turnout.types.tenant import Tenant

_log = logging.getLogger(__name__)

_YEAR_S: Final = 366 * 86_400
_Name = Annotated[str, msgspec.Meta(pattern=NAME_PATTERN)]
_Label = Annotated[str, msgspec.Meta(min_length=1, max_length=LONGEST_NAME)]
_Routes = Annotated[tuple[_Label, ...], msgspec.Meta(max_length=256)]
_Tags = Annotated[dict[_Label, Annotated[str, msgspec.Meta(max_length=LONGEST_NAME)]], msgspec.Meta(max_length=64)]
_Dollars = Annotated[str, msgspec.Meta(pattern=r"^[0-9]{1,12}(\.[0-9]{1,6})?$", examples=["499.50"])]
T = TypeVar("T")


class WantedKey(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A key to be made.

    Attributes:
        tenant: whose account its requests are on.
        name: what it is for.
        project: what it is given out for; recorded, and reported by.
        user: who holds it; null lets callers name the user themselves.
        routes: what it may ask for, as names and globs; empty for everything that its tenant may.
        lasting_s: for how many seconds it works; null for ever.
    """

    tenant: _Name
    name: Annotated[str, msgspec.Meta(max_length=LONGEST_NAME)] = ""
    project: _Label | None = None
    user: _Label | None = None
    routes: _Routes = ()
    lasting_s: Annotated[float, msgspec.Meta(gt=0, le=10 * _YEAR_S)] | None = None


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
    """

    name: _Name
    tier: _Label | None = None
    tags: _Tags = {}
    routes: _Routes = ()
    revenue_usd: _Dollars | None = None


class TenantChange(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, omit_defaults=True):
    """What of a tenant is to be another; as `WantedTenant`. What is left out stays."""

    tier: _Label | UnsetType | None = UNSET
    tags: _Tags | UnsetType = UNSET
    routes: _Routes | UnsetType = UNSET
    revenue_usd: _Dollars | UnsetType | None = UNSET


class Removed(msgspec.Struct, frozen=True, kw_only=True):
    """A tenant that was removed.

    Attributes:
        tenant: its name.
        keys: how many keys went with it.
    """

    tenant: str
    keys: int


class Tenants:
    """The operations.

    Args:
        router: whose tenants.
        clock: for times.
    """

    def __init__(self, router: ConfiguredRouter, clock: Clock) -> None:
        self._router = router
        self._clock = clock

    def operations(self) -> list[Operation]:
        """Their rows in the table."""
        return [*self._of_tenants(), *self._of_keys()]

    def _of_tenants(self) -> list[Operation]:
        return [
            Operation(
                method="GET",
                path="/admin/tenants",
                needs=Role.VIEWER,
                summary="Every tenant.",
                answer=self._list_tenants,
                gives=list[Tenant],
                refuses=_refuses(),
            ),
            Operation(
                method="POST",
                path="/admin/tenants",
                needs=Role.ADMIN,
                summary="Add a tenant.",
                answer=self._create_tenant,
                takes=WantedTenant,
                gives=Tenant,
                status=201,
                refuses=_refuses("There is one of that name, or tenants stand in the configuration."),
            ),
            Operation(
                method="GET",
                path="/admin/tenants/{tenant}",
                needs=Role.VIEWER,
                of_tenants=True,
                summary="One tenant.",
                answer=self._show_tenant,
                gives=Tenant,
                refuses=_refuses(missing="There is no such tenant."),
            ),
            Operation(
                method="PATCH",
                path="/admin/tenants/{tenant}",
                needs=Role.ADMIN,
                summary="Change what a tenant is.",
                answer=self._set_tenant,
                takes=TenantChange,
                gives=Tenant,
                refuses=_refuses("Tenants stand in the configuration.", "There is no such tenant."),
            ),
            Operation(
                method="DELETE",
                path="/admin/tenants/{tenant}",
                needs=Role.ADMIN,
                summary="Remove a tenant and its keys; what was recorded of it stays.",
                answer=self._remove_tenant,
                gives=Removed,
                refuses=_refuses(missing="There is no such tenant."),
            ),
        ]

    def _of_keys(self) -> list[Operation]:
        return [
            Operation(
                method="GET",
                path="/admin/keys",
                needs=Role.VIEWER,
                of_tenants=True,
                summary="Every virtual key, or those of the tenant that yours is bound to.",
                answer=self._list_keys,
                gives=list[ShownKey],
                refuses=_refuses(),
            ),
            Operation(
                method="POST",
                path="/admin/keys",
                needs=Role.ADMIN,
                of_tenants=True,
                summary="Make a virtual key. It is shown this once.",
                answer=self._create_key,
                takes=WantedKey,
                gives=NewSecret,
                status=201,
                refuses=_refuses(missing="There is no such tenant."),
            ),
            Operation(
                method="GET",
                path="/admin/keys/{key}",
                needs=Role.VIEWER,
                of_tenants=True,
                summary="One virtual key.",
                answer=self._show_key,
                gives=ShownKey,
                refuses=_refuses(missing="There is no such key."),
            ),
            Operation(
                method="POST",
                path="/admin/keys/{key}/rotate",
                needs=Role.ADMIN,
                of_tenants=True,
                summary="Give a key another secret. It is shown this once.",
                answer=self._rotate_key,
                takes=Rotation,
                gives=NewSecret,
                refuses=_refuses("It does not work any more.", "There is no such key."),
            ),
            Operation(
                method="DELETE",
                path="/admin/keys/{key}",
                needs=Role.ADMIN,
                of_tenants=True,
                summary="Revoke a key, for ever.",
                answer=self._revoke_key,
                gives=ShownKey,
                refuses=_refuses(missing="There is no such key."),
            ),
        ]

    async def _list_tenants(self, _: Asked) -> Answered:
        return Answered(body=await self._asked(Desk.tenants))

    async def _create_tenant(self, asked: Asked) -> Answered:
        tenant = Tenant(**_fields(asked.body))
        return Answered(
            body=await self._changed(asked, f"added {tenant.name}", lambda desk: desk.create_tenant(tenant))
        )

    async def _show_tenant(self, asked: Asked) -> Answered:
        name = asked.path["tenant"]
        _only_own(asked.asker, name)
        return Answered(body=await self._asked(lambda desk: desk.tenant(name)))

    async def _set_tenant(self, asked: Asked) -> Answered:
        changed = _fields(asked.body)
        name = asked.path["tenant"]
        tenant = await self._changed(asked, f"changed {name}", lambda desk: desk.set_tenant(name, **changed))
        return Answered(body=tenant)

    async def _remove_tenant(self, asked: Asked) -> Answered:
        name = asked.path["tenant"]
        keys = await self._changed(asked, f"removed {name}", lambda desk: desk.remove_tenant(name))
        return Answered(body=Removed(tenant=name, keys=keys))

    async def _list_keys(self, asked: Asked) -> Answered:
        tenant = asked.asker.tenant if asked.asker else None
        keys = await self._asked(lambda desk: desk.keys(tenant))
        return Answered(body=[self._shown(key) for key in keys])

    async def _create_key(self, asked: Asked) -> Answered:
        wanted: WantedKey = asked.body
        _only_own(asked.asker, wanted.tenant)
        fields = msgspec.structs.asdict(wanted)
        seconds = fields.pop("lasting_s")
        lasting = None if seconds is None else timedelta(seconds=seconds)
        key = Key(id="", created=0.0, **fields)
        made = await self._changed(asked, f"made a key for {key.tenant}", lambda desk: desk.create_key(key, lasting))
        return self._told(made)

    async def _show_key(self, asked: Asked) -> Answered:
        return Answered(body=self._shown(await self._own(asked)))

    async def _rotate_key(self, asked: Asked) -> Answered:
        key, overlap = await self._own(asked), timedelta(seconds=asked.body.overlap_s)
        return self._told(
            await self._changed(asked, f"rotated {key.id}", lambda desk: desk.rotate_key(key.id, overlap))
        )

    async def _revoke_key(self, asked: Asked) -> Answered:
        key = await self._own(asked)
        revoked = await self._changed(asked, f"revoked {key.id}", lambda desk: desk.revoke_key(key.id))
        return Answered(body=self._shown(revoked))

    async def _own(self, asked: Asked) -> Key:
        """The key of the path. Who is bound to a tenant is not told which keys others have."""
        key_id = asked.path["key"]
        bound = asked.asker.tenant if asked.asker else None
        found = [key for key in await self._asked(lambda desk: desk.keys(bound)) if key.id == key_id]
        if not found and bound is not None:
            raise PermissionDenied(f"This key is for the tenant '{bound}' only.")
        return found[0] if found else await self._asked(lambda desk: desk.key(key_id))

    async def _asked(self, use: Callable[[Desk], T]) -> T:
        """What `use` gives at the desk. Raises `InvalidRequest`, and `TenancyError` where the store cannot be used."""
        try:
            desk = desk_of(self._router.loaded, self._router.data, self._clock)
            return await asyncio.to_thread(use, desk)
        except ConfigError as error:
            refused = InvalidRequest(f"{error.problem} {error.fix}")
            refused.status = 409
            raise refused from error

    async def _changed(self, asked: Asked, what: str, use: Callable[[Desk], T]) -> T:
        """The same for a change, which this process knows of at once."""
        result = await self._asked(use)
        await self._router.directory.refresh()
        _log.warning("%s has %s", asked.asker.name if asked.asker else "somebody", what)
        return result

    def _told(self, made: Made) -> Answered:
        return Answered(body=NewSecret(key=made.presented, details=self._shown(made.key)))

    def _shown(self, key: Key) -> ShownKey:
        return shown(key, self._clock.now())


def _refuses(conflict: str = "The configuration has no tenants.", missing: str | None = None) -> Mapping[int, str]:
    further = {409: conflict, 503: "The store cannot be read or written now."}
    return further if missing is None else {404: missing, **further}


def _only_own(asker: Asker | None, tenant: str) -> None:
    if asker is not None and asker.tenant not in {None, tenant}:
        raise PermissionDenied(f"This key is for the tenant '{asker.tenant}' only.")


def _fields(wanted: WantedTenant | TenantChange) -> dict[str, Any]:
    """What is given of a tenant."""
    given = {field: value for field, value in msgspec.structs.asdict(wanted).items() if value is not UNSET}
    if given.get("revenue_usd") is not None:
        given["revenue_usd"] = Decimal(given["revenue_usd"])
    return given
