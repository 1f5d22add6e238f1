"""What a provider does on the wire, as a list of steps: a fault edits the list, and playing it is all the I/O."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass, field
from enum import Flag, auto
from http import HTTPStatus

import msgspec


class Mark(Flag):
    """What a piece of the body is to its reader."""

    NONE = 0
    OPENING = auto()
    """The role chunk, `message_start` or `response.created`: says nothing yet."""
    FINISH = auto()
    """Carries the provider's own finish signal."""
    DONE = auto()
    """The last event: `[DONE]`, `message_stop` or `response.completed`; Gemini has none."""


class Send(msgspec.Struct, frozen=True, gc=False):
    """Write `data`, which carries `tokens` tokens of the answer."""

    data: bytes
    tokens: int = 0
    mark: Mark = Mark.NONE


class Pause(msgspec.Struct, frozen=True, gc=False):
    """Stay silent for `seconds` (infinity: until the client leaves)."""

    seconds: float


class Reset(msgspec.Struct, frozen=True, gc=False):
    """End the connection with a TCP reset."""


class Close(msgspec.Struct, frozen=True, gc=False):
    """End the connection here, in order, whatever was promised."""


class HalfClose(msgspec.Struct, frozen=True, gc=False):
    """Close the sending side only, and keep listening until the client leaves."""


Step = Send | Pause | Reset | Close | HalfClose
FOREVER = math.inf


@dataclass(slots=True)
class Script:
    """One response: its head, and the steps of its body.

    Attributes:
        status: HTTP status.
        headers: those of the response, framing apart.
        body: what is sent after the head, in order; `data` is unframed.
        streamed: server-sent events, and so chunked, rather than one document with its length.
        billed: the provider would bill the prompt, and each token that it sends.
        before: steps that come before the head.
        header_pause_s: None, or the silence after each byte of the head.
        length_error: None, or what to add to the true `content-length`.
        both_framings: announce a `content-length` and chunks at once.
        keep_alive: the connection may serve another request afterwards.
    """

    status: int = 200
    headers: dict[str, str] = field(default_factory=dict)
    body: list[Step] = field(default_factory=list)
    streamed: bool = False
    billed: bool = False
    before: list[Step] = field(default_factory=list)
    header_pause_s: float | None = None
    length_error: int | None = None
    both_framings: bool = False
    keep_alive: bool = True

    @classmethod
    def document(cls, body: bytes, status: int = 200, content_type: str = "application/json") -> Script:
        """A response of one piece."""
        return cls(status, {"content-type": content_type}, [Send(body)])

    def replace_by(self, other: Script) -> None:
        """Say `other` instead, keeping the identity headers of this response."""
        self.headers |= other.headers
        self.status, self.body, self.streamed, self.billed = other.status, other.body, other.streamed, False

    def after(self, tokens: int) -> int:
        """Where in `body` that many tokens have been sent: 0 is after the opening event, below 0 before everything."""
        if tokens < 0:
            return 0
        sent = 0
        place = next((index + 1 for index, step in enumerate(self.body) if _is_opening(step)), 0)
        for index, step in enumerate(self.body):
            if sent >= tokens:
                break
            if isinstance(step, Send) and step.tokens:
                sent += step.tokens
                place = index + 1
        return place

    def is_token(self, index: int) -> bool:
        """Whether the step at `index` of `body` carries tokens."""
        step = self.body[index]
        return isinstance(step, Send) and step.tokens > 0

    def play(self, *, chunks: bool = True) -> Iterator[Step]:
        """The steps on the wire, framing included; `chunks` is False for a client of HTTP/1.0."""
        chunked = chunks and self.length_error is None and (self.streamed or self.both_framings)
        yield from self.before
        yield from self._head(chunked=chunked, bare=self.streamed and not chunks)
        for step in self.body:
            yield _chunk(step) if chunked and isinstance(step, Send) else step
        if chunked:
            yield Send(b"0\r\n\r\n")

    def _head(self, *, chunked: bool, bare: bool) -> Iterator[Step]:
        lines = [f"HTTP/1.1 {self.status} {_reason(self.status)}"]
        lines += [f"{name}: {value}" for name, value in self.headers.items()]
        if chunked:
            lines.append("transfer-encoding: chunked")
        if not bare and (not chunked or self.both_framings):
            length = sum(len(step.data) for step in self.body if isinstance(step, Send))
            lines.append(f"content-length: {length + (self.length_error or 0)}")
        head = "\r\n".join([*lines, "", ""]).encode("latin-1")
        if self.header_pause_s is None:
            yield Send(head)
            return
        for byte in head:
            yield Send(bytes([byte]))
            yield Pause(self.header_pause_s)


def _is_opening(step: Step) -> bool:
    return isinstance(step, Send) and Mark.OPENING in step.mark


def _chunk(step: Send) -> Send:
    if not step.data:
        return step  # an empty chunk would end the body
    return Send(b"%x\r\n%b\r\n" % (len(step.data), step.data), step.tokens, step.mark)


def _reason(status: int) -> str:
    try:
        return HTTPStatus(status).phrase
    except ValueError:
        return "Overloaded" if status == 529 else "Unknown"
