from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.wire.following import anthropic_event as event
from tests.wire.following import events, marks
from turnout.types.chat import Finish
from turnout.types.failure import FailureKind
from turnout.types.stream import Mark
from turnout.types.usage import Usage
from turnout.wire.anthropic_messages.reader import Reader

NONE, TOKEN, FINISH, END, ERROR = Mark.NONE, Mark.TOKEN, Mark.FINISH, Mark.END, Mark.ERROR
START = event(
    "message_start",
    message={
        "id": "msg_1",
        "type": "message",
        "role": "assistant",
        "model": "claude-3-5-haiku-20241022",
        "content": [],
        "stop_reason": None,
        "stop_sequence": None,
        "usage": {"input_tokens": 10, "cache_read_input_tokens": 5, "output_tokens": 1},
    },
)
PING = event("ping")
TEXT_BLOCK = event("content_block_start", index=0, content_block={"type": "text", "text": ""})
BLOCK_STOP = event("content_block_stop", index=0)
STOP = event("message_delta", delta={"stop_reason": "end_turn", "stop_sequence": None}, usage={"output_tokens": 12})
END_EVENT = event("message_stop")


def text(piece: str) -> bytes:
    return event("content_block_delta", index=0, delta={"type": "text_delta", "text": piece})


def reader() -> Reader:
    return Reader(usage_requested=True)


def test_a_whole_answer_is_followed() -> None:
    follow = reader()
    stream = [START, PING, TEXT_BLOCK, text("Hello"), text(" world"), BLOCK_STOP, STOP, END_EVENT]
    assert marks(follow, *stream) == [NONE, NONE, NONE, TOKEN, TOKEN, NONE, FINISH, END]
    assert (follow.finish, follow.ended, follow.failure) == (Finish.STOP, True, None)
    assert follow.usage == Usage(input_tokens=15, cached_tokens=5, output_tokens=12)
    assert follow.model == "claude-3-5-haiku-20241022"
    assert follow.output_chars == len("Hello world")


def test_a_later_count_replaces_an_earlier_one_and_null_replaces_nothing() -> None:
    follow = reader()
    usage = {"input_tokens": 20, "cache_read_input_tokens": None, "output_tokens": 3}
    marks(follow, START, event("message_delta", delta={}, usage=usage))
    assert follow.usage == Usage(input_tokens=25, cached_tokens=5, output_tokens=3)


@pytest.mark.parametrize(
    "block",
    [
        {"type": "tool_use", "id": "toolu_1", "name": "f", "input": {}},
        {"type": "redacted_thinking", "data": "xyz"},
        {"type": "text", "text": "at once"},
        {"type": "server_tool_use", "id": "srvtoolu_1", "name": "web_search", "input": {}},
    ],
)
def test_a_block_that_says_something_commits(block: dict) -> None:
    assert marks(reader(), START, event("content_block_start", index=0, content_block=block)) == [NONE, TOKEN]


@pytest.mark.parametrize(
    ("delta", "mark"),
    [
        ({"type": "text_delta", "text": ""}, NONE),
        ({"type": "thinking_delta", "thinking": "hm"}, TOKEN),
        ({"type": "signature_delta", "signature": "abc"}, TOKEN),
        ({"type": "input_json_delta", "partial_json": ""}, NONE),
        ({"type": "input_json_delta", "partial_json": "{"}, TOKEN),
        ({"type": "citations_delta", "citation": {"type": "char_location"}}, TOKEN),
    ],
)
def test_a_delta_commits_if_it_brings_something(delta: dict, mark: Mark) -> None:
    assert marks(reader(), event("content_block_delta", index=0, delta=delta)) == [mark]


def test_an_empty_thinking_block_does_not_commit() -> None:
    block = {"type": "thinking", "thinking": "", "signature": ""}
    assert marks(reader(), event("content_block_start", index=0, content_block=block)) == [NONE]


@pytest.mark.parametrize("before", [b"", START + PING, START + TEXT_BLOCK + text("a") * 5])
@pytest.mark.parametrize(
    ("kind", "expected"),
    [
        ("overloaded_error", FailureKind.OVERLOADED),
        ("rate_limit_error", FailureKind.RATE_LIMITED),
        ("api_error", FailureKind.ERROR_EVENT),
        ("invalid_request_error", FailureKind.BAD_REQUEST),
    ],
)
def test_an_error_event_is_a_failure(before: bytes, kind: str, expected: FailureKind) -> None:
    follow = reader()
    assert marks(follow, before, event("error", error={"type": kind, "message": "no"}))[-1] is ERROR
    assert follow.failure is not None
    assert (follow.failure.kind, follow.failure.code, follow.failure.message) == (expected, kind, "no")
    assert marks(follow, text("x")) == [NONE]


def test_an_error_that_only_its_type_tells_is_one() -> None:
    follow = reader()
    assert marks(follow, b'data: {"type":"error","message":"no"}\n\n') == [ERROR]
    assert follow.failure is not None
    assert follow.failure.message == "no"


def test_a_stop_without_a_reason_is_no_finish() -> None:
    follow = reader()
    assert marks(follow, START, TEXT_BLOCK, text("x"), BLOCK_STOP, END_EVENT)[-1] is END
    assert follow.finish is None


def test_an_event_of_an_unknown_kind_is_passed_over() -> None:
    assert marks(reader(), event("compaction", detail={"a": 1})) == [NONE]


@pytest.mark.parametrize(
    "broken",
    [
        b'event: content_block_delta\ndata: {"type":\n\n',
        event("content_block_delta", index=0, delta="x"),
        event("content_block_delta", index=0, delta={"type": "text_delta", "text": 7}),
        event("message_start", message=None),
        event("message_start", message={"usage": [1]}),
        event("content_block_start", index=0),
        event("message_delta", delta={"stop_reason": 1}),
        text("\x00").replace(b"\\u0000", b"\xff"),
    ],
)
@pytest.mark.parametrize("before", [b"", text("x")])
def test_what_is_not_of_the_dialect_is_malformed(broken: bytes, before: bytes) -> None:
    follow = reader()
    assert marks(follow, before, broken)[-1] is ERROR
    assert follow.failure is not None
    assert follow.failure.kind is FailureKind.MALFORMED


def delta(kind: str, field: str) -> Any:
    values = st.text(max_size=6) | st.sampled_from(['","text":"', '"}}', "\\", "é🚂"])
    return st.builds(
        lambda index, value: event("content_block_delta", index=index, delta={"type": kind, field: value}),
        st.integers(0, 1),
        values,
    )


stream_events = st.one_of(
    delta("text_delta", "text"),
    delta("thinking_delta", "thinking"),
    delta("input_json_delta", "partial_json"),
    st.sampled_from([START, PING, TEXT_BLOCK, BLOCK_STOP, STOP, event("error", error={"type": "api_error"})]),
)


@given(st.lists(stream_events, max_size=15))
def test_reading_only_what_may_matter_is_reading_everything(stream: list[bytes]) -> None:
    shrewd, thorough = reader(), reader()
    for one in events(b"".join(stream)):
        thorough._plain = None
        assert shrewd.read(one) is thorough.read(one)
        for fact in ("usage", "finish", "model", "failure", "ended", "output_chars"):
            assert getattr(shrewd, fact) == getattr(thorough, fact)


def test_the_short_cut_is_taken() -> None:
    follow = reader()
    marks(follow, START, TEXT_BLOCK, text("x"))
    plain = follow._plain
    assert plain is not None
    marks(follow, text("y"), text("\n"), text("é"), text('"'))
    assert follow._plain is plain
