from __future__ import annotations

from typing import Any

import pytest

from tests.wire.following import anthropic_event as event
from tests.wire.following import events, marks
from turnout.types.chat import Finish
from turnout.types.failure import FailureKind
from turnout.types.stream import Mark
from turnout.types.usage import Usage
from turnout.wire.openai_responses.reader import Reader

RESPONSE: dict[str, Any] = {
    "id": "resp_1",
    "object": "response",
    "status": "in_progress",
    "model": "gpt-5",
    "output": [],
}
CREATED = event("response.created", sequence_number=0, response=RESPONSE)
PROGRESS = event("response.in_progress", sequence_number=1, response=RESPONSE)
USAGE = {
    "input_tokens": 9,
    "input_tokens_details": {"cached_tokens": 4, "cache_write_tokens": 1},
    "output_tokens": 5,
    "output_tokens_details": {"reasoning_tokens": 2},
    "total_tokens": 14,
}


def text(delta: str, number: int = 4, **fields: Any) -> bytes:
    place = {"item_id": "msg_1", "output_index": 0, "content_index": 0}
    return event("response.output_text.delta", sequence_number=number, **place, delta=delta, logprobs=[], **fields)


def added(item: dict[str, Any], index: int = 0) -> bytes:
    return event("response.output_item.added", sequence_number=2, output_index=index, item=item)


def ended(status: str = "completed", **fields: Any) -> bytes:
    response = RESPONSE | {"status": status, "usage": USAGE} | fields
    return event(f"response.{status}", sequence_number=9, response=response)


def test_preamble_text_and_end_of_a_healthy_stream() -> None:
    reader = Reader()
    part = event("response.content_part.added", sequence_number=3, part={"type": "output_text", "text": ""})
    done = event("response.output_text.done", sequence_number=8, text="Hi you")
    stream = [
        CREATED,
        PROGRESS,
        added({"type": "message", "id": "msg_1"}),
        part,
        text("Hi"),
        text(" you", 5),
        done,
        ended(),
    ]
    assert marks(reader, *stream) == [
        Mark.NONE,
        Mark.NONE,
        Mark.NONE,
        Mark.NONE,
        Mark.TOKEN,
        Mark.TOKEN,
        Mark.NONE,
        Mark.FINISH | Mark.END,
    ]
    assert (reader.model, reader.finish, reader.ended, reader.failure) == ("gpt-5", Finish.STOP, True, None)
    assert reader.usage == Usage(9, 4, 1, 5, 2)
    assert reader.output_chars == len("Hi you")


@pytest.mark.parametrize(
    ("kind", "delta"),
    [
        ("response.refusal.delta", "No"),
        ("response.function_call_arguments.delta", '{"a"'),
        ("response.reasoning_summary_text.delta", "Hm"),
        ("response.reasoning_text.delta", "Hm"),
        ("response.custom_tool_call_input.delta", "ls"),
        ("response.code_interpreter_call_code.delta", "1+1"),
    ],
)
def test_every_delta_commits_unless_it_is_empty(kind: str, delta: str) -> None:
    reader = Reader()
    assert marks(reader, CREATED, event(kind, delta=""), event(kind, delta=delta))[1:] == [Mark.NONE, Mark.TOKEN]
    assert reader.output_chars == len(delta)


def test_an_empty_text_and_an_item_that_begins_say_nothing_yet() -> None:
    reader = Reader()
    call = {"type": "function_call", "call_id": "c", "name": "weather", "arguments": ""}
    assert marks(reader, CREATED, text(""), added(call)) == [Mark.NONE] * 3
    assert reader.output_chars == len("weather")
    assert marks(reader, event("response.output_item.done", output_index=0, item=call), ended())[0] is Mark.TOKEN
    assert reader.finish is Finish.TOOL_CALLS


@pytest.mark.parametrize(
    ("reason", "finish"),
    [
        ("max_output_tokens", Finish.LENGTH),
        ("content_filter", Finish.CONTENT_FILTER),
        ("steered", Finish.OTHER),
        (None, Finish.OTHER),
    ],
)
def test_an_incomplete_response_is_an_end_too(reason: str | None, finish: Finish) -> None:
    reader = Reader()
    marks(reader, CREATED, text("Hi"), ended("incomplete", incomplete_details={"reason": reason}))
    assert (reader.finish, reader.ended) == (finish, True)


def failed(error: Any) -> bytes:
    return event("response.failed", sequence_number=5, response=RESPONSE | {"status": "failed", "error": error})


@pytest.mark.parametrize(
    ("raw", "kind"),
    [
        (failed({"code": "server_error", "message": "no"}), FailureKind.ERROR_EVENT),
        (failed({"code": "rate_limit_exceeded", "message": "no"}), FailureKind.RATE_LIMITED),
        (failed({"code": "invalid_prompt", "message": "no"}), FailureKind.CONTENT_POLICY),
        (failed(None), FailureKind.ERROR_EVENT),
        (event("error", code="context_length_exceeded", message="no", param=None), FailureKind.CONTEXT_LENGTH),
        (event("error", error={"type": "server_error", "code": None, "message": "no"}), FailureKind.ERROR_EVENT),
        (b'data: {"error": {"message": "no", "code": 503}}\n\n', FailureKind.OVERLOADED),
        (event("response.completed", response=7), FailureKind.MALFORMED),
        (event("response.completed", response=RESPONSE | {"status": "failed"}), FailureKind.MALFORMED),
        (b"event: response.output_text.delta\ndata: {broken\n\n", FailureKind.MALFORMED),
        (b'data: {"no": "type"}\n\n', FailureKind.MALFORMED),
    ],
)
def test_a_failure_is_never_an_end(raw: bytes, kind: FailureKind) -> None:
    reader = Reader()
    assert marks(reader, CREATED, text("Hi"), raw, text("more"), ended())[2:] == [Mark.ERROR, Mark.NONE, Mark.NONE]
    assert reader.failure is not None
    assert reader.failure.kind is kind
    assert (reader.finish, reader.ended) == (None, False)


def test_a_text_that_brings_an_error_is_an_error() -> None:
    reader = Reader()
    assert marks(reader, CREATED, text("Hi", error={"message": "no"}))[1] is Mark.ERROR


def test_a_text_is_the_same_whichever_way_it_is_read() -> None:
    quick, slow = Reader(), Reader()
    raw = text('café 🚂 \\ " \n')
    plain = raw.replace(b"event: response.output_text.delta\n", b"")
    assert marks(quick, raw) == marks(slow, plain) == [Mark.TOKEN]
    assert quick.output_chars == slow.output_chars > 0


@pytest.mark.parametrize("bad", [b"\xff", b"\xed\xa0\x80"])
def test_bytes_that_are_no_text_are_no_event(bad: bytes) -> None:
    for place in (b'"Hi"', b'"msg_1"'):
        reader = Reader()
        assert marks(reader, text("Hi").replace(place, b'"' + bad + b'"')) == [Mark.ERROR]


def test_an_event_of_a_kind_unknown_here_is_passed_over() -> None:
    reader = Reader()
    assert marks(reader, CREATED, event("response.something.new", x=1), b"event: ping\ndata: \n\n") == [Mark.NONE] * 3
    assert reader.failure is None


def test_a_done_without_an_end_is_a_truncated_stream() -> None:
    reader = Reader()
    assert marks(reader, CREATED, text("Hi"), b"data: [DONE]\n\n")[-1] is Mark.END
    assert reader.finish is None


def test_the_bytes_of_an_event_are_not_changed() -> None:
    (only,) = events(text("Hi"))
    Reader().read(only)
    assert only.raw == text("Hi")
