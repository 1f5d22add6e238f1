from __future__ import annotations

import pytest

from turnout.wire.plain import PlainEvent

BARE = b'data: {"choices":[{"delta":{"content":"abc"}}]}\n\n'
PADDED = b'data: {"choices":[{"delta":{"content":"abc"}}],"obfuscation":"xy"}\n\n'


@pytest.mark.parametrize("raw", [BARE, PADDED])
def test_only_the_text_may_differ(raw: bytes) -> None:
    plain = PlainEvent.learn(raw)
    assert plain is not None
    assert plain.chars(raw.replace(b"abc", b"a longer text")) == len("a longer text")
    assert plain.chars(raw.replace(b"abc", b"")) == 0
    for other in (raw + b"\n", raw[:-1], raw.replace(b"}\n", b",1}\n"), raw.replace(b"delta", b"Delta"), b"", b"data:"):
        assert plain.chars(other) == 0


def test_padding_may_differ_and_must_be_padding() -> None:
    plain = PlainEvent.learn(PADDED)
    assert plain is not None
    assert plain.chars(PADDED.replace(b"xy", b"")) == 3
    assert plain.chars(PADDED.replace(b"xy", b'x","error":{"a":"')) == 0
    assert plain.chars(PADDED.replace(b"xy", b"\\")) == 0


@pytest.mark.parametrize(
    "raw",
    [
        b'data: {"content":"a","text":"b"}\n\n',
        b'data: {"content":""}\n\n',
        b'data: {"words":"a"}\n\n',
    ],
)
def test_nothing_is_learned_where_the_text_cannot_be_located(raw: bytes) -> None:
    assert PlainEvent.learn(raw) is None


def test_characters_are_counted_not_bytes() -> None:
    plain = PlainEvent.learn(BARE)
    assert plain is not None
    assert plain.chars(BARE.replace(b"abc", '\\u00e9\\n\\"é🚂'.encode())) == 5
