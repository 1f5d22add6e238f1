"""Tenants and virtual keys by `/admin`. Whoever is bound to a tenant sees and makes that one's keys, and no others."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Mapping
from datetime import timedelta
from typing import Final, TypeVar

import msgspec

from turnout.config.build import ConfiguredRouter
from turnout.config.tenancy import desk_of
from turnout.errors import ConfigError, InvalidRequest, PermissionDenied
from turnout.server.admin.access import Asker, Role
from turnout.server.admin.operation import Answered, Asked, Operation
from turnout.server.admin.wanted import (
    KeyChange,
    Removed,
    Rotation,
    TenantChange,
    WantedKey,
    WantedTenant,
    fields_of,
    given,
    limit_of,
)
from turnout.tenancy.desk import Desk, Made
from turnout.tenancy.keys import Key
from turnout.tenancy.shown import NewSecret, ShownKey, shown
from turnout.types.clock import Clock
from turnout.types.tenant import RateLimit, Tenant

_log = logging.getLogger(__name__)

_NOT_SO: Final = "Tenants stand in the configuration, or there can be no such budget."
T = TypeVar("T")


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
        return [*self._of_tenants(), *self._of_keys(), *self._of_one_key()]

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
                refuses=_refuses(f"There is one of that name. {_NOT_SO}"),
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
                refuses=_refuses(_NOT_SO, "There is no such tenant."),
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
        ]

    def _of_one_key(self) -> list[Operation]:
        return [
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
                method="PATCH",
                path="/admin/keys/{key}",
                needs=Role.ADMIN,
                of_tenants=True,
                summary="Change what a key may do.",
                answer=self._set_key,
                takes=KeyChange,
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
        wanted: WantedTenant = asked.body
        tenant = Tenant(**fields_of(wanted, wanted.name), limit=RateLimit(**limit_of(wanted)))
        return Answered(
            body=await self._changed(asked, f"added {tenant.name}", lambda desk: desk.create_tenant(tenant))
        )

    async def _show_tenant(self, asked: Asked) -> Answered:
        name = asked.path["tenant"]
        _only_own(asked.asker, name)
        return Answered(body=await self._asked(lambda desk: desk.tenant(name)))

    async def _set_tenant(self, asked: Asked) -> Answered:
        name = asked.path["tenant"]
        changed, limit = fields_of(asked.body, name), limit_of(asked.body)
        tenant = await self._changed(asked, f"changed {name}", lambda desk: desk.set_tenant(name, limit, **changed))
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
        seconds, fields["limit"] = fields.pop("lasting_s"), RateLimit(**limit_of(wanted))
        lasting = None if seconds is None else timedelta(seconds=seconds)
        key = Key(id="", created=0.0, **fields)
        made = await self._changed(asked, f"made a key for {key.tenant}", lambda desk: desk.create_key(key, lasting))
        return self._told(made)

    async def _show_key(self, asked: Asked) -> Answered:
        return Answered(body=self._shown(await self._own(asked)))

    async def _set_key(self, asked: Asked) -> Answered:
        key, limit = await self._own(asked), limit_of(asked.body)
        changed = given(asked.body)
        after = await self._changed(asked, f"changed {key.id}", lambda desk: desk.set_key(key.id, limit, **changed))
        return Answered(body=self._shown(after))

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
