"""Where tenants and keys are made, changed and taken away, for the command line and for `/admin`."""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import timedelta
from types import MappingProxyType
from typing import Final, NoReturn

import msgspec

from turnout.errors import InvalidRequest
from turnout.tenancy.keys import Kept, Key, digest_of, new_id, new_secret, written
from turnout.tenancy.store import Change, Content, TenancyStore
from turnout.types.clock import Clock
from turnout.types.tenant import Tenant

NAME_RULE: Final = (
    "A name has 1 to 64 letters, digits, dots, dashes and underscores, and begins with none of the signs."
)
NAME_PATTERN: Final = "^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$"
Limit = Mapping[str, int | None]
NO_CHANGE: Final[Limit] = MappingProxyType({})
_LISTED: Final = 20
_NAME: Final = re.compile(NAME_PATTERN)


class Made(msgspec.Struct, frozen=True, kw_only=True):
    """A key that was made or rotated.

    Attributes:
        key: what is kept of it.
        presented: what its holder presents; shown this once.
    """

    key: Key
    presented: str


class Desk:
    """Changes the store. Every call waits for the disk.

    Args:
        store: what is changed.
        clock: wall time.
        declared: the tenants of the configuration; None where they stand in the store.
    """

    def __init__(self, store: TenancyStore, clock: Clock, declared: Mapping[str, Tenant] | None = None) -> None:
        self._store = store
        self._clock = clock
        self._declared = declared

    def tenants(self) -> list[Tenant]:
        """Every tenant, by name. Raises `TenancyError`."""
        known = self._declared if self._declared is not None else self._content().tenants
        return sorted(known.values(), key=lambda tenant: tenant.name)

    def tenant(self, name: str) -> Tenant:
        """One tenant.

        Raises:
            InvalidRequest: there is none of that name (404).
            TenancyError: the store cannot be read.
        """
        known = self._declared if self._declared is not None else self._content().tenants
        if name not in known:
            names = sorted(known)[:_LISTED]
            _refuse(404, f"There is no tenant '{name}'. There are: {', '.join(names) or 'none yet'}.", "tenant")
        return known[name]

    def create_tenant(self, tenant: Tenant) -> Tenant:
        """Add a tenant to the store.

        Raises:
            InvalidRequest: its name is none (400); tenants stand in the configuration, or there is one of that name
                (409).
            TenancyError: the store cannot be written.
        """
        self._only_in_the_store()
        if not is_name(tenant.name):
            _refuse(400, f"'{tenant.name}' is no tenant's name. {NAME_RULE}", "name")
        with self._store.change() as change:
            if change.tenant(tenant.name) is not None:
                _refuse(409, f"There is a tenant '{tenant.name}' already.", "name")
            change.put_tenant(tenant)
        return tenant

    def set_tenant(self, name: str, limit: Limit = NO_CHANGE, **changed: object) -> Tenant:
        """Change some of what a tenant is. Raises as `create_tenant`, and `InvalidRequest` (404): there is none.

        Args:
            name: the tenant's.
            limit: the fields of its rate limit that are to be others.
            **changed: further fields, as the tenant is to have them.
        """
        self._only_in_the_store()
        with self._store.change() as change:
            before = change.tenant(name)
            if before is None:
                _refuse(404, f"There is no tenant '{name}'.", "tenant")
            limited = msgspec.structs.replace(before.limit, **limit)
            tenant: Tenant = msgspec.structs.replace(before, limit=limited, **changed)
            change.put_tenant(tenant)
        return tenant

    def remove_tenant(self, name: str) -> int:
        """Take a tenant and its keys out of the store; how many keys those were.

        Raises:
            InvalidRequest: the store has none of that name (404).
            TenancyError: the store cannot be written.
        """
        with self._store.change() as change:
            if change.tenant(name) is None:
                _refuse(404, f"There is no tenant '{name}' in the store.", "tenant")
            return change.remove_tenant(name)

    def keys(self, tenant: str | None = None) -> list[Key]:
        """The keys of a tenant, or all, the oldest first. Raises `TenancyError`."""
        keys = self._content().keys.values()
        return sorted(
            (key for key in keys if tenant is None or key.tenant == tenant), key=lambda key: (key.created, key.id)
        )

    def key(self, key_id: str) -> Key:
        """One key. Raises `InvalidRequest` (404) where there is none, and `TenancyError`."""
        found = self._content().keys.get(key_id)
        if found is None:
            _no_key(key_id)
        return found

    def create_key(self, wanted: Key, lasting: timedelta | None = None) -> Made:
        """Make a key.

        Args:
            wanted: what it is to be; its id, times and secrets are given to it here.
            lasting: how long it works; None for ever.

        Raises:
            InvalidRequest: there is no such tenant (404).
            TenancyError: the store cannot be read or written.
        """
        self.tenant(wanted.tenant)
        now, secret = self._now(), new_secret()
        key = msgspec.structs.replace(
            wanted,
            id=new_id(),
            created=now,
            expires=None if lasting is None else now + lasting.total_seconds(),
            revoked=None,
            secrets=(Kept(digest=digest_of(secret, self._store.pepper())),),
        )
        with self._store.change() as change:
            change.put_key(key)
        return Made(key=key, presented=written(key.id, secret))

    def set_key(self, key_id: str, limit: Limit = NO_CHANGE, **changed: object) -> Key:
        """Change some of what a key is; as `set_tenant`.

        Raises:
            InvalidRequest: there is no such key (404).
            TenancyError: the store cannot be written.
        """
        with self._store.change() as change:
            before = _found(change, key_id)
            limited = msgspec.structs.replace(before.limit, **limit)
            key: Key = msgspec.structs.replace(before, limit=limited, **changed)
            change.put_key(key)
        return key

    def rotate_key(self, key_id: str, overlap: timedelta) -> Made:
        """Give a key another secret; those of before work for `overlap` longer, or as long as they would have.

        Raises:
            InvalidRequest: there is no such key (404), or it was revoked or has expired (409).
            TenancyError: the store cannot be written.
        """
        now, secret = self._now(), new_secret()
        with self._store.change() as change:
            key = _found(change, key_id)
            if key.revoked is not None or (key.expires is not None and key.expires <= now):
                _refuse(409, f"The key {key_id} does not work any more. Make another.", "key")
            until = now + overlap.total_seconds()
            before = [each for each in key.secrets if each.until is None or each.until > now]
            ending = [msgspec.structs.replace(each, until=min(until, each.until or until)) for each in before]
            kept = Kept(digest=digest_of(secret, self._store.pepper()))
            key = msgspec.structs.replace(key, secrets=(kept, *ending))
            change.put_key(key)
        return Made(key=key, presented=written(key_id, secret))

    def revoke_key(self, key_id: str) -> Key:
        """Have a key stop working, for ever. Of several times the first counts.

        Raises:
            InvalidRequest: there is no such key (404).
            TenancyError: the store cannot be written.
        """
        with self._store.change() as change:
            key = _found(change, key_id)
            if key.revoked is None:
                key = msgspec.structs.replace(key, revoked=self._now())
                change.put_key(key)
        return key

    def _only_in_the_store(self) -> None:
        if self._declared is not None:
            _refuse(409, "Tenants stand in the configuration. Change them there, or write `tenants: {from: store}`.")

    def _content(self) -> Content:
        return self._store.read() or Content()

    def _now(self) -> float:
        return self._clock.now().timestamp()


def is_name(text: str) -> bool:
    """Whether a tenant may be called so."""
    return _NAME.fullmatch(text) is not None


def _found(change: Change, key_id: str) -> Key:
    key = change.key(key_id)
    if key is None:
        _no_key(key_id)
    return key


def _no_key(key_id: str) -> NoReturn:
    _refuse(404, f"There is no key '{key_id}'. A key's id reads tk_ and 12 hexadecimal digits.", "key")


def _refuse(status: int, message: str, param: str | None = None) -> NoReturn:
    refused = InvalidRequest(message, param=param)
    refused.status = status
    raise refused
