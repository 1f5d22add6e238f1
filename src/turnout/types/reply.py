"""What the caller gets."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Protocol

import msgspec

from turnout.types.decision import Decision


class Pieces(Protocol):
    """A streamed answer's bytes, iterated once. Whoever has it must close it, begun or not."""

    def __aiter__(self) -> AsyncIterator[bytes]:
        """The bytes, piece by piece."""
        ...

    async def aclose(self) -> None:
        """Nothing more is wanted: what is under way is cancelled and booked. Does nothing after the end."""
        ...


class Reply(msgspec.Struct):
    """An answer in the caller's dialect, ready to be sent.

    Attributes:
        status: the HTTP status.
        headers: lower-case names; `content-type` and the `x-turnout-*` headers among them.
        body: the whole answer, or None if it is streamed.
        stream: the answer's bytes in the caller's dialect, piece by piece; the decision is recorded before the last
            piece is yielded. Closing it early cancels the call.
        decision: the record; None while a stream is under way.
    """

    status: int
    headers: list[tuple[str, str]]
    body: bytes | None = None
    stream: Pieces | None = None
    decision: Decision | None = None


def header_value(text: str) -> str:
    """A name as a header may hold it: in ASCII."""
    return text if text.isascii() else text.encode("ascii", "backslashreplace").decode("ascii")
