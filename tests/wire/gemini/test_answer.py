"""Gemini's unary answers: their facts, and what both callers are told."""

from __future__ import annotations

import contextlib
import json
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.wire.asking import ANTHROPIC, OPENAI
from tests.wire.gemini.speaking import GEMINI, USAGE, function_call, response, text
from turnout.types.chat import Finish, Text, Thinking, TokenLogprob, ToolCall
from turnout.types.usage import Usage
from turnout.wire.gemini.finish import BROKEN, FINISH
from turnout.wire.gemini.usage import usage_from

LOGPROBS = {
    "chosenCandidates": [{"token": "He", "tokenId": 1, "logProbability": -0.1}, {"token": "y", "logProbability": -2}],
    "topCandidates": [{"candidates": [{"token": "He", "logProbability": -0.1}, {"token": "Ho", "logProbability": -3}]}],
}
BLOCKED = {"promptFeedback": {"blockReason": "PROHIBITED_CONTENT"}, "usageMetadata": {"promptTokenCount": 4}}


def facts(body: dict[str, Any]) -> Any:
    return GEMINI.read_answer(json.dumps(body).encode())


def test_text_and_thoughts_with_their_tokens() -> None:
    usage = {
        "promptTokenCount": 20,
        "cachedContentTokenCount": 8,
        "toolUsePromptTokenCount": 1,
        "candidatesTokenCount": 5,
        "thoughtsTokenCount": 7,
    }
    body = response({"text": "Hm.", "thought": True}, text("Hey"), text(" you"), usageMetadata=usage)
    answer = GEMINI.decode_answer(body)
    assert answer.parts == (Thinking("Hm."), Text("Hey"), Text(" you"))
    assert (answer.id, answer.model, answer.finish) == ("r-1", "gemini-2.5-flash", Finish.STOP)
    assert answer.usage == Usage(input_tokens=21, cached_tokens=8, output_tokens=12, reasoning_tokens=7)
    read = facts(body)
    assert (read.usage, read.finish, read.model) == (answer.usage, Finish.STOP, "gemini-2.5-flash")
    assert read.output_chars == len("Hm.Hey you")


def test_calls_keep_their_ids_and_signatures_and_get_ids_where_they_have_none() -> None:
    signed = function_call(id="fc-1") | {"thoughtSignature": "c2ln"}
    bare: dict[str, Any] = {"functionCall": {"name": "clock"}}
    answer = GEMINI.decode_answer(response(signed, bare))
    assert answer.parts == (
        ToolCall("fc-1", "weather", '{"city":"Oslo"}', signature="c2ln"),
        ToolCall("call_r-1_1", "clock", "{}"),
    )
    assert answer.finish is facts(response(signed, bare)).finish is Finish.TOOL_CALLS


def test_a_signature_travels_through_an_openai_caller_and_back() -> None:
    answer = GEMINI.decode_answer(response(function_call(id="fc-1") | {"thoughtSignature": "c2ln"}))
    message = OPENAI.encode_answer(answer)["choices"][0]["message"]
    assert message["tool_calls"][0]["extra_content"] == {"google": {"thought_signature": "c2ln"}}
    hi = {"role": "user", "content": "Hi"}
    result = {"role": "tool", "tool_call_id": "fc-1", "content": "sunny"}
    chat = OPENAI.decode_request({"model": "r", "messages": [hi, message, result]})
    body = GEMINI.encode_request(chat, "gemini-3-flash-preview", ask_usage=False)
    assert body["contents"][1]["parts"][0]["thoughtSignature"] == "c2ln"


def test_an_anthropic_caller_sees_the_call_and_no_signature() -> None:
    answer = GEMINI.decode_answer(
        response(function_call(id="fc-1") | {"thoughtSignature": "c2ln"}, usageMetadata=USAGE)
    )
    told = ANTHROPIC.encode_answer(answer)
    assert told["content"] == [{"type": "tool_use", "id": "fc-1", "name": "weather", "input": {"city": "Oslo"}}]
    assert told["stop_reason"] == "tool_use"


def test_log_probabilities() -> None:
    body = response(text("Hey"))
    body["candidates"][0]["logprobsResult"] = LOGPROBS
    assert GEMINI.decode_answer(body).logprobs == (
        TokenLogprob("He", -0.1, (("He", -0.1), ("Ho", -3))),
        TokenLogprob("y", -2),
    )


@pytest.mark.parametrize("wrong", ["many", {"chosenCandidates": [{"token": "x"}]}, {"chosenCandidates": [3]}])
def test_log_probabilities_of_another_form_are_no_answer(wrong: Any) -> None:
    body = response(text("Hey"))
    body["candidates"][0]["logprobsResult"] = wrong
    with pytest.raises(ValueError, match="logprobsResult"):
        GEMINI.decode_answer(body)


