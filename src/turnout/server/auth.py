"""Who calls: the keys of the configuration, and those of tenants."""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Mapping, Sequence
from typing import Final

from turnout.config.serving import KeyConfig
from turnout.errors import Unauthenticated
from turnout.tenancy.directory import Directory
from turnout.tenancy.holder import Holder, allowing, limited_to
from turnout.tenancy.keys import PREFIX
from turnout.types.tenant import DEFAULT_TENANT, Tenant

CREDENTIALS: Final = frozenset({"authorization", "x-api-key", "api-key", "cookie", "proxy-authorization"})
"""Headers that never leave this module: not into the record, not to a provider."""

_BEARER: Final = "bearer "
_TOLD: Final = 16
"""So many digits of a key's digest tell it from others where it is counted, and say too little to find it by."""
_ANYBODY: Final = Holder(who="anybody", tenant=Tenant(name=DEFAULT_TENANT))


class Keys:
    """Tells who calls, by the keys of `server.keys` and the virtual keys of tenants.

    Without any, and without tenants, everybody may call, and the server listens on the loopback only. Of the former
    only digests are kept, and all of them are compared in constant time.

    Args:
        keys: `server.keys`.
        directory: knows tenants and their keys.
        tenants: whether the configuration has tenants, so that nobody may call without a key.
    """

    def __init__(self, keys: Sequence[KeyConfig], directory: Directory | None, *, tenants: bool = False) -> None:
        self._holders = [_holder(index, key) for index, key in enumerate(keys)]
        self._digests = [digest(key.key.get_secret_value()) for key in keys]
        self._directory = directory
        self._needed = tenants or bool(keys)

    def check(self, headers: Mapping[str, str]) -> Holder:
        """Whoever presents a key in `authorization: Bearer` or `x-api-key`.

        Raises:
            Unauthenticated: there is none, or none that works.
            Overloaded: it is unknown, and keys cannot be looked up now.
        """
        if not self._needed:
            return _ANYBODY
        given = given_key(headers)
        if given is None:
            raise Unauthenticated("No API key. Send one of the gateway's as `Authorization: Bearer` or `x-api-key`.")
        presented = digest(given)
        known = [hmac.compare_digest(presented, ours) for ours in self._digests]
        if any(known):
            return self._configured(self._holders[known.index(True)])
        if self._directory is not None and given.startswith(PREFIX):
            return self._directory.identify(given)
        raise Unauthenticated("Unknown API key. Ask whoever runs this gateway for one.")

    def _configured(self, holder: Holder) -> Holder:
        """The holder of a key of the configuration, with what is known of its tenant now."""
        if self._directory is None or not self._directory.known.in_use:
            return holder
        name = holder.tenant.name
        tenant = self._directory.tenant(name)
        if tenant is None and name != DEFAULT_TENANT:
            raise Unauthenticated(f"The tenant '{name}' of this API key is not known.")
        return holder if tenant is None else holder.of(tenant)


def _holder(index: int, key: KeyConfig) -> Holder:
    """The holder of a key of the configuration; one without a tenant of its own stands in a line of its own."""
    scope = digest(key.key.get_secret_value()).hex()
    who = f"key {index}" if key.tenant == DEFAULT_TENANT else f"tenant {key.tenant}"
    return Holder(
        who=who,
        tenant=Tenant(name=key.tenant),
        project=key.project,
        user=key.user,
        limited=limited_to(key.limit.limit(), scope[:_TOLD]),
        scope=scope,
        routes=tuple(key.routes),
        allows=allowing(key.routes),
    )


def given_key(headers: Mapping[str, str]) -> str | None:
    """The key that a request presents, in whichever header."""
    bearer = headers.get("authorization", "")
    if bearer[: len(_BEARER)].lower() == _BEARER:
        return bearer[len(_BEARER) :].strip()
    return headers.get("x-api-key")


def digest(key: str) -> bytes:
    """What is kept of a key."""
    return hashlib.sha256(key.encode()).digest()
