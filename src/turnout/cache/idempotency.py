"""A request that a caller sends again under the same key is answered once."""

from __future__ import annotations

import asyncio
import hmac
from typing import Final

from turnout.cache.answers import Stored, read_stored, write_stored
from turnout.errors import KeyReused, StillInProgress
from turnout.state.claims import LEASE_S, Claim, Claims
from turnout.state.database import Unavailable
from turnout.types.request import Request

_AGAIN_S: Final = 1.0
_RENEW_S: Final = LEASE_S / 3


class Idempotency:
    """Remembers what was asked under which key, and the answer.

    Args:
        secret: the key of the keyed hashes under which both are known.
        claims: where they are kept.
        window_s: for how long, in seconds.
    """

    def __init__(self, secret: bytes, claims: Claims, window_s: float) -> None:
        self._secret = secret
        self._claims = claims
        self._window_s = window_s

    async def begin(self, request: Request, decision_id: str) -> Claim | Stored | None:
        """The recorded answer; else the claim that this request is the one to be served.

        Returns:
            None where nothing can be remembered now: the request is served as one without a key.

        Raises:
            StillInProgress: the first request under the key is under way.
            KeyReused: the first one said something else.
        """
        caller = request.caller
        key, asked = self._digest(caller.idempotency or ""), self._digest(request.dialect, request.raw)
        claim = Claim(caller.tenant, key, asked, decision_id)
        try:
            taken = await self._claims.take(claim)
        except Unavailable:
            return None
        if taken is None:
            return claim
        if not taken.same:
            raise KeyReused("x-turnout-idempotency-key was used for another request. Make a new key for each request.")
        if taken.result is None:
            raise StillInProgress("A request under this idempotency key is under way.", retry_after_s=_AGAIN_S)
        return read_stored(taken.result)

    async def hold(self, claim: Claim) -> None:
        """Renew a claim for as long as this runs, so that it lasts as long as its request does."""
        while True:
            await asyncio.sleep(_RENEW_S)
            self._claims.renew(claim)

    def settle(self, claim: Claim, stored: Stored) -> None:
        """The claimed request was answered."""
        self._claims.settle(claim, write_stored(stored), self._window_s)

    def release(self, claim: Claim) -> None:
        """The claimed request was not answered: the caller may try again."""
        self._claims.release(claim)

    def close(self) -> None:
        """Write what waits, and end."""
        self._claims.close()

    def _digest(self, label: str, rest: bytes = b"") -> bytes:
        return hmac.digest(self._secret, label.encode() + b"\n" + rest, "sha256")
