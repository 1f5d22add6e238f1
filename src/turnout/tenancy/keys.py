"""Virtual keys: what callers present, and what is kept of it.

A key reads `tk_<id>_<secret>`. The id is no secret: it is looked up by, listed and recorded. Of the secret, 256 random
bits, only an HMAC-SHA-256 is kept, under a key of the data directory's: whoever reads the store can neither present
a key nor tell whether one that they found is there.
"""

from __future__ import annotations

import hmac
import re
import secrets
from typing import Final

import msgspec

from turnout.types.tenant import RateLimit

PREFIX: Final = "tk_"
_ID: Final = r"tk_[0-9a-f]{12}"
_FORM: Final = re.compile(rf"({_ID})_([A-Za-z0-9_-]{{43}})")
_SECRET_BYTES: Final = 32


class Kept(msgspec.Struct, frozen=True, kw_only=True):
    """What is kept of a secret.

    Attributes:
        digest: its HMAC, hexadecimal.
        until: when it stops working, in seconds since 1970; None while it is not being replaced.
    """

    digest: str
    until: float | None = None


class Key(msgspec.Struct, frozen=True, kw_only=True):
    """A virtual key, without its secret.

    Attributes:
        id: `tk_` and 12 hexadecimal digits; stays the same when the secret is rotated.
        tenant: whose account its requests are on.
        name: what it is for, in the words of whoever had it made.
        project: what it was given out for; None where that is not told.
        user: who holds it; None lets callers name the user themselves.
        routes: what it may ask for, as names and globs; empty for everything that its tenant may.
        limit: how fast it may ask; the tenant's limit holds besides.
        created: since when there is one, in seconds since 1970.
        expires: when it stops working, as above; None for never.
        revoked: when it was revoked, as above; None if it was not.
        secrets: what is kept of its secrets: the current one, and those that it replaces until they stop working.
    """

    id: str
    tenant: str
    name: str = ""
    project: str | None = None
    user: str | None = None
    routes: tuple[str, ...] = ()
    limit: RateLimit = RateLimit()
    created: float
    expires: float | None = None
    revoked: float | None = None
    secrets: tuple[Kept, ...] = ()


def new_id() -> str:
    """An id that no other key has: of a thousand keys, two are alike once in half a billion times."""
    return PREFIX + secrets.token_hex(6)


def new_secret() -> str:
    """A secret: 43 characters."""
    return secrets.token_urlsafe(_SECRET_BYTES)


def written(key_id: str, secret: str) -> str:
    """A key as its holder presents it."""
    return f"{key_id}_{secret}"


def read(presented: str) -> tuple[str, str] | None:
    """The id and the secret of a key; None for what is no virtual key."""
    found = _FORM.fullmatch(presented)
    return (found[1], found[2]) if found else None


def digest_of(secret: str, pepper: bytes) -> str:
    """What is kept of a secret: its HMAC-SHA-256 under `pepper`, hexadecimal."""
    return hmac.digest(pepper, secret.encode(), "sha256").hex()
