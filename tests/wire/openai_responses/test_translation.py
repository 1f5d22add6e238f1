from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.wire.following import anthropic_event as event
from tests.wire.following import decoded, encoded, folded
from tests.wire.sdks import through_responses
from tests.wire.translating import answers, told
from turnout.types.chat import Answer, Finish, Refusal, Text, Thinking, TokenLogprob, ToolCall
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
from turnout.wire.openai_responses.answer import decode_answer, encode_answer
from turnout.wire.openai_responses.assembler import Assembler
from turnout.wire.openai_responses.decoder import Decoder
from turnout.wire.openai_responses.encoder import Encoder
from turnout.wire.sse import SseSplitter

STARTED = Started("answer-1", "model-1", created=1700000000)


def told_as(*deltas: Delta, body: dict[str, Any] | None = None) -> list[dict[str, Any]]:
    stream = encoded(Encoder(body or {}, "m"), [STARTED, *deltas])
    return [json.loads(each.data or b"") for each in SseSplitter().feed(stream)]


def kinds(*deltas: Delta) -> list[str]:
    return [each["type"].removeprefix("response.") for each in told_as(*deltas)]


@given(data=st.data(), answer=answers(signed=True))
def test_a_stream_says_what_the_answer_says(data: st.DataObject, answer: Answer) -> None:
    sent = encoded(Encoder({}, "m"), data.draw(told(answer, interleaved=True)))
    there = folded(decoded(Decoder(), sent))
    for field in ("id", "model", "created", "parts", "finish", "usage"):
        assert getattr(there, field) == getattr(answer, field)
    assert through_responses(sent)


@given(data=st.data(), answer=answers(signed=True))
def test_a_streamed_response_is_the_unary_one_to_the_last_field(data: st.DataObject, answer: Answer) -> None:
    asked = {"instructions": "S", "tools": [{"type": "function", "name": "f", "parameters": None, "strict": False}]}
    assembler = Assembler()
    for each in SseSplitter().feed(encoded(Encoder(asked, "m"), data.draw(told(answer)))):
        assembler.add(each)
    assert assembler.body() == encode_answer(answer, asked)
    assert decode_answer(assembler.body()) == answer


def test_every_event_is_named_and_numbered() -> None:
    stream = encoded(Encoder({}, "m"), [STARTED, TextDelta("Hi"), Finished(Finish.STOP), Ended()])
    found = SseSplitter().feed(stream)
    bodies = [json.loads(each.data or b"") for each in found]
    assert [(each.name or b"").decode() for each in found] == [body["type"] for body in bodies]
    assert [body["sequence_number"] for body in bodies] == list(range(len(bodies)))


def test_reasoning_text_refusal_and_a_call_come_in_the_dialects_own_sequence() -> None:
    assert kinds(
        ThinkingDelta("Hm"),
        ThinkingDelta("."),
        TextDelta("A"),
        TextDelta("B"),
        RefusalDelta("No"),
        ToolCallStarted(0, "c", "f"),
        ToolCallDelta(0, "{}"),
        Finished(Finish.TOOL_CALLS),
        UsageReported(Usage(1, output_tokens=2)),
        Ended(),
    ) == [
        "created",
        "in_progress",
        "output_item.added",
        "reasoning_summary_part.added",
        "reasoning_summary_text.delta",
        "reasoning_summary_text.delta",
        "reasoning_summary_text.done",
        "reasoning_summary_part.done",
        "output_item.done",
        "output_item.added",
        "content_part.added",
        "output_text.delta",
        "output_text.delta",
        "output_text.done",
        "content_part.done",
        "content_part.added",
        "refusal.delta",
        "refusal.done",
        "content_part.done",
        "output_item.done",
        "output_item.added",
        "function_call_arguments.delta",
        "function_call_arguments.done",
        "output_item.done",
        "completed",
    ]


def test_calls_that_come_interleaved_are_told_apart_by_their_items() -> None:
    bodies = told_as(
        ToolCallStarted(0, "a", "f"),
        ToolCallDelta(0, '{"x":'),
        ToolCallStarted(1, "b", "g"),
        ToolCallDelta(0, "1}"),
        ToolCallDelta(1, "{}"),
        Finished(Finish.TOOL_CALLS),
        Ended(),
    )
    deltas = [(each["output_index"], each["delta"]) for each in bodies if each["type"].endswith("arguments.delta")]
    assert deltas == [(0, '{"x":'), (0, "1}"), (1, "{}")]
    output = bodies[-1]["response"]["output"]
    assert [(item["call_id"], item["arguments"]) for item in output] == [("a", '{"x":1}'), ("b", "{}")]


def test_a_call_that_is_complete_is_told_before_the_next_one_begins() -> None:
    bodies = told_as(ToolCallStarted(0, "a", "f"), ToolCallDelta(0, "{}"), ToolCallStarted(1, "b", "g"))
    done = [each["type"] for each in bodies].index("response.output_item.done")
    assert bodies[done]["item"]["call_id"] == "a"
    assert bodies[done + 1]["item"]["call_id"] == "b"


