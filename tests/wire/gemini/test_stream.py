"""Gemini's streams: translated for both callers, and put together."""

from __future__ import annotations

from itertools import pairwise
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.wire.following import assembled, decoded, encoded, events, folded
from tests.wire.gemini.speaking import GEMINI, USAGE, event, function_call, piece, response, text
from tests.wire.sdks import through_anthropic, through_openai
from turnout.types.chat import Finish, Text, Thinking, TokenLogprob, ToolCall
from turnout.types.stream import Delta, Ended, Finished, Started, TextDelta, UsageReported
from turnout.types.usage import Usage
from turnout.wire.anthropic_messages.encoder import Encoder as AnthropicEncoder
from turnout.wire.dialect import StreamEncoder
from turnout.wire.openai_chat.encoder import Encoder as OpenAIEncoder

ENCODERS: dict[str, Any] = {"openai": OpenAIEncoder, "anthropic": AnthropicEncoder}
SDKS = {"openai": through_openai, "anthropic": through_anthropic}
WITH_USAGE: dict[str, Any] = {"stream_options": {"include_usage": True}}
words = st.text(st.characters(exclude_categories=["Cs"]), min_size=1, max_size=12) | st.sampled_from(
    ["\n\n", '"', "é🚂"]
)
counts = st.integers(0, 5000)
usages = st.builds(
    lambda prompt, cached, said, thought: {
        "promptTokenCount": prompt + cached,
        "cachedContentTokenCount": cached,
        "candidatesTokenCount": said,
        "thoughtsTokenCount": thought,
    },
    *[counts] * 4,
)


@st.composite
def answers(draw: st.DrawFn) -> dict[str, Any]:
    """A whole response: thoughts, text and calls, as far as there are any."""
    parts: list[dict[str, Any]] = []
    if draw(st.booleans()):
        parts.append({"text": draw(words), "thought": True})
    if draw(st.booleans()):
        parts.append(text(draw(words)))
    names = draw(st.lists(st.sampled_from(["weather", "clock"]), max_size=3))
    for number, name in enumerate(names):
        signed = {} if number else draw(st.sampled_from([{}, {"thoughtSignature": "c2ln"}]))
        parts.append(function_call(name, id=f"fc_{number}") | signed)
    finish = "STOP" if names else draw(st.sampled_from(["STOP", "MAX_TOKENS"]))
    return response(*parts, finish=finish, usageMetadata=draw(usages))


@st.composite
def streamed(draw: st.DrawFn, body: dict[str, Any]) -> bytes:
    """The response in pieces, its texts cut anywhere, its end with the last piece or after it."""
    candidate = body["candidates"][0]
    pieces: list[dict[str, Any]] = []
    for part in candidate["content"]["parts"]:
        if "functionCall" in part:
            pieces.append(part)
            continue
        said = part["text"]
        bounds = sorted({0, len(said), *draw(st.lists(st.integers(0, len(said)), max_size=3))})
        pieces += [part | {"text": said[start:stop]} for start, stop in pairwise(bounds)]
    told = [piece(each, usageMetadata={"promptTokenCount": 1}) for each in pieces]
    last = [] if not pieces or draw(st.booleans()) else [pieces[-1]]
    told = told[:-1] if last else told
    return b"".join(told) + piece(*last, finish=candidate["finishReason"], usageMetadata=body["usageMetadata"])


@settings(max_examples=100)
@given(data=st.data(), body=answers())
def test_a_stream_is_put_together_to_the_answer_that_it_streams(data: st.DataObject, body: dict[str, Any]) -> None:
    assert assembled(GEMINI.assembler(), data.draw(streamed(body))) == body


@settings(max_examples=100)
@given(data=st.data(), body=answers())
def test_a_stream_and_the_whole_answer_mean_the_same(data: st.DataObject, body: dict[str, Any]) -> None:
    deltas = decoded(GEMINI.decoder(), data.draw(streamed(body)))
    there, whole = folded([*deltas, Ended()]), GEMINI.decode_answer(body)
    for field in ("id", "model", "finish", "usage"):
        assert getattr(there, field) == getattr(whole, field)
    assert [unsigned(part) for part in there.parts] == [unsigned(part) for part in whole.parts]


def unsigned(part: Any) -> Any:
    """A part as the shortest reading of deltas has it, which leaves signatures of calls aside."""
    return ToolCall(part.id, part.name, part.arguments) if isinstance(part, ToolCall) else part


@pytest.mark.parametrize("caller", ENCODERS)
@settings(max_examples=50)
@given(data=st.data(), body=answers())
def test_both_callers_sdks_take_what_is_made_of_a_stream(
    caller: str, data: st.DataObject, body: dict[str, Any]
) -> None:
    upstream = data.draw(streamed(body))
    encoder: StreamEncoder = ENCODERS[caller](WITH_USAGE, "m")
    sent = encoded(encoder, [*decoded(GEMINI.decoder(), upstream), Ended()])
    assert SDKS[caller](sent)


