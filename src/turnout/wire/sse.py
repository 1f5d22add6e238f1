"""Server-sent events: split at any byte, kept as they came.

The format is that of the WHATWG's HTML standard, section 9.2 ("Server-sent events").
"""

from __future__ import annotations

import re

import msgspec

MAX_EVENT_BYTES = 32 * 1024 * 1024
"""The largest event that is waited for."""

_BOM = b"\xef\xbb\xbf"
_LINE_END = re.compile(rb"\r\n|\r|\n")
_SEAM = 3  # one less than the longest end of an event: CRLF CRLF

# Two line ends in a row. CRLF CR waits for the byte after it, which may be the LF of a second CRLF. CR CR
# does not: among lone CRs that byte comes with the next event, and an LF there is a blank line anyway.
_END = re.compile(rb"\r(?:\n\r\n?|\n\n|\r)|\n[\n\r]")
_UNDECIDED = b"\r\n\r"


class SseEvent(msgspec.Struct, gc=False, eq=False):
    """One event. Its fields are read from the bytes when asked for: what is only relayed is never parsed.

    Attributes:
        raw: its exact bytes, the blank line that ends it included.
    """

    raw: bytes

    @property
    def name(self) -> bytes | None:
        """The value of its last `event` field."""
        if b"event" not in self.raw:
            return None
        named = [value for field, value in self._fields() if field == b"event"]
        return named[-1] if named else None

    @property
    def data(self) -> bytes | None:
        """Its `data` lines, joined by LF; None if it has none."""
        raw = self.raw
        if raw.startswith(b"data: ") and raw.find(b"\n") == len(raw) - 2 and b"\r" not in raw:
            return raw[6:-2]
        lines = [value for field, value in self._fields() if field == b"data"]
        return b"\n".join(lines) if lines else None

    @property
    def is_comment(self) -> bool:
        """Whether it has no field at all, only comments and blank lines: every client skips it."""
        return not any(field for field, _ in self._fields())

    @property
    def is_junk(self) -> bool:
        """Whether it has fields, yet says nothing that is of a dialect.

        An empty `data`, a comment that a server put into one (`data: : keep-alive`), a lone `retry` or `id`:
        clients that read JSON from every event break on it, so it must not be passed on.
        """
        if self.is_comment:
            return False
        data = self.data
        return self.name != b"error" and (not data or data.startswith(b":"))

    def _fields(self) -> list[tuple[bytes, bytes]]:
        """Field names with their values; a comment and a blank line have an empty name."""
        pairs = (line.partition(b":") for line in self.raw.removeprefix(_BOM).splitlines())
        return [(field, value.removeprefix(b" ")) for field, _, value in pairs]


class SseSplitter:
    """Cuts a stream of bytes into events, wherever the transport cut it.

    The events' bytes together with `rest` are the stream's bytes, in order and complete.

    Args:
        limit: the largest event to wait for, in bytes.
    """

    __slots__ = ("_held", "_held_bytes", "_limit", "_seam")

    def __init__(self, limit: int = MAX_EVENT_BYTES) -> None:
        self._limit = limit
        self._held: list[bytes] = []
        self._held_bytes = 0
        self._seam = b""

    @property
    def rest(self) -> bytes:
        """What follows the last event. At the stream's end it is no event, however much it looks like one."""
        return b"".join(self._held)

    def feed(self, chunk: bytes) -> list[SseEvent]:
        """Take more bytes and give the events that they complete.

        Raises:
            ValueError: an event is larger than the limit.
        """
        if self._held:
            # An event that comes in many pieces is searched and joined once, not once for each piece.
            seam = self._seam + chunk
            if b"\n\n" not in seam and not (b"\r" in seam and _END.search(seam)):
                self._hold(chunk)
                return []
            chunk = b"".join((*self._held, chunk))
            self._held.clear()
            self._held_bytes = 0
        if b"\r" in chunk:
            pieces = _cut(chunk)
            rest = pieces.pop()
            events = [SseEvent(piece) for piece in pieces]
        else:
            pieces = chunk.split(b"\n\n")
            rest = pieces.pop()
            events = [SseEvent(piece + b"\n\n") for piece in pieces]
        self._seam = b""
        if rest:
            self._hold(rest)
        return events

    def _hold(self, piece: bytes) -> None:
        self._held.append(piece)
        self._held_bytes += len(piece)
        self._seam = (self._seam + piece[-_SEAM:])[-_SEAM:]
        if self._held_bytes > self._limit:
            raise ValueError(f"a streamed event is larger than {self._limit:,} bytes")


WAITING = b": waiting\n\n"
"""A comment: every reader passes over it. The blank line makes hops that buffer whole events let go of it; SDKs
dispatch nothing on it, since no `id:` is ever sent."""


def sse_event(data: bytes, name: str | None = None) -> bytes:
    """The bytes of an event; never with an `id`: after one, official SDKs dispatch on every blank line."""
    if b"\n" in data or b"\r" in data:
        data = _LINE_END.sub(b"\ndata: ", data)
    if name is None:
        return b"data: " + data + b"\n\n"
    return b"event: " + name.encode() + b"\ndata: " + data + b"\n\n"


def _cut(stream: bytes) -> list[bytes]:
    """The events of a stream whose lines may end in CR, and what follows the last of them."""
    pieces = []
    view = memoryview(stream)
    start = 0
    # Each search sees only what follows the last event, as it would if the transport had cut there.
    while found := _END.search(view[start:]):
        if found[0] == _UNDECIDED and start + found.end() == len(stream):
            break
        pieces.append(stream[start : start + found.end()])
        start += found.end()
    pieces.append(stream[start:])
    return pieces
