"""Who presents a key, and what they may ask for."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from fnmatch import translate
from functools import lru_cache
from typing import NamedTuple

from turnout.types.rate import Limited
from turnout.types.tenant import RateLimit, Tenant

Allows = Callable[[str], object]


class Holder(NamedTuple):
    """Whoever presents a key.

    Attributes:
        who: whom the room that there is for requests is shared with: the tenant, or a key without one.
        tenant: whose account it is.
        key: the key's id; None for a key of the configuration, and without one.
        project: what the key was given out for.
        user: who holds it; None lets them say so themselves.
        limited: how fast the key may ask; None where only its tenant's limit holds.
        scope: what tells its requests from those of every other key, for idempotency.
        routes: what the key may ask for; empty for everything that its tenant may.
        allows: one for the key and one for the tenant, as far as they may not ask for everything.
    """

    who: str
    tenant: Tenant
    key: str | None = None
    project: str | None = None
    user: str | None = None
    limited: Limited | None = None
    scope: str | None = None
    routes: tuple[str, ...] = ()
    allows: tuple[Allows, ...] = ()

    def of(self, tenant: Tenant) -> Holder:
        """The same, on the account of what is known of a tenant now."""
        return self._replace(tenant=tenant, allows=allowing(self.routes, tenant.routes))

    def may(self, route: str) -> bool:
        """Whether it may ask for `route`, as callers name it."""
        return all(allows(route) for allows in self.allows)


def limited_to(limit: RateLimit, key: str) -> Limited | None:
    """The limit of the key that is counted as `key`; None where it has none."""
    return None if limit == RateLimit() else Limited(f"key {key}", "This API key", limit)


def allowing(*lists: Sequence[str]) -> tuple[Allows, ...]:
    """What tells whether a route is on every one of the lists; an empty list has all of them."""
    return tuple(_matcher(tuple(names)) for names in lists if names)


@lru_cache(maxsize=1024)
def _matcher(names: tuple[str, ...]) -> Allows:
    return re.compile("|".join(translate(name) for name in names)).match
