"""A Responses request as providers of the other dialects get it, and theirs as a Responses provider does."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import pytest
from openai.types.responses.response_create_params import ResponseCreateParamsNonStreaming
from pydantic import TypeAdapter, ValidationError

from tests.wire.asking import ANTHROPIC, HI, OPENAI, RESPONSES, SCHEMA, TOOL, TOOL_FLAT, call, use
from turnout.errors import InvalidRequest
from turnout.wire.dialect import Dialect

TYPES: TypeAdapter[Any] = TypeAdapter(ResponseCreateParamsNonStreaming)
PNG = "data:image/png;base64,iVBORw=="
PDF = "data:application/pdf;base64,JVBERi0="


def said(role: str, content: Any) -> dict[str, Any]:
    return {"type": "message", "role": role, "content": content}


def called(call_id: str) -> dict[str, Any]:
    return {"type": "function_call", "call_id": call_id, "name": "weather", "arguments": '{"city":"Oslo"}'}


def gave(call_id: str, output: Any) -> dict[str, Any]:
    return {"type": "function_call_output", "call_id": call_id, "output": output}


def encoded(body: dict[str, Any], of: Dialect, to: Dialect, model: str) -> dict[str, Any]:
    return to.encode_request(of.decode_request({"model": "route", **body}), model, ask_usage=False)


def lacking(body: dict[str, Any], of: Dialect, to: Dialect) -> list[str]:
    needs = of.outline({"model": "m", **body}).needs
    return [need for need in needs if need in to.lacks or need.startswith("field:")]


ASKED = [said("user", "Hi")]
BOTH_WAYS: dict[str, tuple[dict[str, Any], dict[str, Any]]] = {
    "instructions": (
        {"messages": [{"role": "system", "content": "Be brief."}, *HI]},
        {"instructions": "Be brief.", "input": ASKED},
    ),
    "several turns": (
        {"messages": [*HI, {"role": "assistant", "content": "Hello"}, {"role": "user", "content": "Bye"}]},
        {"input": [*ASKED, said("assistant", "Hello"), said("user", "Bye")]},
    ),
    "a system message within the conversation": (
        {"messages": [*HI, {"role": "system", "content": "In French."}, *HI]},
        {"input": [*ASKED, said("system", "In French."), *ASKED]},
    ),
    "sampling and limits": (
        {"messages": HI, "temperature": 1.5, "top_p": 0.9, "max_tokens": 10},
        {"input": ASKED, "temperature": 1.5, "top_p": 0.9, "max_output_tokens": 10},
    ),
    "an image and a PDF": (
        {
            "messages": [
                {
                    "role": "user",
                    "content": [
                        {"type": "text", "text": "What is it?"},
                        {"type": "image_url", "image_url": {"url": PNG, "detail": "low"}},
                        {"type": "file", "file": {"filename": "a.pdf", "file_data": PDF}},
                    ],
                }
            ]
        },
        {
            "input": [
                said(
                    "user",
                    [
                        {"type": "input_text", "text": "What is it?"},
                        {"type": "input_image", "image_url": PNG, "detail": "low"},
                        {"type": "input_file", "filename": "a.pdf", "file_data": PDF},
                    ],
                )
            ]
        },
    ),
    "an image by address": (
        {
            "messages": [
                {"role": "user", "content": [{"type": "image_url", "image_url": {"url": "https://example.org/a.png"}}]}
            ]
        },
        {
            "input": [
                said("user", [{"type": "input_image", "image_url": "https://example.org/a.png", "detail": "auto"}])
            ]
        },
    ),
    "tools": ({"messages": HI, "tools": [TOOL]}, {"input": ASKED, "tools": [TOOL_FLAT]}),
    "a strict tool": (
        {"messages": HI, "tools": [{"type": "function", "function": {**TOOL["function"], "strict": True}}]},  # type: ignore[dict-item]
        {"input": ASKED, "tools": [{**TOOL_FLAT, "strict": True}]},
    ),
    "this tool, and only one call": (
        {
            "messages": HI,
            "tools": [TOOL],
            "tool_choice": {"type": "function", "function": {"name": "weather"}},
            "parallel_tool_calls": False,
        },
        {
            "input": ASKED,
            "tools": [TOOL_FLAT],
            "tool_choice": {"type": "function", "name": "weather"},
            "parallel_tool_calls": False,
        },
    ),
    "no tool": (
        {"messages": HI, "tools": [TOOL], "tool_choice": "none"},
        {"input": ASKED, "tools": [TOOL_FLAT], "tool_choice": "none"},
    ),
    "parallel calls and their results": (
        {
            "messages": [
                *HI,
                {"role": "assistant", "content": "Looking", "tool_calls": [call("a"), call("b")]},
                {"role": "tool", "tool_call_id": "a", "content": "4 C"},
                {"role": "tool", "tool_call_id": "b", "content": ""},
                {"role": "user", "content": "So?"},
            ]
        },
        {
            "input": [
                *ASKED,
                said("assistant", "Looking"),
                called("a"),
                called("b"),
                gave("a", "4 C"),
                gave("b", ""),
                said("user", "So?"),
            ]
        },
    ),
    "a schema of the answer": (
        {
            "messages": HI,
            "response_format": {"type": "json_schema", "json_schema": {"name": "w", "strict": True, "schema": SCHEMA}},
        },
        {"input": ASKED, "text": {"format": {"type": "json_schema", "name": "w", "strict": True, "schema": SCHEMA}}},
    ),
    "some JSON": (
        {"messages": HI, "response_format": {"type": "json_object"}},
        {"input": ASKED, "text": {"format": {"type": "json_object"}}},
    ),
    "an effort": (
        {"messages": HI, "reasoning_effort": "high"},
        {"input": ASKED, "reasoning": {"effort": "high"}},
    ),
    "log-probabilities": (
        {"messages": HI, "logprobs": True, "top_logprobs": 2},
        {"input": ASKED, "include": ["message.output_text.logprobs"], "top_logprobs": 2},
    ),
    "the end user, streamed": (
        {"messages": HI, "user": "u-7", "stream": True},
        {"input": ASKED, "user": "u-7", "stream": True},
    ),
}


@pytest.mark.parametrize(("chat", "responses"), BOTH_WAYS.values(), ids=BOTH_WAYS)
def test_chat_to_responses(chat: dict[str, Any], responses: dict[str, Any]) -> None:
    assert encoded(chat, OPENAI, RESPONSES, "gpt-4o") == {"model": "gpt-4o", "store": False, **responses}
    assert not lacking(chat, OPENAI, RESPONSES)


@pytest.mark.parametrize(("chat", "responses"), BOTH_WAYS.values(), ids=BOTH_WAYS)
def test_responses_to_chat(chat: dict[str, Any], responses: dict[str, Any]) -> None:
    assert encoded(responses, RESPONSES, OPENAI, "gpt-4o") == {"model": "gpt-4o", **chat}
    assert not lacking(responses, RESPONSES, OPENAI)


TO_CHAT: dict[str, tuple[dict[str, Any], dict[str, Any]]] = {
    "an input that is a text": ({"input": "Hi"}, {"messages": HI}),
    "instructions and developers": (
        {"instructions": "One.", "input": [{"role": "developer", "content": "Two."}, *HI]},
        {
            "messages": [
                {"role": "system", "content": [{"type": "text", "text": "One."}, {"type": "text", "text": "Two."}]},
                *HI,
            ]
        },
    ),
    "what a model wrote, as it came": (
        {
            "input": [
                *HI,
                {"type": "reasoning", "id": "rs_1", "summary": [], "encrypted_content": "OpenAI's own"},
                {
                    "type": "message",
                    "id": "msg_1",
                    "role": "assistant",
                    "status": "completed",
                    "phase": "commentary",
                    "content": [{"type": "output_text", "text": "Looking", "annotations": [], "logprobs": []}],
                },
                {**called("a"), "id": "fc_1", "status": "completed", "caller": {"type": "direct"}},
                {**gave("a", "4 C"), "id": "fo_1", "status": "completed"},
            ]
        },
        {
            "messages": [
                *HI,
                {"role": "assistant", "content": "Looking", "tool_calls": [call("a")]},
                {"role": "tool", "tool_call_id": "a", "content": "4 C"},
            ]
        },
    ),
    "two answers in a row stay two": (
        {"input": [*HI, said("assistant", "First."), said("assistant", "Second."), *HI]},
        {
            "messages": [
                *HI,
                {"role": "assistant", "content": "First."},
                {"role": "assistant", "content": "Second."},
                *HI,
            ]
        },
    ),
    "a tool that shows an image": (
        {
            "input": [
                *HI,
                called("a"),
                gave("a", [{"type": "input_text", "text": "a map"}, {"type": "input_image", "image_url": PNG}]),
            ]
        },
        {
            "messages": [
                *HI,
                {"role": "assistant", "content": None, "tool_calls": [call("a")]},
                {"role": "tool", "tool_call_id": "a", "content": "a map"},
                {
                    "role": "user",
                    "content": [
                        {"type": "text", "text": "Shown by the tool call a:"},
                        {"type": "image_url", "image_url": {"url": PNG}},
                    ],
                },
            ]
        },
    ),
    "what only advises stays behind": (
        {
            "input": "Hi",
            "store": False,
            "metadata": {"a": "b"},
            "truncation": "disabled",
            "service_tier": "auto",
            "include": ["reasoning.encrypted_content"],
            "text": {"verbosity": "medium", "format": {"type": "text"}},
            "reasoning": {"summary": "auto"},
            "background": False,
            "temperature": None,
        },
        {"messages": HI},
    ),
}


@pytest.mark.parametrize(("responses", "chat"), TO_CHAT.values(), ids=TO_CHAT)
def test_only_responses_to_chat(responses: dict[str, Any], chat: dict[str, Any]) -> None:
    assert encoded(responses, RESPONSES, OPENAI, "gpt-4o") == {"model": "gpt-4o", **chat}
    assert not lacking(responses, RESPONSES, OPENAI)


TO_RESPONSES: dict[str, tuple[dict[str, Any], dict[str, Any]]] = {
    "a failed tool says so, and what it shows is shown": (
        {
            "messages": [
                *HI,
                {"role": "assistant", "content": [use("a")]},
                {
                    "role": "user",
                    "content": [
                        {"type": "tool_result", "tool_use_id": "a", "content": "no city", "is_error": True},
                        {
                            "type": "tool_result",
                            "tool_use_id": "b",
                            "content": [
                                {
                                    "type": "image",
                                    "source": {"type": "base64", "media_type": "image/png", "data": "iVBORw=="},
                                }
                            ],
                            "is_error": True,
                        },
                        {"type": "text", "text": "So?"},
                    ],
                },
            ]
        },
        {
            "input": [
                *ASKED,
                called("a"),
                gave("a", "Error: no city"),
                gave(
                    "b",
                    [
                        {"type": "input_text", "text": "Error: "},
                        {"type": "input_image", "image_url": PNG, "detail": "auto"},
                    ],
                ),
                said("user", "So?"),
            ]
        },
    ),
    "past thinking stays behind": (
        {
            "messages": [
                *HI,
                {
                    "role": "assistant",
                    "content": [
                        {"type": "thinking", "thinking": "Greet.", "signature": "c2ln"},
                        {"type": "text", "text": "Hello"},
                    ],
                },
                *HI,
            ]
        },
        {"input": [*ASKED, said("assistant", "Hello"), *ASKED]},
    ),
    "thinking within a budget": (
        {"messages": HI, "thinking": {"type": "enabled", "budget_tokens": 8000}},
        {"input": ASKED, "reasoning": {"effort": "medium"}},
    ),
    "a system prompt of two parts": (
        {"system": [{"type": "text", "text": "One."}, {"type": "text", "text": "Two."}], "messages": HI},
        {
            "input": [
                said("system", [{"type": "input_text", "text": "One."}, {"type": "input_text", "text": "Two."}]),
                *ASKED,
            ]
        },
    ),
    "a plain text document is a text": (
        {
            "messages": [
                {
                    "role": "user",
                    "content": [
                        {
                            "type": "document",
                            "title": "a.txt",
                            "source": {"type": "text", "media_type": "text/plain", "data": "hello"},
                        }
                    ],
                }
            ]
        },
        {"input": [said("user", [{"type": "input_text", "text": "a.txt\n\nhello"}])]},
    ),
    "a schema of the answer": (
        {"messages": HI, "output_config": {"format": {"type": "json_schema", "schema": SCHEMA}}},
        {
            "input": ASKED,
            "text": {"format": {"type": "json_schema", "name": "answer", "schema": SCHEMA, "strict": True}},
        },
    ),
}


@pytest.mark.parametrize(("anthropic", "responses"), TO_RESPONSES.values(), ids=TO_RESPONSES)
def test_anthropic_to_responses(anthropic: dict[str, Any], responses: dict[str, Any]) -> None:
    told = encoded({"max_tokens": 10, **anthropic}, ANTHROPIC, RESPONSES, "gpt-5")
    assert told == {"model": "gpt-5", "max_output_tokens": 10, "store": False, **responses}
    assert not lacking({"max_tokens": 10, **anthropic}, ANTHROPIC, RESPONSES)


def test_reasoning_that_anthropic_signed_goes_back_to_it_through_responses() -> None:
    sealed = [
        {
            "type": "reasoning",
            "id": "rs_1",
            "summary": [{"type": "summary_text", "text": "Greet."}],
            "encrypted_content": "anthropic-claude-v1:signature:c2ln",
        },
        {"type": "reasoning", "id": "rs_2", "summary": [], "encrypted_content": "anthropic-claude-v1:redacted:b3Bh"},
    ]
    told = encoded({"input": [*HI, *sealed, said("assistant", "Hello"), *HI]}, RESPONSES, ANTHROPIC, "claude-opus-5")
    assert told["messages"][1]["content"] == [
        {"type": "thinking", "thinking": "Greet.", "signature": "c2ln"},
        {"type": "redacted_thinking", "data": "b3Bh"},
        {"type": "text", "text": "Hello"},
    ]


def test_reasoning_that_openai_sealed_goes_to_nobody_else() -> None:
    own = {
        "type": "reasoning",
        "id": "rs",
        "summary": [{"type": "summary_text", "text": "x"}],
        "encrypted_content": "g",
    }
    told = encoded({"input": [*HI, own, said("assistant", "Hello"), *HI]}, RESPONSES, ANTHROPIC, "claude-opus-5")
    assert told["messages"][1]["content"] == [{"type": "text", "text": "Hello"}]


def check(body: dict[str, Any]) -> None:
    """Validate to the last item: lists are only looked at when they are walked."""
    waiting = [TYPES.validate_python({"model": "m", **body, "stream": False})]
    while waiting:
        value = waiting.pop()
        if isinstance(value, dict):
            waiting += value.values()
        elif isinstance(value, Iterable) and not isinstance(value, str):
            waiting += value


BODIES = {name: body for name, (_, body) in BOTH_WAYS.items()} | {
    f"{name} (from anthropic)": body for name, (_, body) in TO_RESPONSES.items()
}


@pytest.mark.parametrize("body", BODIES.values(), ids=BODIES)
def test_a_request_for_responses_is_what_the_sdks_types_allow(body: dict[str, Any]) -> None:
    check(body)


def test_the_types_would_find_a_wrong_item() -> None:
    with pytest.raises(ValidationError):
        check({"input": [{"type": "function_call_output", "call_id": "c"}]})


@pytest.mark.parametrize(
    ("body", "param"),
    [
        ({"input": 7}, "input"),
        ({"input": [7]}, "input[0]"),
        ({"input": [{"role": "tool", "content": "x"}]}, "input[0].role"),
        ({"input": [{"role": "user"}]}, "input[0].content"),
        ({"input": [{"role": "user", "content": [{"type": "input_text"}]}]}, "input[0].content[0].text"),
        ({"input": [{"type": "function_call", "call_id": "", "name": "f", "arguments": "{}"}]}, "input[0].call_id"),
        ({"input": [{"type": "reasoning", "summary": [{"text": 7}]}]}, "input[0]"),
        ({"input": "Hi", "instructions": ["x"]}, "instructions"),
        ({"input": "Hi", "tools": [{"name": "f"}]}, "tools[0].type"),
        ({"input": "Hi", "background": True}, "background"),
        ({"input": "Hi", "text": {"format": {"type": "json_schema"}}}, "text.format.name"),
        ({"input": "Hi", "max_output_tokens": "9"}, "max_output_tokens"),
    ],
)
def test_what_is_no_request_is_refused_by_the_name_of_the_field(body: dict[str, Any], param: str) -> None:
    with pytest.raises(InvalidRequest) as caught:
        RESPONSES.decode_request({"model": "m", **body})
    assert caught.value.param == param
