"""Who may call: the gateway's own keys."""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Iterable, Mapping
from typing import Final

from turnout.errors import Unauthenticated

CREDENTIALS: Final = frozenset({"authorization", "x-api-key", "api-key", "cookie", "proxy-authorization"})
"""Headers that never leave this module: not into the record, not to a provider."""

_BEARER: Final = "bearer "


class Keys:
    """The keys of `server.keys`. Without any, everybody may call, and the server listens on the loopback only.

    Only digests are kept, and all of them are compared in constant time.
    """

    def __init__(self, keys: Iterable[str]) -> None:
        self._digests = tuple(digest(key) for key in keys)

    def check(self, headers: Mapping[str, str]) -> str:
        """Look for a known key in `authorization: Bearer` or `x-api-key`; a name for whoever holds it.

        Raises:
            Unauthenticated: there is none.
        """
        if not self._digests:
            return "anybody"
        given = given_key(headers)
        if given is None:
            raise Unauthenticated("No API key. Send one of the gateway's as `Authorization: Bearer` or `x-api-key`.")
        presented = digest(given)
        known = [hmac.compare_digest(presented, ours) for ours in self._digests]
        if not any(known):
            raise Unauthenticated("Unknown API key. Ask whoever runs this gateway for one of its `server.keys`.")
        return f"key {known.index(True)}"


def given_key(headers: Mapping[str, str]) -> str | None:
    """The key that a request presents, in whichever header."""
    bearer = headers.get("authorization", "")
    if bearer[: len(_BEARER)].lower() == _BEARER:
        return bearer[len(_BEARER) :].strip()
    return headers.get("x-api-key")


def digest(key: str) -> bytes:
    """What is kept of a key."""
    return hashlib.sha256(key.encode()).digest()
