from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from openai import APIError

from tests.wire.following import DONE, assembled, decoded, encoded, events, folded
from tests.wire.following import openai_chunk as chunk
from tests.wire.sdks import through_openai
from tests.wire.translating import answers, logprobs, told, words
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
from turnout.wire.openai_chat.answer import encode_answer
from turnout.wire.openai_chat.assembler import Assembler
from turnout.wire.openai_chat.decoder import Decoder
from turnout.wire.openai_chat.encoder import Encoder

WITH_USAGE: dict[str, Any] = {"stream_options": {"include_usage": True}}
STARTED = Started("chatcmpl-1", "gpt-4o-2024-11-20", created=1700000000)
STOP = chunk({}, "stop")


def plain(calls: list[dict[str, Any]] | None) -> list[tuple[str, str, str]]:
    return [(call["id"], call["function"]["name"], call["function"]["arguments"]) for call in calls or []]


@given(st.data(), answers(signed=True))
def test_what_is_encoded_is_decoded(data: st.DataObject, answer: Answer) -> None:
    deltas = data.draw(told(answer, interleaved=data.draw(st.booleans())))
    assert folded(decoded(Decoder(), encoded(Encoder(WITH_USAGE, "m"), deltas))) == answer


@settings(max_examples=50)
@given(st.data(), answers(signed=True))
def test_the_sdk_and_the_assembler_make_the_same_answer_of_a_stream(data: st.DataObject, answer: Answer) -> None:
    stream = encoded(Encoder(WITH_USAGE, "m"), data.draw(told(answer)))
    ours, theirs = assembled(Assembler(), stream), through_openai(stream)
    for field in ("id", "object", "created", "model", "usage"):
        assert ours[field] == theirs[field]
    (choice,), (sdk_choice,) = ours["choices"], theirs["choices"]
    assert choice["finish_reason"] == sdk_choice["finish_reason"]
    for field in ("content", "refusal", "reasoning_content"):
        assert choice["message"].get(field) == sdk_choice["message"].get(field)
    assert plain(choice["message"].get("tool_calls")) == plain(sdk_choice["message"].get("tool_calls"))


@given(st.data(), answers(signed=True))
def test_a_stream_adds_up_to_the_unary_answer(data: st.DataObject, answer: Answer) -> None:
    deltas = data.draw(told(answer, interleaved=True))
    assert assembled(Assembler(), encoded(Encoder(WITH_USAGE, "m"), deltas)) == encode_answer(answer)


@settings(max_examples=30)
@given(words, logprobs)
def test_logprobs_arrive_as_they_are(text: str, tokens: Any) -> None:
    deltas: list[Delta] = [STARTED, TextDelta(text, tokens), Finished(Finish.STOP), Ended()]
    stream = encoded(Encoder({}, "m"), deltas)
    assert folded(decoded(Decoder(), stream)).logprobs == tokens
    through_openai(stream)


def test_a_caller_who_did_not_ask_for_usage_is_told_none() -> None:
    deltas: list[Delta] = [
        STARTED,
        TextDelta("x"),
        Finished(Finish.STOP),
        UsageReported(Usage(input_tokens=1)),
        Ended(),
    ]
    stream = encoded(Encoder({"stream_options": {"include_usage": False}}, "m"), deltas)
    assert b"usage" not in stream
    assert stream.endswith(DONE)


def test_a_caller_who_asked_is_told_usage_once_after_the_finish() -> None:
    usage = UsageReported(Usage(input_tokens=3, output_tokens=2))
    deltas: list[Delta] = [STARTED, TextDelta("x"), usage, Finished(Finish.STOP), usage, Ended()]
    *chunks, last, done = events(encoded(Encoder(WITH_USAGE, "m"), deltas))
    assert done.data == b"[DONE]"
    bodies = [json.loads(event.data or b"") for event in chunks]
    assert [body["usage"] for body in bodies] == [None] * 3
    assert bodies[-1]["choices"][0]["finish_reason"] == "stop"
    told_last = json.loads(last.data or b"")
    assert told_last["choices"] == []
    assert told_last["usage"]["total_tokens"] == 5


def test_a_stream_that_has_not_finished_is_never_ended() -> None:
    encoder = Encoder({}, "m")
    encoded(encoder, [STARTED, TextDelta("x")])
    with pytest.raises(ValueError, match="without having finished"):
        encoder.encode(Ended())


def test_a_refusal_is_a_refusal() -> None:
    stream = encoded(
        Encoder({}, "m"), [STARTED, RefusalDelta("I "), RefusalDelta("won't"), Finished(Finish.STOP), Ended()]
    )
    message = through_openai(stream)["choices"][0]["message"]
    assert (message["content"], message["refusal"]) == (None, "I won't")


