"""Sessions that a browser keeps: signed, so that nothing of them has to be kept here."""

from __future__ import annotations

import hmac
from base64 import urlsafe_b64decode, urlsafe_b64encode
from datetime import timedelta

import msgspec

from turnout.types.clock import Clock


class Session(msgspec.Struct, frozen=True):
    """Somebody who has signed in.

    Attributes:
        holder: who, as `Sessions.holder` names them.
        until: when it ends, in seconds since 1970, UTC.
    """

    holder: str
    until: float


class Sessions:
    """Issues and reads sessions.

    Args:
        key: signs them (HMAC-SHA-256).
        clock: tells when they end.
    """

    def __init__(self, key: bytes, clock: Clock) -> None:
        self._key = key
        self._clock = clock

    def holder(self, key_digest: bytes) -> str:
        """A name for whoever has a key, from which nobody can guess it."""
        return hmac.digest(self._key, b"holder:" + key_digest, "sha256").hex()

    def issue(self, holder: str, lasting: timedelta) -> str:
        """A token for the holder, in characters that a cookie may have."""
        until = self._clock.now() + lasting
        said = urlsafe_b64encode(msgspec.json.encode(Session(holder, until.timestamp()))).decode()
        return f"{said}.{self._signed(said)}"

    def read(self, token: str | None) -> Session | None:
        """What a token says; None where it is none of ours, or its time is over."""
        said, _, signature = (token or "").partition(".")
        if not hmac.compare_digest(self._signed(said).encode(), signature.encode()):
            return None
        session = msgspec.json.decode(urlsafe_b64decode(said), type=Session)
        return session if session.until > self._clock.now().timestamp() else None

    def _signed(self, said: str) -> str:
        return hmac.digest(self._key, b"session:" + said.encode(), "sha256").hex()