def test_a_signature_is_told_where_its_call_starts() -> None:
    stream = piece(function_call(id="fc_1") | {"thoughtSignature": "c2ln"}, finish="STOP")
    sent = encoded(OpenAIEncoder({}, "m"), [*decoded(GEMINI.decoder(), stream), Ended()])
    (call,) = through_openai(sent)["choices"][0]["message"]["tool_calls"]
    assert call["extra_content"] == {"google": {"thought_signature": "c2ln"}}
    assert (call["id"], call["function"]["arguments"]) == ("fc_1", '{"city":"Oslo"}')


def test_calls_without_ids_get_one_each_across_pieces() -> None:
    stream = piece(function_call()) + piece(function_call("clock"), finish="STOP")
    answer = folded([*decoded(GEMINI.decoder(), stream), Ended()])
    assert [part.id for part in answer.parts if isinstance(part, ToolCall)] == ["call_r-1_0", "call_r-1_1"]
    assert answer.finish is Finish.TOOL_CALLS


def test_the_inputs_tokens_are_known_from_the_start() -> None:
    started, *_ = decoded(GEMINI.decoder(), piece(text("x"), usageMetadata={"promptTokenCount": 9}))
    assert started == Started("r-1", "gemini-2.5-flash", Usage(input_tokens=9))


def test_log_probabilities_come_with_their_text_and_are_put_together() -> None:
    def likely(*tokens: str) -> dict[str, Any]:
        chosen = [{"token": token, "logProbability": -1.0} for token in tokens]
        return {"logprobsResult": {"chosenCandidates": chosen, "topCandidates": []}}

    first, last = response(text("He"), finish=None), response(finish="STOP")
    first["candidates"][0] |= likely("H", "e")
    last["candidates"][0] |= likely("y")
    stream = event(first) + event(last)
    deltas = decoded(GEMINI.decoder(), stream)
    assert deltas[1:3] == [
        TextDelta("He", (TokenLogprob("H", -1.0), TokenLogprob("e", -1.0))),
        TextDelta("", (TokenLogprob("y", -1.0),)),
    ]
    whole = assembled(GEMINI.assembler(), stream)
    assert GEMINI.decode_answer(whole).logprobs == folded([*deltas, Ended()]).logprobs


def test_a_blocked_prompt_is_an_answer_that_was_filtered() -> None:
    blocked = {"promptFeedback": {"blockReason": "SAFETY"}, "usageMetadata": USAGE, "responseId": "r-2"}
    deltas = decoded(GEMINI.decoder(), event(blocked))
    usage = Usage(input_tokens=9, output_tokens=2)
    expected: list[Delta] = [Started("r-2", "", usage), Finished(Finish.CONTENT_FILTER), UsageReported(usage)]
    assert deltas == expected
    assert assembled(GEMINI.assembler(), event(blocked)) == blocked


def test_thoughts_and_text_stay_apart_and_fields_that_are_not_known_are_kept() -> None:
    first = response({"text": "Hm", "thought": True}, text("He"), finish=None)
    last = response({"text": "y", "thoughtSignature": "c2ln"}, finish="STOP", newIn2027=True)
    last["candidates"][0]["groundingMetadata"] = {"x": 1}
    whole = assembled(GEMINI.assembler(), event(first) + event(last))
    assert whole["newIn2027"] is True
    assert whole["candidates"][0]["groundingMetadata"] == {"x": 1}
    parts = whole["candidates"][0]["content"]["parts"]
    assert parts == [{"text": "Hm", "thought": True}, {"text": "Hey", "thoughtSignature": "c2ln"}]
    assert GEMINI.decode_answer(whole).parts == (Thinking("Hm"), Text("Hey"))


@pytest.mark.parametrize("stream", [b"", piece(text("x")), event({"usageMetadata": USAGE})])
def test_a_stream_that_has_not_finished_is_no_answer(stream: bytes) -> None:
    with pytest.raises(ValueError, match=r"a stream without an answer|without a finish reason"):
        assembled(GEMINI.assembler(), stream)


@pytest.mark.parametrize("made", ["decoder", "assembler"])
def test_an_error_is_never_part_of_an_answer_and_noise_is_nothing(made: str) -> None:
    take = GEMINI.decoder().decode if made == "decoder" else GEMINI.assembler().add
    for noise in events(b": comment\n\ndata: : keep-alive\n\n"):
        assert not take(noise)
    (error,) = events(event({"error": {"code": 500}}))
    with pytest.raises(ValueError, match="an error event"):
        take(error)


def test_a_part_that_nobody_asked_for_breaks_the_stream() -> None:
    with pytest.raises(ValueError, match="executableCode, which nobody asked for"):
        decoded(GEMINI.decoder(), piece({"executableCode": {"code": "1"}}))
