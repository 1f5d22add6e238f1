"""Words about breakers on a Valkey or Redis server, which gateways on many machines share."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

import msgspec

from turnout.state.breaker_words import Word
from turnout.state.database import Unavailable
from turnout.state.valkey_client import PREFIX, TIMEOUT_S, connect, failures, in_time

_KEY: Final = f"{PREFIX}breakers"
_KEPT_S: Final = 86_400
"""Nobody says anything for so long: there is nothing to know any more."""


class _Kept(msgspec.Struct, frozen=True):
    """A word as it is kept: `until` is on the server's clock, which is the same for all."""

    word: Word
    until: float


class ValkeyBreakerWords:
    """See `turnout.state.breaker_words.BreakerWords`.

    Args:
        url: the server's address, as `connect` takes it.
        timeout_s: how long an answer may take.

    Raises:
        MissingExtra: the extra `valkey` is not installed.
        ValueError: not an address.
    """

    def __init__(self, url: str, *, timeout_s: float = TIMEOUT_S) -> None:
        self._client = connect(url)
        self._failures = failures()
        self._timeout_s = timeout_s

    async def heard(self) -> Mapping[str, Word]:
        """See `BreakerWords.heard`."""
        pipeline = self._client.pipeline(transaction=False)
        pipeline.time()
        pipeline.hgetall(_KEY)
        time, found = await self._in_time(pipeline.execute())
        now = _seconds(time)
        return {target: _read(kept, now) for target, kept in found.items()}

    async def say(self, words: Mapping[str, Word]) -> None:
        """See `BreakerWords.say`."""
        now = _seconds(await self._in_time(self._client.time()))
        pipeline = self._client.pipeline(transaction=False)
        for target, word in words.items():
            pipeline.hset(_KEY, target, msgspec.json.encode(_Kept(word, now + word.for_s)).decode())
        pipeline.expire(_KEY, _KEPT_S)
        await self._in_time(pipeline.execute())

    async def close(self) -> None:
        """See `BreakerWords.close`."""
        await self._client.aclose()

    async def _in_time(self, asking: Any) -> Any:
        try:
            async with in_time(self._timeout_s):
                return await asking
        except self._failures as error:
            raise Unavailable(str(error) or "no answer in time") from error


def _seconds(time: tuple[int, int]) -> float:
    whole, micro = time
    return whole + micro / 1e6


def _read(kept: str, now: float) -> Word:
    try:
        found = msgspec.json.decode(kept, type=_Kept)
    except msgspec.DecodeError as error:
        raise Unavailable(f"it has what is no word about a breaker: {error}") from error
    return msgspec.structs.replace(found.word, for_s=found.until - now)
