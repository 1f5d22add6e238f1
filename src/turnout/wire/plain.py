"""Telling an event that only carries more text from every other, without reading it."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Self

from turnout.wire.event_json import decode_json, expect, read_json

# The characters of a JSON string up to its end, or up to what may not stand in one.
_STRING = re.compile(rb'[^"\\\x00-\x1f]*(?:\\.[^"\\\x00-\x1f]*)*')
_TEXT = re.compile(
    rb'"(?:content|reasoning_content|reasoning|refusal|arguments|text|thinking|partial_json)"\s*:\s*"(?!")('
    + _STRING.pattern
    + rb')"'
)
# OpenAI pads each event to hide the length of its text.
_PADDING = re.compile(rb'"obfuscation"\s*:\s*"([ !#-\[\]-~]*)"')
_PADDING_STRING = re.compile(rb"[ !#-\[\]-~]*")


class PlainEvent:
    """The bytes around the text of an event that was read in full and found to carry text and nothing else.

    A server writes the same bytes around every piece of a text. An event that differs from the learned one only in
    what stands inside its text's quotes is therefore as valid, and as plain; one that differs in anything else
    (a finish reason, usage, an error, another time) is not recognised and has to be read.
    """

    __slots__ = ("_end", "_head", "_start", "_tail")

    def __init__(self, head: bytes, tail: bytes, end: bytes | None) -> None:
        self._head = head
        self._start = len(head)
        self._tail = tail
        self._end = end

    @classmethod
    def learn(cls, raw: bytes) -> Self | None:
        """Learn from an event that is known to be plain; None where its text cannot be located for certain."""
        texts = list(_TEXT.finditer(raw))
        if len(texts) != 1:
            return None
        start, end = texts[0].span(1)
        padding = _PADDING.search(raw, end)
        if padding is None:
            return cls(raw[:start], raw[end:], None)
        return cls(raw[:start], raw[end : padding.start(1)], raw[padding.end(1) :])

    def chars(self, raw: bytes) -> int:
        """How many characters of text the event carries; 0 if it is not known to be plain."""
        text = self.text(raw)
        if not text:
            return 0
        return len(text) if text.isascii() and b"\\" not in text else _decoded_chars(text)

    def text(self, raw: bytes) -> bytes | None:
        """The text that the event carries, as it stands between its quotes; None if it is not known to be plain."""
        if not raw.startswith(self._head):
            return None
        found = _STRING.match(raw, self._start)
        stop = found.end() if found else 0
        if not raw.startswith(self._tail, stop):
            return None
        if self._end is None:
            if stop + len(self._tail) != len(raw):
                return None
        else:
            padding = _PADDING_STRING.match(raw, stop + len(self._tail))
            if padding is None or raw[padding.end() :] != self._end:
                return None
        return raw[self._start : stop]


class TextRun:
    """The text of events in a row that carry more of the same text and nothing else, to be read once, at its end."""

    __slots__ = ("_grow", "_pieces", "_plain")

    def __init__(self) -> None:
        self._plain: PlainEvent | None = None
        self._pieces: list[bytes] = []
        self._grow: Callable[[str], None] | None = None

    def begin(self, raw: bytes, grow: Callable[[str], None]) -> None:
        """An event was read and found to carry text and nothing else; `grow` will be given what follows it."""
        self._plain = PlainEvent.learn(raw)
        self._grow = grow

    def takes(self, raw: bytes) -> bool:
        """Whether the event is one more of the row; if so nothing else need be done with it."""
        text = self._plain.text(raw) if self._plain is not None else None
        if text is None:
            return False
        self._pieces.append(text)
        return True

    def end(self) -> None:
        """Hand over the text. Raises `ValueError` where it is no JSON string."""
        self._plain = None
        if self._pieces and self._grow is not None:
            pieces = b"".join(self._pieces)
            self._pieces.clear()
            self._grow(expect(str, read_json(b'"' + pieces + b'"'), "a text"))


def _decoded_chars(text: bytes) -> int:
    try:
        return len(decode_json(b'"' + text + b'"'))
    except ValueError:
        return 0