def test_no_event_carries_an_id_field() -> None:
    stream = encoded(Encoder(WITH_USAGE, "m"), [STARTED, TextDelta("id: 1"), Finished(Finish.STOP), Ended()])
    assert all(line.startswith(b"data: ") or not line for line in stream.split(b"\n"))


def test_azures_first_chunk_does_not_start_the_answer() -> None:
    first = chunk(None, id="", model="", prompt_filter_results=[])
    assert decoded(Decoder(), first) == []
    assert decoded(Decoder(), first, chunk({"role": "assistant", "content": ""})) == [STARTED]


def piece(**fields: Any) -> bytes:
    return chunk({"tool_calls": [fields]})


def test_a_call_without_an_id_is_given_one_that_stays() -> None:
    stream = [piece(index=0, function={"name": "f", "arguments": "{}"}), chunk({}, "tool_calls"), DONE]
    (call,) = folded(decoded(Decoder(), *stream)).parts
    assert call == ToolCall("call_chatcmpl-1_0", "f", "{}")
    assert folded(decoded(Decoder(), *stream)).parts == (call,)


def test_calls_that_share_an_index_are_told_apart_by_their_ids() -> None:
    stream = [
        piece(index=0, id="a", function={"name": "f", "arguments": '{"x":'}),
        piece(index=0, function={"arguments": "1}"}),
        piece(index=0, id="b", function={"name": "g", "arguments": "{}"}),
        chunk({}, "tool_calls"),
        DONE,
    ]
    parts = folded(decoded(Decoder(), *stream)).parts
    assert parts == (ToolCall("a", "f", '{"x":1}'), ToolCall("b", "g", "{}"))
    calls = assembled(Assembler(), *stream)["choices"][0]["message"]["tool_calls"]
    assert plain(calls) == [("a", "f", '{"x":1}'), ("b", "g", "{}")]


def test_calls_without_an_index_are_told_apart_by_their_ids() -> None:
    stream = [
        piece(id="a", function={"name": "f", "arguments": "{}"}),
        piece(id="b", function={"name": "f", "arguments": "{}"}),
        chunk({}, "tool_calls"),
        DONE,
    ]
    assert [part.id for part in folded(decoded(Decoder(), *stream)).parts if isinstance(part, ToolCall)] == ["a", "b"]


def test_a_name_that_comes_late_is_waited_for() -> None:
    stream = [
        piece(index=4, id="a", function={"arguments": '{"x"'}),
        piece(index=4, function={"name": "f", "arguments": ":1}"}),
    ]
    assert decoded(Decoder(), *stream)[1:] == [ToolCallStarted(0, "a", "f"), ToolCallDelta(0, '{"x":1}')]


def test_a_call_that_is_never_named_is_an_error() -> None:
    with pytest.raises(ValueError, match="without a name"):
        decoded(Decoder(), piece(index=0, id="a", function={"arguments": "{}"}), chunk({}, "tool_calls"))


def test_arguments_are_never_repaired() -> None:
    stream = [piece(index=0, id="a", function={"name": "f", "arguments": '{"x": tru'}), chunk({}, "length"), DONE]
    assert folded(decoded(Decoder(), *stream)).parts == (ToolCall("a", "f", '{"x": tru'),)
    assert (
        assembled(Assembler(), *stream)["choices"][0]["message"]["tool_calls"][0]["function"]["arguments"]
        == '{"x": tru'
    )


def test_a_forced_call_that_stops_ends_for_its_calls() -> None:
    stream = [piece(index=0, id="a", function={"name": "f", "arguments": "{}"}), STOP, DONE]
    assert folded(decoded(Decoder(), *stream)).finish is Finish.TOOL_CALLS


def test_reasoning_under_either_of_its_names_is_thinking() -> None:
    for field in ("reasoning", "reasoning_content"):
        assert decoded(Decoder(), chunk({field: "hm"}))[1:] == [ThinkingDelta("hm")]


@pytest.mark.parametrize(
    "broken",
    [
        chunk(choices=[{"index": 1, "delta": {"content": "x"}}]),
        chunk({"content": 7}),
        chunk(choices=[{"index": 0, "delta": {}, "logprobs": {"content": [{"logprob": 1}]}}]),
        b'data: {"error":{"message":"x"}}\n\n',
        b"data: {\n\n",
    ],
)
def test_what_cannot_be_said_otherwise_is_an_error(broken: bytes) -> None:
    with pytest.raises(ValueError):  # noqa: PT011 - any wording; which events are refused is what matters
        decoded(Decoder(), broken)


def test_the_sdk_raises_on_an_error_chunk_that_the_relay_passes_on() -> None:
    with pytest.raises(APIError, match="overloaded"):
        through_openai(chunk({"content": "x"}) + b'data: {"error":{"message":"overloaded"}}\n\n')
