from __future__ import annotations

from typing import Any

import pytest

from tests.wire.following import anthropic_event as event
from tests.wire.following import assembled
from turnout.wire.anthropic_messages.assembler import Assembler

MESSAGE: dict[str, Any] = {
    "id": "msg_1",
    "type": "message",
    "role": "assistant",
    "model": "claude-3-5-haiku-20241022",
    "content": [],
    "stop_reason": None,
    "stop_sequence": None,
    "usage": {"input_tokens": 10, "cache_read_input_tokens": 5, "output_tokens": 1, "service_tier": "standard"},
}
START = event("message_start", message=MESSAGE)
STOP = event("message_delta", delta={"stop_reason": "end_turn", "stop_sequence": None}, usage={"output_tokens": 9})
END = event("message_stop")


def body(*stream: bytes) -> dict[str, Any]:
    return assembled(Assembler(), *stream)


def block(index: int, content: dict[str, Any], *deltas: dict[str, Any]) -> bytes:
    start = event("content_block_start", index=index, content_block=content)
    pieces = [event("content_block_delta", index=index, delta=delta) for delta in deltas]
    return b"".join([start, *pieces, event("content_block_stop", index=index)])


def test_a_stream_becomes_the_unary_answer() -> None:
    stream = [
        START,
        event("ping"),
        block(
            0,
            {"type": "thinking", "thinking": "", "signature": ""},
            {"type": "thinking_delta", "thinking": "h"},
            {"type": "thinking_delta", "thinking": "m"},
            {"type": "signature_delta", "signature": "s=="},
        ),
        block(1, {"type": "redacted_thinking", "data": "r=="}),
        block(
            2,
            {"type": "text", "text": ""},
            {"type": "text_delta", "text": "Hello"},
            {"type": "text_delta", "text": " world"},
            {"type": "citations_delta", "citation": {"n": 1}},
            {"type": "citations_delta", "citation": {"n": 2}},
        ),
        block(
            3,
            {"type": "tool_use", "id": "t", "name": "f", "input": {}},
            {"type": "input_json_delta", "partial_json": ""},
            {"type": "input_json_delta", "partial_json": '{"a":'},
            {"type": "input_json_delta", "partial_json": "[1]}"},
        ),
        block(4, {"type": "tool_use", "id": "u", "name": "g", "input": {}}),
        event(
            "message_delta",
            delta={"stop_reason": "tool_use", "stop_sequence": None, "container": {"id": "c"}},
            usage={"output_tokens": 9, "input_tokens": None},
            context_management={"applied_edits": []},
        ),
        END,
    ]
    assert body(*stream) == MESSAGE | {
        "content": [
            {"type": "thinking", "thinking": "hm", "signature": "s=="},
            {"type": "redacted_thinking", "data": "r=="},
            {"type": "text", "text": "Hello world", "citations": [{"n": 1}, {"n": 2}]},
            {"type": "tool_use", "id": "t", "name": "f", "input": {"a": [1]}},
            {"type": "tool_use", "id": "u", "name": "g", "input": {}},
        ],
        "stop_reason": "tool_use",
        "container": {"id": "c"},
        "context_management": {"applied_edits": []},
        "usage": MESSAGE["usage"] | {"output_tokens": 9},
    }


def test_a_delta_that_nobody_knows_is_merged() -> None:
    told = body(START, block(0, {"type": "new", "a": "x"}, {"type": "new_delta", "a": "y", "b": 1}), STOP, END)
    assert told["content"] == [{"type": "new", "a": "xy", "b": 1}]


TEXT = {"type": "text", "text": "x"}
TOOL = {"type": "tool_use", "id": "t", "name": "f", "input": {}}


@pytest.mark.parametrize(
    "stream",
    [
        [],
        [START],
        [START, block(0, TEXT)],
        [START, block(0, TEXT), END],
        [STOP],
        [START, event("content_block_start", index=0, content_block=TEXT), STOP, END],
        [START, event("content_block_delta", index=0, delta={"type": "text_delta", "text": "x"}), STOP, END],
        [START, block(0, TOOL, {"type": "input_json_delta", "partial_json": '{"a": tru'}), STOP, END],
        [START, block(0, TOOL, {"type": "input_json_delta", "partial_json": "[1]"}), STOP, END],
        [START, block(0, TEXT), STOP, event("error", error={"type": "overloaded_error", "message": "x"})],
        [START, b"event: message_delta\ndata: {\n\n"],
    ],
)
def test_a_stream_that_is_not_a_whole_answer_never_becomes_one(stream: list[bytes]) -> None:
    with pytest.raises(ValueError):  # noqa: PT011 - any wording; that none becomes an answer is what matters
        body(*stream)