def test_arguments_of_a_call_that_is_over_are_not_passed_off_as_anothers() -> None:
    encoder = Encoder({}, "m")
    encoded(encoder, [STARTED, ToolCallStarted(0, "a", "f"), ToolCallDelta(0, "{}"), ToolCallStarted(1, "b", "g")])
    assert encoder.encode(ToolCallDelta(0, "")) == b""
    with pytest.raises(ValueError, match="is over"):
        encoder.encode(ToolCallDelta(0, "more"))


def test_a_stream_without_a_finish_has_no_end() -> None:
    encoder = Encoder({}, "m")
    encoded(encoder, [STARTED, TextDelta("Hi")])
    with pytest.raises(ValueError, match="without having finished"):
        encoder.encode(Ended())


def test_the_response_repeats_what_was_asked() -> None:
    body = {"metadata": {"a": "b"}, "temperature": 0.5, "reasoning": {"effort": "low"}, "text": {"verbosity": None}}
    first = told_as(body=body)[0]["response"]
    assert (first["metadata"], first["temperature"]) == ({"a": "b"}, 0.5)
    assert first["reasoning"] == {"effort": "low", "summary": None}
    assert first["text"] == {"format": {"type": "text"}, "verbosity": "medium"}
    assert (first["status"], first["output"], first["usage"], first["created_at"]) == (
        "in_progress",
        [],
        None,
        1700000000,
    )


def test_log_probabilities_are_kept_with_their_text() -> None:
    logprobs = (TokenLogprob("Hi", -0.5, (("Ho", -1.0),)),)
    deltas: list[Delta] = [STARTED, TextDelta("Hi", logprobs), Finished(Finish.STOP), Ended()]
    sent = encoded(Encoder({}, "m"), deltas)
    assert folded(decoded(Decoder(), sent)).logprobs == logprobs
    (content,) = through_responses(sent)["output"][0]["content"]
    assert content["logprobs"][0]["token"] == "Hi"


CREATED = event("response.created", response={"id": "resp_1", "model": "gpt-5", "created_at": 1700000000.0})
DONE = event("response.completed", response={"id": "resp_1", "status": "completed", "usage": None})


def heard(*stream: bytes) -> Answer:
    return folded(decoded(Decoder(), CREATED, *stream, DONE))


def done(item: dict[str, Any], index: int = 0) -> bytes:
    return event("response.output_item.done", output_index=index, item=item)


def test_what_no_delta_told_of_is_told_by_the_item() -> None:
    content = [{"type": "output_text", "text": "Hi"}, {"type": "refusal", "refusal": "No"}]
    call = {"type": "function_call", "call_id": "c", "name": "f", "arguments": "{}"}
    thought = {"type": "reasoning", "summary": [{"text": "Hm"}, {"text": "So"}], "encrypted_content": "OpenAI's own"}
    answer = heard(done(thought), done({"type": "message", "content": content}, 1), done(call, 2))
    assert answer.parts == (Thinking("Hm\n\nSo"), Text("Hi"), Refusal("No"), ToolCall("c", "f", "{}"))
    assert (answer.finish, answer.created) == (Finish.TOOL_CALLS, 1700000000)


def test_log_probabilities_that_no_delta_told_of_are_told_by_the_item() -> None:
    told = {"token": "Hi", "logprob": -0.25, "top_logprobs": [{"token": "Ho", "logprob": -2.0}]}
    item = {"type": "message", "content": [{"type": "output_text", "text": "Hi", "logprobs": [told]}]}
    tokens = (TokenLogprob("Hi", -0.25, (("Ho", -2.0),)),)
    assert heard(done(item)).logprobs == tokens
    spoken = event("response.output_text.delta", output_index=0, delta="Hi", logprobs=[told])
    assert heard(spoken, done(item)).logprobs == tokens


def test_the_parts_of_a_summary_stay_apart() -> None:
    def summary(delta: str, part: int) -> bytes:
        return event("response.reasoning_summary_text.delta", output_index=0, summary_index=part, delta=delta)

    item = {"type": "reasoning", "summary": [{"text": "One."}, {"text": "Two."}]}
    answer = heard(summary("On", 0), summary("e.", 0), summary("Two.", 1), done(item))
    assert answer.parts == (Thinking("One.\n\nTwo."),)


@pytest.mark.parametrize(
    "raw",
    [
        event("response.output_item.added", output_index=0, item={"type": "web_search_call", "id": "ws"}),
        event("response.output_item.added", output_index=0, item=None),
        event("response.function_call_arguments.delta", output_index=5, delta="{}"),
        event("response.custom_tool_call_input.delta", output_index=0, delta="ls"),
        event("response.failed", response={"error": {"message": "no"}}),
        event("error", message="no"),
        event("response.completed", response={"status": "failed"}),
        done({"type": "message", "content": [{"type": "output_audio"}]}),
    ],
)
def test_what_cannot_be_translated_is_an_error_and_not_left_out(raw: bytes) -> None:
    with pytest.raises(ValueError, match=r".+"):
        heard(raw)


def test_a_ping_may_come_before_the_response() -> None:
    assert not decoded(Decoder(), event("ping"), b": comment\n\n", b"data: [DONE]\n\n")


def test_an_event_before_the_response_is_an_error() -> None:
    with pytest.raises(ValueError, match="the response"):
        decoded(Decoder(), event("response.output_text.delta", delta="Hi"))
