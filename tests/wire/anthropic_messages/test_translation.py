from __future__ import annotations

import json
from typing import Any

import pytest
from anthropic import APIStatusError
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.wire.following import anthropic_event as event
from tests.wire.following import assembled, decoded, encoded, events, folded
from tests.wire.sdks import through_anthropic
from tests.wire.translating import answers, told
from turnout.types.chat import Answer, Finish, ToolCall
from turnout.types.stream import (
    Delta,
    Ended,
    Finished,
    RefusalDelta,
    Started,
    TextDelta,
    ThinkingDelta,
    ToolCallDelta,
    ToolCallStarted,
    UsageReported,
)
from turnout.types.usage import Usage
from turnout.wire.anthropic_messages.answer import encode_answer
from turnout.wire.anthropic_messages.assembler import Assembler
from turnout.wire.anthropic_messages.decoder import Decoder
from turnout.wire.anthropic_messages.encoder import Encoder
from turnout.wire.anthropic_messages.tools import encode_call_id

STARTED = Started("msg_1", "claude-3-5-haiku-20241022")
END: list[Delta] = [Finished(Finish.STOP), Ended()]


def kinds(stream: bytes) -> list[str]:
    """The stream's events in short: each one's type, with its block's index and what it begins or brings."""
    bodies = [json.loads(one.data or b"") for one in events(stream)]
    return [
        " ".join(
            str(word)
            for word in (
                body["type"].removeprefix("content_block_"),
                body.get("index"),
                (body.get("content_block") or {}).get("type"),
                (body.get("delta") or {}).get("type"),
            )
            if word is not None
        )
        for body in bodies
    ]


def without_time(answer: Answer) -> Answer:
    """The dialect does not tell when an answer was made."""
    fields = {field: getattr(answer, field) for field in answer.__struct_fields__}
    return Answer(**fields | {"created": None})


@given(st.data(), answers(signed=True))
def test_what_is_encoded_is_decoded(data: st.DataObject, answer: Answer) -> None:
    deltas = data.draw(told(answer, interleaved=data.draw(st.booleans())))
    assert folded(decoded(Decoder(), encoded(Encoder({}, "m"), deltas))) == without_time(answer)


@settings(max_examples=50)
@given(st.data(), answers(signed=True))
def test_the_sdk_and_the_assembler_make_the_same_answer_of_a_stream(data: st.DataObject, answer: Answer) -> None:
    stream = encoded(Encoder({}, "m"), data.draw(told(answer, interleaved=True)))
    ours, theirs = assembled(Assembler(), stream), through_anthropic(stream)
    for block in theirs["content"]:
        block.pop("parsed_output", None)  # the SDK's own
    theirs = {field: theirs[field] for field in ours}
    assert ours == theirs


@given(st.data(), answers(signed=True))
def test_a_stream_adds_up_to_the_unary_answer(data: st.DataObject, answer: Answer) -> None:
    deltas = data.draw(told(answer, interleaved=True))
    assert assembled(Assembler(), encoded(Encoder({}, "m"), deltas)) == encode_answer(answer)


def test_a_calls_id_is_one_that_the_api_takes() -> None:
    stream = encoded(Encoder({}, "m"), [STARTED, ToolCallStarted(0, "a.b:c", "f"), *END])
    call_id = through_anthropic(stream)["content"][0]["id"]
    assert call_id == encode_call_id("a.b:c")
    assert call_id != "a.b:c"


def test_the_events_come_in_the_providers_own_order() -> None:
    deltas: list[Delta] = [
        STARTED,
        ThinkingDelta("hm"),
        ThinkingDelta(signature="s=="),
        ThinkingDelta(redacted="r=="),
        TextDelta("a"),
        TextDelta("b"),
        ToolCallStarted(0, "t0", "f"),
        ToolCallDelta(0, "{}"),
        TextDelta("c"),
    ]
    stream = encoded(Encoder({}, "m"), deltas + END)
    assert kinds(stream) == [
        "message_start",
        "start 0 thinking",
        "delta 0 thinking_delta",
        "delta 0 signature_delta",
        "stop 0",
        "start 1 redacted_thinking",
        "stop 1",
        "start 2 text",
        "delta 2 text_delta",
        "delta 2 text_delta",
        "stop 2",
        "start 3 tool_use",
        "delta 3 input_json_delta",
        "stop 3",
        "start 4 text",
        "delta 4 text_delta",
        "stop 4",
        "message_delta",
        "message_stop",
    ]
    assert all(one.name and json.loads(one.data or b"")["type"].encode() == one.name for one in events(stream))


def test_parallel_calls_are_passed_on_as_they_come() -> None:
    encoder = Encoder({}, "m")
    encoded(encoder, [STARTED, ToolCallStarted(0, "t0", "f"), ToolCallDelta(0, "{}")])
    assert kinds(encoder.encode(ToolCallStarted(1, "t1", "g"))) == ["stop 0", "start 1 tool_use"]


def test_a_call_waits_until_the_one_before_it_is_complete() -> None:
    encoder = Encoder({}, "m")
    encoded(encoder, [STARTED, ToolCallStarted(0, "t0", "f"), ToolCallDelta(0, '{"a":')])
    assert encoder.encode(ToolCallStarted(1, "t1", "g")) == b""
    assert encoder.encode(ToolCallDelta(1, "{}")) == b""
    assert kinds(encoder.encode(ToolCallDelta(0, "1}"))) == [
        "delta 0 input_json_delta",
        "stop 0",
        "start 1 tool_use",
        "delta 1 input_json_delta",
    ]


