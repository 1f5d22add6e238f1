"""One dialect on both sides: what turnout does not need to touch, it does not touch."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from turnout.errors import InvalidRequest
from turnout.types.dialect import DialectName
from turnout.wire.registry import DIALECTS, dialect

OPENAI, ANTHROPIC = dialect(DialectName.OPENAI_CHAT), dialect(DialectName.ANTHROPIC_MESSAGES)
ODD = (
    b'{"model" : "route",  "messages":[ {"role":"user","content":"\\u0041\\ud83d\\ude00", "content":"twice"} ],\n'
    b'"seed":123456789012345678901234567890, "x":{"b":1e2,"a":[1.0, -0,1E400]},"unknown":null}'
)
PIECES = [
    b'[ {"role":"user","content":"\\u0041\\ud83d\\ude00", "content":"twice"} ]',
    b"123456789012345678901234567890",
    b'{"b":1e2,"a":[1.0, -0,1E400]}',
]


@pytest.mark.parametrize("name", DIALECTS)
def test_nothing_to_change_gives_the_same_bytes(name: DialectName) -> None:
    assert dialect(name).prepare(ODD, None, stream=False, ask_usage=True) is ODD


@pytest.mark.parametrize("name", DIALECTS)
def test_every_other_field_stays_byte_for_byte(name: DialectName) -> None:
    prepared = dialect(name).prepare(ODD, "gpt-4o", stream=True, ask_usage=True)
    assert all(piece in prepared for piece in PIECES)
    told = json.loads(prepared)
    assert (told["model"], told["stream"], told["unknown"]) == ("gpt-4o", True, None)
    assert list(told)[:5] == ["model", "messages", "seed", "x", "unknown"]


@pytest.mark.parametrize(
    ("options", "expected"),
    [
        ("", {"include_usage": True}),
        (',"stream_options":null', {"include_usage": True}),
        (',"stream_options":{}', {"include_usage": True}),
        (
            ',"stream_options":{"include_obfuscation":false}',
            {"include_obfuscation": False, "include_usage": True},
        ),
        (',"stream_options":{"include_usage":false}', {"include_usage": True}),
        (',"stream_options":{"include_usage":true,"x":1}', {"include_usage": True, "x": 1}),
        (',"stream_options":7', 7),
    ],
)
def test_usage_is_asked_for_beside_what_the_caller_asks(options: str, expected: object) -> None:
    raw = f'{{"model":"m","stream":true{options}}}'.encode()
    assert json.loads(OPENAI.prepare(raw, None, stream=True, ask_usage=True))["stream_options"] == expected


def test_a_provider_that_does_not_know_the_option_is_not_asked() -> None:
    raw = b'{"model":"m","stream":true}'
    assert OPENAI.prepare(raw, None, stream=True, ask_usage=False) == raw
    assert ANTHROPIC.prepare(raw, None, stream=True, ask_usage=True) == raw


def test_a_stream_turned_into_a_whole_answer_loses_the_options_of_streams() -> None:
    raw = b'{"model":"m","stream":true,"stream_options":{"include_usage":true}}'
    assert json.loads(OPENAI.prepare(raw, None, stream=False, ask_usage=True)) == {"model": "m", "stream": False}


@pytest.mark.parametrize("name", DIALECTS)
@pytest.mark.parametrize("raw", [b"", b"[]", b"{", b'"x"', b"\xff", b"[" * 5000])
def test_a_body_that_is_no_object_is_refused(name: DialectName, raw: bytes) -> None:
    with pytest.raises(InvalidRequest):
        dialect(name).prepare(raw, "m", stream=False, ask_usage=False)


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
)


@pytest.mark.parametrize("name", DIALECTS)
@given(body=st.dictionaries(st.text(max_size=8), JSON, max_size=5), stream=st.booleans())
def test_only_model_and_stream_ever_change(name: DialectName, body: dict[str, object], stream: bool) -> None:
    raw = json.dumps(body).encode()
    told = json.loads(dialect(name).prepare(raw, "target", stream=stream, ask_usage=False))
    assert told.pop("model") == "target"
    if stream or "stream" in told:
        assert (told.pop("stream") is True) == stream
    body = {field: value for field, value in body.items() if field not in ("model", "stream")}
    assert told == body
