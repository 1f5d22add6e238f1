"""Who may look at the gateway and change what it does: the keys of `server.admin_keys`, and sessions of browsers."""

from __future__ import annotations

import hmac
from collections.abc import Iterable, Mapping
from datetime import timedelta
from enum import StrEnum
from typing import Final, NamedTuple
from urllib.parse import urlsplit

from turnout.config.check import is_loopback
from turnout.config.serving import AdminKeyConfig
from turnout.errors import PermissionDenied, Unauthenticated
from turnout.server.admin.session import Session, Sessions
from turnout.server.auth import digest, given_key
from turnout.types.clock import Clock

COOKIE: Final = "turnout_session"
SESSION_FOR: Final = timedelta(hours=12)

_RELAYED: Final = ("forwarded", "via", "x-forwarded-for", "x-forwarded-host", "x-real-ip")
"""Headers of proxies: a request with one of them was not necessarily sent from this machine."""


class Role(StrEnum):
    """What somebody may do."""

    VIEWER = "viewer"
    ADMIN = "admin"

    def covers(self, needed: Role) -> bool:
        """Whether this role may do what `needed` may."""
        return self is Role.ADMIN or needed is Role.VIEWER


class Asker(NamedTuple):
    """Whoever asks.

    Attributes:
        name: whose key it is, for the log.
        role: what they may do.
        tenant: the only one that they may know of; None for all.
    """

    name: str
    role: Role
    tenant: str | None = None


_NEARBY: Final = Asker("somebody at the gateway's own machine", Role.ADMIN)


class AdminAccess:
    """Tells who asks, and refuses what they may not do.

    A key comes as `Authorization: Bearer`, as `x-api-key`, or as the cookie that it was exchanged for. Only digests are
    kept, and all of them are compared in constant time. A session ends with its time or with its key.

    Where no key is configured, there is access only from this machine, and as admin: on a loopback address, to a
    request whose `Host` is a loopback name (so that no page of a rebound name reaches it) and that no proxy relayed.

    Args:
        host: the address that is listened at.
        signing_key: signs sessions; the same for all processes that share a data directory.
        clock: for when sessions end.
        keys: `server.admin_keys`.
    """

    def __init__(self, host: str, signing_key: bytes, clock: Clock, keys: Iterable[AdminKeyConfig] = ()) -> None:
        self._local = is_loopback(host)
        self._sessions = Sessions(signing_key, clock)
        self.renew(keys)

    def renew(self, keys: Iterable[AdminKeyConfig]) -> None:
        """Other keys take effect, and the sessions of those that are gone end."""
        digests = ((digest(each.key.get_secret_value()), each) for each in keys)
        self._keys = tuple(
            (known, self._sessions.holder(known), Asker(each.name, Role(each.role), each.tenant))
            for known, each in digests
        )

    def check(self, headers: Mapping[str, str], *, needs: Role) -> Role:
        """The role of whoever sent these headers, who must not be bound to one tenant. Raises as `asker`."""
        asker = self.asker(headers, needs=needs)
        if asker.tenant is not None:
            raise PermissionDenied(f"This key is for the tenant '{asker.tenant}' only.")
        return asker.role

    def asker(self, headers: Mapping[str, str], *, needs: Role) -> Asker:
        """Whoever sent these headers.

        Args:
            headers: the request's; names in lower case, or a mapping that does not care.
            needs: what the request takes.

        Raises:
            Unauthenticated: no key and no session, or an unknown or outdated one.
            PermissionDenied: a role that does not cover `needs`, or a page of another site asks for a change.
        """
        asker = self._asker(headers)
        if not asker.role.covers(needs):
            raise PermissionDenied(f"This takes the role '{needs}', and this key has '{asker.role}'.")
        return asker

    def sign_in(self, key: str, *, secure: bool) -> str:
        """The `set-cookie` value of a session for whoever has `key`.

        Args:
            key: one of `server.admin_keys`.
            secure: the browser came by HTTPS, and must send the cookie by nothing else.

        Raises:
            Unauthenticated: nobody has that key.
        """
        given = digest(key)
        self._asker_of(given)
        token = self._sessions.issue(self._sessions.holder(given), SESSION_FOR)
        return _cookie(token, int(SESSION_FOR.total_seconds()), secure=secure)

    def sign_out(self, *, secure: bool) -> str:
        """The `set-cookie` value that makes a browser forget its session."""
        return _cookie("", 0, secure=secure)

    def _asker(self, headers: Mapping[str, str]) -> Asker:
        if not self._keys:
            return self._without_keys(headers)
        key = given_key(headers)
        if key is not None:
            return self._asker_of(digest(key))
        session = self._sessions.read(_cookies(headers).get(COOKIE))
        if session is None:
            raise Unauthenticated(
                "No admin key. Send one of `server.admin_keys` as `Authorization: Bearer` or `x-api-key`, or sign in."
            )
        _refuse_other_sites(headers)
        return self._of_session(session)

    def _without_keys(self, headers: Mapping[str, str]) -> Asker:
        if not self._local or not _is_local_name(headers.get("host", "")) or any(name in headers for name in _RELAYED):
            raise PermissionDenied(
                "Without `server.admin_keys` this answers only to requests from the gateway's own machine, "
                "sent to localhost. Add keys to the configuration."
            )
        _refuse_other_sites(headers)
        return _NEARBY

    def _asker_of(self, given: bytes) -> Asker:
        found = [asker for known, _, asker in self._keys if hmac.compare_digest(known, given)]
        if not found:
            raise Unauthenticated(
                "Unknown admin key. Ask whoever runs this gateway for one of its `server.admin_keys`."
            )
        return found[0]

    def _of_session(self, session: Session) -> Asker:
        found = [asker for _, holder, asker in self._keys if hmac.compare_digest(holder, session.holder)]
        if not found:
            raise Unauthenticated("The key of this session is no longer valid. Sign in again.")
        return found[0]


def _refuse_other_sites(headers: Mapping[str, str]) -> None:
    """A browser tells whose page asks; only the gateway's own pages, and the person, may use what it knows."""
    origin, site = headers.get("origin"), headers.get("sec-fetch-site", "none")
    foreign = origin is not None and urlsplit(origin).netloc != headers.get("host", "")
    navigates = headers.get("sec-fetch-mode") == "navigate" and origin is None
    if foreign or (site not in {"none", "same-origin"} and not navigates):
        raise PermissionDenied("A page of another site may not ask for this.")


def _is_local_name(host: str) -> bool:
    try:
        name = urlsplit(f"//{host}").hostname or ""
    except ValueError:
        return False
    return is_loopback(name)


def _cookies(headers: Mapping[str, str]) -> dict[str, str]:
    pairs = (pair.strip().partition("=") for pair in headers.get("cookie", "").split(";"))
    return {name: value for name, _, value in pairs}


def _cookie(value: str, seconds: int, *, secure: bool) -> str:
    flags = "; Path=/; HttpOnly; SameSite=Strict" + ("; Secure" if secure else "")
    return f"{COOKIE}={value}; Max-Age={seconds}{flags}"
