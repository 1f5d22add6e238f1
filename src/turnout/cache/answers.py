"""Complete answers, kept to be given again."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

import msgspec

from turnout.state.entries import Entries
from turnout.types.caching import Place
from turnout.types.chat import Finish
from turnout.types.decision import Attempt, Decision

LARGEST: Final = 4 << 20
"""A longer answer is not kept, in bytes."""

_WHOLE: Final = frozenset({Finish.STOP, Finish.STOP_SEQUENCE, Finish.TOOL_CALLS})
"""How an answer ends that nothing cut short or took out of the model's hands."""


class Stored(msgspec.Struct, frozen=True, kw_only=True):
    """An answer as the caller got it.

    Attributes:
        decision: the id of the decision that it came from.
        answer: the attempt that gave it: its target, tokens and cost.
        content_type: of `body`.
        body: the whole answer, or all of the stream, byte for byte.
        stream: whether it was streamed.
    """

    decision: str
    answer: Attempt
    content_type: str
    body: bytes
    stream: bool


_encode = msgspec.msgpack.Encoder().encode
_decode = msgspec.msgpack.Decoder(Stored).decode


class Answers:
    """Keeps answers, of each tenant apart.

    Args:
        secret: the key of the keyed hash that names them.
        places: where they are kept.
    """

    def __init__(self, secret: bytes, places: Mapping[Place, Entries]) -> None:
        self.secret = secret
        self._places = places

    async def find(self, place: Place, tenant: str, key: bytes) -> Stored | None:
        """The answer of that name, if there is one."""
        found = await self._places[place].get(tenant, key)
        return read_stored(found) if found is not None else None

    def keep(self, place: Place, tenant: str, key: bytes, stored: Stored, ttl_s: float) -> None:
        """Keep an answer for `ttl_s` seconds."""
        self._places[place].put(tenant, key, _encode(stored), ttl_s)

    def close(self) -> None:
        """Write what waits, and end."""
        for entries in self._places.values():
            entries.close()


def read_stored(value: bytes) -> Stored | None:
    """What was kept; None for what another version of turnout kept in another form."""
    try:
        return _decode(value)
    except (msgspec.MsgspecError, ValueError):
        return None


def write_stored(stored: Stored) -> bytes:
    """The bytes that `read_stored` reads."""
    return _encode(stored)


def attempt_of(decision: Decision) -> Attempt | None:
    """The attempt that gave the answer of a request that was answered in full."""
    if decision.outcome != "answered":
        return None
    answered = [each for each in decision.attempts if each.outcome == "answered" and each.purpose == "answer"]
    return next((each for each in answered if each.target == decision.target), None)


def answer_of(decision: Decision) -> Attempt | None:
    """The attempt that gave the complete answer; None if there is none, or something cut it short.

    Errors, partial answers, those that ran into a limit of tokens and those that a filter stopped are none.
    """
    answer = attempt_of(decision)
    return answer if answer is not None and answer.finish in _WHOLE else None
