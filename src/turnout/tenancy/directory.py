"""Who is known: every tenant and key, in memory, so that a request finds its own by one look.

The store is read again soon after it has changed. While it cannot be read, what was read last holds on: whoever was
known is served, and who is not may come from a change that nobody could read, and is asked to try again.
"""

from __future__ import annotations

import asyncio
import hmac
import logging
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Final

from turnout.errors import Overloaded, TenancyError, Unauthenticated
from turnout.tenancy.holder import Holder, allowing, limited_to
from turnout.tenancy.keys import Kept, Key, digest_of, read
from turnout.tenancy.store import Content, TenancyStore
from turnout.types.clock import Clock
from turnout.types.tenant import Tenant

EFFECTIVE_S: Final = 2.0
"""What is changed in the store has taken effect in every process after so many seconds, half of which is the wait."""

_NONE: Final = (Kept(digest="0" * 64),)

_log = logging.getLogger("turnout.tenancy")


@dataclass(frozen=True, slots=True)
class Known:
    """Who is known, at one moment. Never changed; another takes its place.

    Attributes:
        in_use: whether the configuration has tenants; without, nobody is known.
        declared: the tenants of the configuration; None where they stand in the store.
        content: what the store held.
        pepper: the key under which digests of secrets are made.
        tenants: all tenants, by name.
        holders: of each virtual key, by its id.
    """

    in_use: bool = False
    declared: Mapping[str, Tenant] | None = None
    content: Content = field(default_factory=Content)
    pepper: bytes = field(default=b"", repr=False)
    tenants: Mapping[str, Tenant] = field(init=False)
    holders: Mapping[str, tuple[Key, Holder | None]] = field(init=False)

    def __post_init__(self) -> None:
        tenants = self.content.tenants if self.declared is None else self.declared
        object.__setattr__(self, "tenants", tenants)
        holders = {key.id: (key, _holder(key, tenants.get(key.tenant))) for key in self.content.keys.values()}
        object.__setattr__(self, "holders", holders)


class Directory:
    """Tells who holds a key, and what is known of a tenant.

    Args:
        store: holds the keys, and perhaps the tenants.
        clock: wall time, for what expires.

    Attributes:
        store: as given.
        known: who is known. Assign what `draft` gave to have another configuration take effect.
    """

    def __init__(self, store: TenancyStore, clock: Clock) -> None:
        self.store = store
        self.known = Known()
        self._clock = clock
        self._unread = False

    def draft(self, declared: Mapping[str, Tenant] | None) -> Known:
        """Who is known where the configuration has `declared`, or leaves tenants to the store. Waits for the disk.

        Raises:
            ConfigError: the key of the digests cannot be read or made.
            TenancyError: the store cannot be read.
        """
        content = self.store.read() or Content()
        return Known(in_use=True, declared=declared, content=content, pepper=self.store.pepper())

    def tenant(self, name: str) -> Tenant | None:
        """The tenant of that name."""
        return self.known.tenants.get(name)

    def identify(self, presented: str) -> Holder:
        """Whoever presents a virtual key.

        Raises:
            Unauthenticated: it is none, or none that works any more.
            Overloaded: it is unknown, but the store cannot be read.
        """
        known, parsed = self.known, read(presented)
        key_id, secret = parsed or ("", presented)
        entry = known.holders.get(key_id)
        kept = entry[0].secrets if entry else _NONE
        given = digest_of(secret, known.pepper)
        found = [hmac.compare_digest(given, each.digest) for each in kept]
        if entry is None or not any(found):
            if parsed is not None and self._unread:
                raise Overloaded("The gateway cannot look up keys now.", retry_after_s=EFFECTIVE_S)
            raise Unauthenticated("Unknown API key. Ask whoever runs this gateway for one.")
        key, holder = entry
        self._refuse_outdated(key, kept[found.index(True)])
        if holder is None:
            raise Unauthenticated(f"The tenant of the API key {key.id} is not known any more.")
        return holder

    async def refresh(self) -> None:
        """Read the store, if it has changed. Never raises."""
        try:
            content = await asyncio.to_thread(self.store.read, self.known.content.version)
        except TenancyError as error:
            if not self._unread:
                _log.error("%s What was read last holds on; changes take effect once it can be read.", error)
            self._unread = True
            return
        if self._unread:
            _log.warning("tenants and keys can be read again")
        self._unread = False
        if content is not None:
            self.known = replace(self.known, content=content)

    async def follow(self) -> None:
        """Read the store whenever it has changed, for ever."""
        while True:
            await asyncio.sleep(EFFECTIVE_S / 2)
            if self.known.in_use:
                await self.refresh()

    def _refuse_outdated(self, key: Key, kept: Kept) -> None:
        """The secret is right; whether it still works. Only who has it is told why it does not."""
        if key.revoked is not None:
            raise Unauthenticated(f"The API key {key.id} has been revoked.")
        if key.expires is None and kept.until is None:
            return
        now = self._clock.now().timestamp()
        if key.expires is not None and key.expires <= now:
            raise Unauthenticated(f"The API key {key.id} has expired.")
        if kept.until is not None and kept.until <= now:
            raise Unauthenticated(f"The API key {key.id} has been rotated, and this is the secret of before.")


def _holder(key: Key, tenant: Tenant | None) -> Holder | None:
    if tenant is None:
        return None
    return Holder(
        who=f"tenant {tenant.name}",
        tenant=tenant,
        key=key.id,
        project=key.project,
        user=key.user,
        limited=limited_to(key.limit, key.id),
        scope=key.id,
        routes=key.routes,
        allows=allowing(key.routes, tenant.routes),
    )