def test_what_comes_for_a_call_that_is_over_is_never_mixed_into_another() -> None:
    encoder = Encoder({}, "m")
    encoded(encoder, [STARTED, ToolCallStarted(0, "t0", "f"), ToolCallDelta(0, "{}"), ToolCallStarted(1, "t1", "g")])
    assert encoder.encode(ToolCallDelta(0, "\n")) == b""
    with pytest.raises(ValueError, match="is over"):
        encoder.encode(ToolCallDelta(0, "{}"))


def test_usage_is_told_at_the_start_as_far_as_known_and_in_full_at_the_end() -> None:
    usage = Usage(input_tokens=10, cached_tokens=4, output_tokens=7)
    for known, at_start in ((None, 0), (Usage(input_tokens=10, cached_tokens=4), 6)):
        deltas: list[Delta] = [
            Started("m", "m", known),
            TextDelta("x"),
            Finished(Finish.STOP),
            UsageReported(usage),
            Ended(),
        ]
        first, *_, last, _ = [json.loads(one.data or b"") for one in events(encoded(Encoder({}, "m"), deltas))]
        assert first["message"]["usage"]["input_tokens"] == at_start
        assert last["usage"] == {
            "input_tokens": 6,
            "cache_creation_input_tokens": 0,
            "cache_read_input_tokens": 4,
            "output_tokens": 7,
        }


def test_a_stop_sequence_is_told() -> None:
    finished = Finished(Finish.STOP_SEQUENCE, "\n\nHuman:")
    message = through_anthropic(encoded(Encoder({}, "m"), [STARTED, TextDelta("x"), finished, Ended()]))
    assert (message["stop_reason"], message["stop_sequence"]) == ("stop_sequence", "\n\nHuman:")


@pytest.mark.parametrize("finish", list(Finish))
def test_every_finish_is_one_the_sdk_knows(finish: Finish) -> None:
    assert through_anthropic(encoded(Encoder({}, "m"), [STARTED, TextDelta("x"), Finished(finish), Ended()]))


def test_a_refusal_is_told_in_its_own_words() -> None:
    message = through_anthropic(encoded(Encoder({}, "m"), [STARTED, RefusalDelta("I won't"), *END]))
    assert message["content"][0]["text"] == "I won't"


def test_a_stream_that_has_not_finished_is_never_ended() -> None:
    encoder = Encoder({}, "m")
    encoded(encoder, [STARTED, TextDelta("x")])
    with pytest.raises(ValueError, match="without having finished"):
        encoder.encode(Ended())


def test_no_event_carries_an_id_field() -> None:
    stream = encoded(Encoder({}, "m"), [STARTED, TextDelta("id: 1"), *END])
    assert all(line.startswith((b"data: ", b"event: ")) or not line for line in stream.split(b"\n"))


START = event("message_start", message={"id": "msg_1", "model": "m", "usage": {"input_tokens": 1, "output_tokens": 1}})


def block(kind: str, **fields: Any) -> bytes:
    return event("content_block_start", index=0, content_block={"type": kind, **fields})


def piece(kind: str, **fields: Any) -> bytes:
    return event("content_block_delta", index=0, delta={"type": kind, **fields})


BLOCK_STOP = event("content_block_stop", index=0)
FINISH = event("message_delta", delta={"stop_reason": "tool_use", "stop_sequence": None}, usage={"output_tokens": 5})
MESSAGE_STOP = event("message_stop")


@pytest.mark.parametrize("told_input", [{}, {"city": "Paris"}])
def test_a_call_whose_input_comes_at_once_has_it(told_input: dict) -> None:
    stream = [START, block("tool_use", id="t", name="f", input=told_input), BLOCK_STOP, FINISH, MESSAGE_STOP]
    (call,) = folded(decoded(Decoder(), *stream)).parts
    assert isinstance(call, ToolCall)
    assert json.loads(call.arguments) == told_input


def test_a_ping_and_an_empty_block_say_nothing() -> None:
    assert decoded(Decoder(), event("ping"), START, event("ping"), block("text", text=""), BLOCK_STOP)[1:] == []


def test_text_and_thinking_that_a_blocks_start_holds_are_said() -> None:
    stream = [START, b": keep-alive\n\n", block("text", text="a"), block("thinking", thinking="b", signature="s")]
    assert decoded(Decoder(), *stream)[1:] == [TextDelta("a"), ThinkingDelta("b", signature="s")]


def test_a_citation_and_an_empty_piece_of_arguments_say_nothing() -> None:
    stream = [START, block("tool_use", id="t", name="f", input={}), piece("input_json_delta", partial_json="")]
    assert decoded(Decoder(), *stream, piece("citations_delta", citation={}))[1:] == [ToolCallStarted(0, "t", "f")]


def test_usage_may_be_told_before_the_finish() -> None:
    stream = [START, event("message_delta", delta={}, usage={"output_tokens": 3}), event("message_delta", delta={})]
    assert decoded(Decoder(), *stream)[1:] == [UsageReported(Usage(input_tokens=1, output_tokens=3))]


@pytest.mark.parametrize(
    "broken",
    [
        [block("text", text="x")],
        [START, block("web_search_tool_result", content=[])],
        [START, piece("input_json_delta", partial_json="{}")],
        [START, piece("text_delta", text=None)],
        [START, event("error", error={"type": "overloaded_error", "message": "x"})],
        [b"event: message_start\ndata: {\n\n"],
    ],
)
def test_what_cannot_be_said_otherwise_is_an_error(broken: list[bytes]) -> None:
    with pytest.raises(ValueError):  # noqa: PT011 - any wording; which events are refused is what matters
        decoded(Decoder(), *broken)


def test_the_sdk_raises_on_an_error_event_that_the_relay_passes_on() -> None:
    with pytest.raises(APIStatusError, match="Overloaded"):
        through_anthropic(
            Encoder({}, "m").encode(STARTED)
            + event("error", error={"type": "overloaded_error", "message": "Overloaded"})
        )
