"""From the provider's events to the caller's bytes: passed on as they came, or translated."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, ClassVar, Final, Protocol

from turnout.confidence.signals.tail import TailFilter
from turnout.execution.work import Work
from turnout.providers.endpoint import Endpoint
from turnout.types.stream import Ended, Mark, TextDelta
from turnout.wire.dialect import StreamDecoder, StreamEncoder
from turnout.wire.event_json import encode_json, read_object
from turnout.wire.sse import SseEvent

Batch = list[tuple[SseEvent, Mark]]

_TOKEN: Final[Mark] = Mark.TOKEN
"""Nearly every event is this and nothing else, and comparing flags takes longer than all else that is done for it."""


class Conversion(Protocol):
    """Makes the caller's bytes."""

    verbatim: ClassVar[bool]
    """Whether the caller sees the provider's own events."""

    def convert(self, batch: Batch) -> bytes:
        """The bytes for these events, possibly none. Raises `ValueError` for an event that is not of the dialect."""
        ...

    def end(self) -> bytes:
        """What ends the stream, where a provider finished its answer and left that out."""
        ...


class Relay:
    """One dialect on both sides: every event as it came, but for junk and for what only we asked for."""

    verbatim: ClassVar[bool] = True

    def __init__(self, stream_end: bytes, hide: Callable[[dict[str, Any]], None] | None = None) -> None:
        self._stream_end = stream_end
        self._hide = hide

    def convert(self, batch: Batch) -> bytes:
        """See `Conversion.convert`."""
        events = [event.raw for event, mark in batch if mark is _TOKEN or _is_callers(event, mark)]
        return b"".join(events if self._hide is None else [_without(raw, self._hide) for raw in events])

    def end(self) -> bytes:
        """See `Conversion.end`."""
        return self._stream_end


def _without(raw: bytes, hide: Callable[[dict[str, Any]], None]) -> bytes:
    """An event without what only we asked for; as it came where it has none of that."""
    if b"logprobs" not in raw:
        return raw
    event = SseEvent(raw)
    told = read_object(event.data or b"")
    hide(told)
    named = b"event: " + event.name + b"\n" if event.name else b""
    return named + b"data: " + encode_json(told) + b"\n\n"


def _is_callers(event: SseEvent, mark: Mark) -> bool:
    return Mark.USAGE_ONLY not in mark and not event.is_junk


class Translation:
    """Two dialects: each event decoded into deltas, and these encoded for the caller."""

    verbatim: ClassVar[bool] = False

    def __init__(
        self, decoder: StreamDecoder, encoder: StreamEncoder, *, hides: bool = False, tail: TailFilter | None = None
    ) -> None:
        self._decoder = decoder
        self._encoder = encoder
        self._hides = hides
        self._tail = tail

    def convert(self, batch: Batch) -> bytes:
        """See `Conversion.convert`."""
        encode = self._encoder.encode
        deltas = [delta for event, _ in batch for delta in self._decoder.decode(event)]
        if self._tail is not None:
            deltas = [seen for delta in deltas for seen in self._tail.feed(delta)]
        if self._hides:
            deltas = [TextDelta(delta.text) if isinstance(delta, TextDelta) else delta for delta in deltas]
        return b"".join([encode(delta) for delta in deltas])

    def end(self) -> bytes:
        """See `Conversion.end`."""
        return self._encoder.encode(Ended())


def conversion(work: Work, endpoint: Endpoint, *, hides: bool = False, tails: bool = False) -> Conversion:
    """What stands between this provider and this caller; `hides` takes log-probabilities out, `tails` the tail."""
    if endpoint.dialect.name is work.dialect.name and not tails:
        return Relay(work.dialect.stream_end, work.dialect.hide_logprobs if hides else None)
    model = endpoint.target.model or work.request.route
    encoder = work.dialect.encoder(work.request.body, model)
    return Translation(endpoint.dialect.decoder(), encoder, hides=hides, tail=TailFilter() if tails else None)
