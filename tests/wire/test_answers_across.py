"""An answer of one dialect, as a caller of the other gets it: golden pairs."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest

from turnout.types.chat import Finish
from turnout.types.dialect import DialectName
from turnout.types.usage import Usage
from turnout.wire.registry import DIALECTS, dialect

OPENAI, ANTHROPIC = dialect(DialectName.OPENAI_CHAT), dialect(DialectName.ANTHROPIC_MESSAGES)


def completion(message: dict[str, Any], finish: str = "stop", **fields: Any) -> dict[str, Any]:
    choice = {"index": 0, "message": {"role": "assistant", **message}, "logprobs": None, "finish_reason": finish}
    head = {"id": "chatcmpl-1", "object": "chat.completion", "created": 1700000000, "model": "gpt-4o"}
    return {**head, "choices": [choice], **fields}


def message(content: list[dict[str, Any]], stop: str = "end_turn", **fields: Any) -> dict[str, Any]:
    head = {"id": "msg_1", "type": "message", "role": "assistant", "model": "claude", "content": content}
    usage = {"input_tokens": 7, "output_tokens": 5}
    return {**head, "stop_reason": stop, "stop_sequence": None, "usage": usage, **fields}


def to_anthropic(body: dict[str, Any]) -> dict[str, Any]:
    return ANTHROPIC.encode_answer(OPENAI.decode_answer(body))


def to_openai(body: dict[str, Any]) -> dict[str, Any]:
    return OPENAI.encode_answer(ANTHROPIC.decode_answer(body))


CALL = {"id": "call_1", "type": "function", "function": {"name": "weather", "arguments": '{"city":"Oslo"}'}}
USE = {"type": "tool_use", "id": "call_1", "name": "weather", "input": {"city": "Oslo"}}
SIGNED = {"type": "thinking", "thinking": "Greet.", "signature": "c2ln"}
HIDDEN = {"type": "redacted_thinking", "data": "b3BhcXVl"}


@pytest.mark.parametrize(
    ("said", "content"),
    [
        ({"content": "Hi", "refusal": None}, [{"type": "text", "text": "Hi"}]),
        ({"content": "Hi", "tool_calls": [CALL]}, [{"type": "text", "text": "Hi"}, USE]),
        ({"content": None, "tool_calls": [CALL, {**CALL, "id": "call_2"}]}, [USE, {**USE, "id": "call_2"}]),
        ({"content": None, "refusal": "No."}, [{"type": "text", "text": "No."}]),
        (
            {"content": "Hi", "reasoning_content": "Greet."},
            [{"type": "thinking", "thinking": "Greet.", "signature": ""}, {"type": "text", "text": "Hi"}],
        ),
        (
            {"content": "Hi", "reasoning": "Greet."},
            [{"type": "thinking", "thinking": "Greet.", "signature": ""}, {"type": "text", "text": "Hi"}],
        ),
        ({"content": [{"type": "text", "text": "Hi"}]}, [{"type": "text", "text": "Hi"}]),
        (
            {"content": [{"type": "thinking", "thinking": [{"type": "text", "text": "Greet."}]}]},
            [{"type": "thinking", "thinking": "Greet.", "signature": ""}],
        ),
        (
            {"tool_calls": [{"type": "function", "function": {"name": "now", "arguments": ""}}]},
            [{"type": "tool_use", "id": "call_chatcmpl-1_0", "name": "now", "input": {}}],
        ),
    ],
    ids=lambda value: str(value)[:60],
)
def test_openai_content_to_anthropic(said: dict[str, Any], content: list[dict[str, Any]]) -> None:
    assert to_anthropic(completion(said))["content"] == content


@pytest.mark.parametrize(
    ("content", "said"),
    [
        ([{"type": "text", "text": "Hi"}], {"content": "Hi"}),
        ([{"type": "text", "text": "H"}, {"type": "text", "text": "i"}], {"content": "Hi"}),
        ([{"type": "text", "text": "Hi"}, USE], {"content": "Hi", "tool_calls": [CALL]}),
        ([], {"content": None}),
        (
            [SIGNED, HIDDEN, {"type": "text", "text": "Hi"}],
            {
                "content": "Hi",
                "reasoning_content": "Greet.",
                "reasoning_details": [
                    {
                        "type": "reasoning.text",
                        "text": "Greet.",
                        "signature": "c2ln",
                        "format": "anthropic-claude-v1",
                        "index": 0,
                    },
                    {"type": "reasoning.encrypted", "data": "b3BhcXVl", "format": "anthropic-claude-v1", "index": 1},
                ],
            },
        ),
    ],
    ids=lambda value: str(value)[:60],
)
def test_anthropic_content_to_openai(content: list[dict[str, Any]], said: dict[str, Any]) -> None:
    told = to_openai(message(content))["choices"][0]["message"]
    assert told == {"role": "assistant", "refusal": None, **said}


def test_signed_thinking_survives_a_turn_through_an_openai_caller() -> None:
    said = to_openai(message([SIGNED, HIDDEN, {"type": "text", "text": "Hi"}, USE], "tool_use"))["choices"][0][
        "message"
    ]
    history = [
        {"role": "user", "content": "Hello"},
        said,
        {"role": "tool", "tool_call_id": "call_1", "content": "4 C"},
    ]
    chat = OPENAI.decode_request({"model": "m", "messages": history})
    asked = ANTHROPIC.encode_request(chat, "claude-opus-5", ask_usage=False)["messages"]
    assert asked[1]["content"] == [SIGNED, HIDDEN, {"type": "text", "text": "Hi"}, USE]


@pytest.mark.parametrize(
    ("reason", "stop"),
    [
        ("stop", "end_turn"),
        ("length", "max_tokens"),
        ("tool_calls", "tool_use"),
        ("content_filter", "refusal"),
        ("function_call", "tool_use"),
        ("never_heard_of", "end_turn"),
    ],
)
def test_why_an_openai_answer_ended(reason: str, stop: str) -> None:
    assert to_anthropic(completion({"content": "Hi"}, reason))["stop_reason"] == stop


@pytest.mark.parametrize(
    ("stop", "reason"),
    [
        ("end_turn", "stop"),
        ("stop_sequence", "stop"),
        ("max_tokens", "length"),
        ("tool_use", "tool_calls"),
        ("refusal", "content_filter"),
        ("pause_turn", "stop"),
        ("model_context_window_exceeded", "length"),
        ("never_heard_of", "stop"),
    ],
)
def test_why_an_anthropic_answer_ended(stop: str, reason: str) -> None:
    assert to_openai(message([{"type": "text", "text": "Hi"}], stop))["choices"][0]["finish_reason"] == reason


def test_a_forced_call_that_ends_with_stop_is_a_call_nevertheless() -> None:
    assert to_anthropic(completion({"tool_calls": [CALL]}, "stop"))["stop_reason"] == "tool_use"


def test_cached_tokens_count_as_input_once() -> None:
    usage = {
        "input_tokens": 7,
        "cache_read_input_tokens": 100,
        "cache_creation_input_tokens": 20,
        "output_tokens": 9,
        "output_tokens_details": {"thinking_tokens": 4},
    }
    told = to_openai(message([], usage=usage))["usage"]
    assert told["prompt_tokens"] == 127
    assert told["completion_tokens"] == 9
    assert told["total_tokens"] == 136
    assert told["prompt_tokens_details"] == {"cached_tokens": 100, "cache_write_tokens": 20}
    assert told["completion_tokens_details"] == {"reasoning_tokens": 4}
    back = to_anthropic(completion({"content": "Hi"}, usage=told))["usage"]
    assert back == usage


@pytest.mark.parametrize("arguments", ['{"city": "Os', "[]", "nonsense"])
def test_arguments_that_are_no_object_are_no_answer(arguments: str) -> None:
    call = {**CALL, "function": {"name": "weather", "arguments": arguments}}
    kept = OPENAI.decode_answer(completion({"tool_calls": [call]}))
    assert OPENAI.encode_answer(kept)["choices"][0]["message"]["tool_calls"] == [call]
    with pytest.raises(ValueError, match=r".+"):
        ANTHROPIC.encode_answer(kept)


NOT_ANSWERS: list[tuple[DialectName, Any, str]] = [
    *((name, body, reason) for name in DIALECTS for body, reason in [
        (b"", "an empty body"), (b"<html>busy</html>", "not a JSON object"), (b"[]", "not a JSON object"),
        (b"{}", "without"),
        (b'"hi"', "not a JSON object"), (b"\xff\xfe", "not a JSON object"),
        (b"[" * 5000, "not a JSON object"), (b'{"a":', "not a JSON object"),
        ({"error": {"message": "no"}}, "an error in a body"), ({"error": "no"}, "an error in a body"),
    ]),
    (DialectName.OPENAI_CHAT, completion({"content": "Hi"}, choices=[]), "without choices"),
    (DialectName.OPENAI_CHAT, completion({"content": "Hi"}, choices=None), "without choices"),
    (DialectName.OPENAI_CHAT, completion({"content": "Hi"}, choices={}), "not a chat completion"),
    (DialectName.OPENAI_CHAT, completion({"content": "Hi"}, finish=None), "without a finish reason"),  # type: ignore[arg-type]
    (DialectName.OPENAI_CHAT, completion({"content": "Hi"}, finish=""), "without a finish reason"),
    (DialectName.OPENAI_CHAT, completion({"content": "Hi"}, finish="error"), "ended with an error"),
    (DialectName.OPENAI_CHAT, {"choices": [{"finish_reason": "stop"}]}, "not a chat completion"),
    (DialectName.OPENAI_CHAT, {"choices": [{"message": None, "finish_reason": "stop"}]}, "not a chat completion"),
    (DialectName.OPENAI_CHAT, {**completion({"content": "Hi"}), "error": {"code": 500}}, "an error in a body"),
    (DialectName.OPENAI_CHAT, message([{"type": "text", "text": "Hi"}]), "without choices"),
    *((DialectName.OPENAI_RESPONSES, body, reason) for body, reason in [
        ({"status": "completed"}, "without output"),
        ({"status": "completed", "output": {}}, "not a response"),
        ({"status": "completed", "output": [7]}, "not a response"),
        ({"status": "failed", "output": [], "error": None}, "of the status 'failed'"),
        ({"status": "failed", "output": [], "error": {"code": "server_error"}}, "an error in a body"),
        ({"status": "queued", "output": []}, "of the status 'queued'"),
        ({"status": "in_progress", "output": []}, "of the status 'in_progress'"),
        ({"output": []}, "without a status"),
        (completion({"content": "Hi"}), "without a status"),
    ]),
    (DialectName.ANTHROPIC_MESSAGES, message([], stop=None), "without a stop reason"),  # type: ignore[arg-type]
    (DialectName.ANTHROPIC_MESSAGES, message([]) | {"content": None}, "without content"),
    (DialectName.ANTHROPIC_MESSAGES, message([]) | {"content": "Hi"}, "not a message"),
    (DialectName.ANTHROPIC_MESSAGES, {"type": "error", "error": {"type": "api_error"}}, "an error in a body"),
    (DialectName.ANTHROPIC_MESSAGES, completion({"content": "Hi"}), "without content"),
]  # fmt: skip


@pytest.mark.parametrize(("name", "body", "reason"), NOT_ANSWERS, ids=map(str, range(len(NOT_ANSWERS))))
def test_a_good_status_alone_is_no_answer(name: DialectName, body: Any, reason: str) -> None:
    raw = body if isinstance(body, bytes) else msgspec.json.encode(body)
    with pytest.raises(ValueError, match=reason):
        dialect(name).read_answer(raw)


def test_facts_of_an_openai_answer() -> None:
    usage = {"prompt_tokens": 10, "completion_tokens": 3, "prompt_tokens_details": {"cached_tokens": 4}}
    facts = OPENAI.read_answer(msgspec.json.encode(completion({"content": "Hi", "tool_calls": [CALL]}, usage=usage)))
    assert facts.usage == Usage(input_tokens=10, cached_tokens=4, output_tokens=3)
    assert (facts.finish, facts.model) == (Finish.STOP, "gpt-4o")
    assert facts.output_chars == len("Hi" + "weather" + '{"city":"Oslo"}')


def test_facts_of_a_response() -> None:
    output = [
        {"type": "reasoning", "summary": [{"text": "Hm"}]},
        {"type": "message", "content": [{"type": "output_text", "text": "Hi"}, {"type": "refusal", "refusal": "No"}]},
        {"type": "function_call", "name": "weather", "arguments": "{}"},
        {"type": "web_search_call", "action": {"type": "search"}},
    ]
    usage = {"input_tokens": 10, "output_tokens": 3, "input_tokens_details": {"cached_tokens": 4}}
    body = {"status": "completed", "error": None, "model": "gpt-5", "output": output, "usage": usage}
    facts = dialect(DialectName.OPENAI_RESPONSES).read_answer(msgspec.json.encode(body))
    assert facts.usage == Usage(input_tokens=10, cached_tokens=4, output_tokens=3)
    assert (facts.finish, facts.model) == (Finish.TOOL_CALLS, "gpt-5")
    assert facts.output_chars == len("Hm" + "Hi" + "No" + "weather" + "{}")


def test_facts_of_an_anthropic_answer() -> None:
    facts = ANTHROPIC.read_answer(msgspec.json.encode(message([SIGNED, {"type": "text", "text": "Hi"}, USE])))
    assert facts.usage == Usage(input_tokens=7, output_tokens=5)
    assert (facts.finish, facts.model) == (Finish.STOP, "claude")
    assert facts.output_chars == len("Greet." + "Hi" + "weather" + '{"city":"Oslo"}')


def test_an_answer_without_usage_or_with_words_unknown_here_is_an_answer() -> None:
    told = completion({"content": "Hi"}, "eos_token", choices_too=1)
    facts = OPENAI.read_answer(msgspec.json.encode(told))
    assert (facts.usage, facts.finish) == (None, Finish.OTHER)


def test_json_that_only_sdks_take_is_read_as_they_do() -> None:
    raw = msgspec.json.encode(completion({"content": "Hi"})).replace(b'"logprobs":null', b'"logprobs":NaN')
    assert OPENAI.read_answer(raw).output_chars == 2
    raw = msgspec.json.encode(message([USE, {"type": "text", "text": "Hi"}], more=1)).replace(b'"Oslo"', b"NaN")
    assert ANTHROPIC.read_answer(raw).finish is Finish.STOP


def test_an_answer_of_several_choices_is_not_passed_off_as_one() -> None:
    body = completion({"content": "Hi"})
    with pytest.raises(ValueError, match="2 choices"):
        OPENAI.decode_answer({**body, "choices": body["choices"] * 2})


def test_a_block_that_nobody_asked_for_is_not_left_out() -> None:
    with pytest.raises(ValueError, match="server_tool_use"):
        ANTHROPIC.decode_answer(message([{"type": "server_tool_use", "id": "s", "name": "web_search", "input": {}}]))