@pytest.mark.parametrize("reason", sorted(FINISH))
def test_why_it_ended(reason: str) -> None:
    body = response(text("Hey"), finish=reason)
    assert GEMINI.decode_answer(body).finish is facts(body).finish is FINISH[reason]


def test_the_reasons_of_a_filter_are_a_filters() -> None:
    filters = {"SAFETY", "RECITATION", "BLOCKLIST", "PROHIBITED_CONTENT", "SPII", "LANGUAGE", "IMAGE_SAFETY"}
    assert {FINISH[reason] for reason in filters} == {Finish.CONTENT_FILTER}


@pytest.mark.parametrize("reason", sorted(BROKEN))
def test_an_answer_that_went_wrong_is_none(reason: str) -> None:
    for read in (facts, GEMINI.decode_answer):
        with pytest.raises(ValueError, match=f"ended its answer with {reason}"):
            read(response(finish=reason))


def test_a_reason_that_is_not_known_is_another() -> None:
    assert facts(response(text("Hey"), finish="NEW_IN_2027")).finish is Finish.OTHER


def test_a_blocked_prompt_is_a_content_filter() -> None:
    answer = GEMINI.decode_answer(BLOCKED)
    assert (answer.parts, answer.finish) == ((), Finish.CONTENT_FILTER)
    assert facts(BLOCKED).finish is Finish.CONTENT_FILTER
    assert facts(BLOCKED).usage == Usage(input_tokens=4)
    assert OPENAI.encode_answer(answer)["choices"][0]["finish_reason"] == "content_filter"
    assert ANTHROPIC.encode_answer(answer)["stop_reason"] == "refusal"


def test_an_answer_that_was_all_thought_is_cut_short() -> None:
    body = response(finish="MAX_TOKENS")
    body["candidates"][0]["content"] = {"role": "model"}
    assert facts(body).finish is GEMINI.decode_answer(body).finish is Finish.LENGTH


NO_ANSWERS: dict[str, Any] = {
    "nothing": {},
    "no candidate": {"candidates": []},
    "two candidates": {"candidates": [{"finishReason": "STOP"}, {"finishReason": "STOP", "index": 1}]},
    "the second candidate": {"candidates": [{"finishReason": "STOP", "index": 1}]},
    "no finish reason": response(text("Hey"), finish=None),
    "an unspecified finish reason": response(text("Hey"), finish="FINISH_REASON_UNSPECIFIED"),
    "a number for a reason": response(text("Hey"), finish=7),  # type: ignore[arg-type]
    "a number for a text": response({"text": 7}),
    "usage that is none": response(text("Hey"), usageMetadata=[1]),
    "a call that is none": response({"functionCall": "weather"}),
}


@pytest.mark.parametrize("body", NO_ANSWERS.values(), ids=NO_ANSWERS)
def test_what_is_no_answer_is_refused_either_way(body: dict[str, Any]) -> None:
    for read in (facts, GEMINI.decode_answer):
        with pytest.raises(ValueError, match=r"an? |usage"):
            read(body)


@pytest.mark.parametrize("raw", [b"", b"<html>", b"[]", b'{"error": {"code": 500}}', b'{"candidates": "x"}'])
def test_what_is_no_body_of_the_dialect_is_refused(raw: bytes) -> None:
    with pytest.raises(ValueError, match=r"."):
        GEMINI.read_answer(raw)


@pytest.mark.parametrize("part", [{"inlineData": {"mimeType": "image/png", "data": "AA=="}}, {"executableCode": {}}])
def test_parts_that_nobody_asked_for_are_refused(part: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match="which nobody asked for"):
        GEMINI.decode_answer(response(part))


@pytest.mark.parametrize("nonsense", [None, -1, "7", 1.5, True, [], {}])
def test_what_is_no_count_counts_nothing(nonsense: Any) -> None:
    assert usage_from({"promptTokenCount": nonsense, "candidatesTokenCount": 2}) == Usage(output_tokens=2)


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=5,
)
FIELDS = st.sampled_from(
    [
        *("candidates", "usageMetadata", "modelVersion", "responseId", "promptFeedback", "content", "parts", "index"),
        *(
            "finishReason",
            "functionCall",
            "text",
            "thought",
            "thoughtSignature",
            "logprobsResult",
            "args",
            "name",
            "id",
        ),
    ]
)
ODD = st.recursive(
    JSON, lambda inner: st.lists(inner, max_size=2) | st.dictionaries(FIELDS, inner, max_size=4), max_leaves=12
)


@given(odd=st.dictionaries(FIELDS, ODD, max_size=4), part=st.dictionaries(FIELDS, ODD, max_size=3))
def test_whatever_a_provider_sends_is_read_or_refused_by_name(odd: dict[str, Any], part: dict[str, Any]) -> None:
    for body in (odd, response(part), response(text("x")) | odd):
        for read in (GEMINI.decode_answer, lambda told: GEMINI.read_answer(msgspec.json.encode(told))):
            with contextlib.suppress(ValueError):
                read(body)
