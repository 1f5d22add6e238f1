"""Keys as they are shown: without anything that is kept of their secrets."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Literal

import msgspec

from turnout.tenancy.keys import Key
from turnout.types.clock import timestamp
from turnout.types.tenant import RateLimit

State = Literal["works", "expired", "revoked"]


class ShownKey(msgspec.Struct, frozen=True, kw_only=True):
    """A virtual key, without its secret. Times are in UTC, ISO 8601.

    Attributes:
        id: what records name it by.
        tenant: whose account its requests are on.
        name: what it is for.
        project: what it was given out for.
        user: who holds it.
        routes: what it may ask for, as names and globs; empty for everything that its tenant may.
        limit: how fast it may ask.
        state: whether it works.
        created: when it was made.
        expires: when it stops working; null for never.
        revoked: when it was revoked.
        overlaps_until: until when the secret before the last rotation works as well; null where none does.
    """

    id: str
    tenant: str
    name: str
    project: str | None
    user: str | None
    routes: tuple[str, ...]
    limit: RateLimit
    state: State
    created: str
    expires: str | None
    revoked: str | None
    overlaps_until: str | None


class NewSecret(msgspec.Struct, frozen=True, kw_only=True):
    """A key that was made or rotated.

    Attributes:
        key: what its holder presents. It is shown this once.
        details: what is kept of it.
    """

    key: str
    details: ShownKey


def shown(key: Key, now: datetime) -> ShownKey:
    """The key as it is at a moment."""
    at = now.timestamp()
    overlap = max((kept.until for kept in key.secrets if kept.until is not None and kept.until > at), default=None)
    return ShownKey(
        id=key.id,
        tenant=key.tenant,
        name=key.name,
        project=key.project,
        user=key.user,
        routes=key.routes,
        limit=key.limit,
        state=_state(key, at),
        created=_told(key.created) or "",
        expires=_told(key.expires),
        revoked=_told(key.revoked),
        overlaps_until=_told(overlap),
    )


def _state(key: Key, at: float) -> State:
    if key.revoked is not None:
        return "revoked"
    return "expired" if key.expires is not None and key.expires <= at else "works"


def _told(at: float | None) -> str | None:
    return None if at is None else timestamp(datetime.fromtimestamp(at, UTC))
