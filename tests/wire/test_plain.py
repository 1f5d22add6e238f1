from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from turnout.wire.anthropic_messages.assembler import Assembler as AnthropicAssembler
from turnout.wire.openai_chat.assembler import Assembler as OpenAIAssembler
from turnout.wire.plain import PlainEvent
from turnout.wire.sse import SseEvent

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


texts = st.lists(st.text(max_size=8), min_size=1, max_size=12)


@given(texts, st.booleans(), st.sets(st.integers(0, 12)))
def test_a_chat_completions_text_is_whole_however_its_events_are_read(
    pieces: list[str], ascii_only: bool, with_logprobs: set[int]
) -> None:
    assembler = OpenAIAssembler()
    for place, piece in enumerate(pieces):
        choice: dict = {"index": 0, "delta": {"content": piece}, "finish_reason": None}
        if place in with_logprobs:
            choice["logprobs"] = {"content": [{"token": piece, "logprob": -0.1}]}
        assembler.add(_event({"id": "c", "choices": [choice]}, ascii_only=ascii_only))
    assembler.add(_event({"id": "c", "choices": [{"index": 0, "delta": {}, "finish_reason": "stop"}]}))
    choice = assembler.body()["choices"][0]
    assert choice["message"]["content"] == "".join(pieces)
    told = [entry["token"] for entry in (choice.get("logprobs") or {"content": []})["content"]]
    assert told == [piece for place, piece in enumerate(pieces) if place in with_logprobs]


@given(texts, texts, st.booleans())
def test_a_messages_blocks_each_get_their_own_text(first: list[str], second: list[str], ascii_only: bool) -> None:
    assembler = AnthropicAssembler()
    assembler.add(_event({"type": "message_start", "message": {"usage": {}}}))
    for index, pieces in enumerate((first, second)):
        start = {"type": "content_block_start", "index": index, "content_block": {"type": "text", "text": ""}}
        assembler.add(_event(start))
        for piece in pieces:
            delta = {"type": "text_delta", "text": piece}
            told = {"type": "content_block_delta", "index": index, "delta": delta}
            assembler.add(_event(told, ascii_only=ascii_only))
        assembler.add(_event({"type": "content_block_stop", "index": index}))
    assembler.add(_event({"type": "message_delta", "delta": {"stop_reason": "end_turn"}}))
    assert [block["text"] for block in assembler.body()["content"]] == ["".join(first), "".join(second)]


def test_two_choices_in_turn_do_not_share_their_text() -> None:
    assembler = OpenAIAssembler()
    for index, piece in ((0, "a"), (1, "b"), (0, "c"), (0, "d"), (1, "e"), (1, "f")):
        assembler.add(_event({"choices": [{"index": index, "delta": {"content": piece}}]}))
    for index in (0, 1):
        assembler.add(_event({"choices": [{"index": index, "delta": {}, "finish_reason": "stop"}]}))
    assert [choice["message"]["content"] for choice in assembler.body()["choices"]] == ["acd", "bef"]


def _event(body: dict, *, ascii_only: bool = True) -> SseEvent:
    return SseEvent(b"data: " + json.dumps(body, ensure_ascii=ascii_only).encode() + b"\n\n")
