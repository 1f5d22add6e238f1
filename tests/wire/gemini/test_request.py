"""A request of either caller's dialect, as Gemini gets it: golden pairs."""

from __future__ import annotations

from typing import Any

import pytest

from tests.wire.asking import HI, SCHEMA, TOOL, TOOL_BLOCK, call, use
from tests.wire.gemini.speaking import from_anthropic, from_openai
from turnout.errors import InvalidRequest
from turnout.types.chat import Chat, Message, Text
from turnout.wire.gemini.limits import NO_SIGNATURE
from turnout.wire.gemini.request import encode_request

CONTENTS = [{"role": "user", "parts": [{"text": "Hi"}]}]
DECLARED = {
    "tools": [{"functionDeclarations": [{"name": "weather", "description": "Now", "parametersJsonSchema": SCHEMA}]}]
}
CLOCK = {"type": "function", "function": {"name": "clock", "strict": True}}
FORM = {"type": "json_schema", "json_schema": {"name": "place", "schema": SCHEMA}}
IMAGE_URL = {"type": "image_url", "image_url": {"url": "https://example.org/a.PNG?size=1"}}
PDF = {"type": "file", "file": {"filename": "a.pdf", "file_data": "data:application/pdf;base64,JVBERg=="}}


def user(*content: dict[str, Any]) -> dict[str, Any]:
    return {"messages": [{"role": "user", "content": list(content)}]}


def shown(*parts: dict[str, Any]) -> dict[str, Any]:
    return {"contents": [{"role": "user", "parts": list(parts)}]}


def config(**fields: Any) -> dict[str, Any]:
    return {"contents": CONTENTS, "generationConfig": fields}


def choosing(mode: dict[str, Any]) -> dict[str, Any]:
    return {"contents": CONTENTS, **DECLARED, "toolConfig": {"functionCallingConfig": mode}}


FROM_OPENAI: dict[str, tuple[dict[str, Any], dict[str, Any]]] = {
    "a word": ({"messages": HI, "stream": True}, {"contents": CONTENTS}),
    "a system prompt": (
        {"messages": [{"role": "developer", "content": "Be brief."}, *HI]},
        {"systemInstruction": {"parts": [{"text": "Be brief."}]}, "contents": CONTENTS},
    ),
    "a system message within": (
        {"messages": [*HI, {"role": "system", "content": "Be brief."}]},
        {"systemInstruction": {"parts": [{"text": "Be brief."}]}, "contents": CONTENTS},
    ),
    "several turns": (
        {"messages": [*HI, {"role": "assistant", "content": "Hello"}, *HI, *HI]},
        {
            "contents": [
                *CONTENTS,
                {"role": "model", "parts": [{"text": "Hello"}]},
                {"role": "user", "parts": [{"text": "Hi"}, {"text": "Hi"}]},
            ]
        },
    ),
    "sampling": (
        {
            "messages": HI,
            "temperature": 1.5,
            "top_p": 0.9,
            "stop": "END",
            "seed": 7,
            "presence_penalty": 0.1,
            "frequency_penalty": 0.2,
            "max_completion_tokens": 50,
        },
        config(
            temperature=1.5,
            topP=0.9,
            maxOutputTokens=50,
            stopSequences=["END"],
            seed=7,
            presencePenalty=0.1,
            frequencyPenalty=0.2,
        ),
    ),
    "log probabilities": (
        {"messages": HI, "logprobs": True, "top_logprobs": 3},
        config(responseLogprobs=True, logprobs=3),
    ),
    "log probabilities of the chosen alone": (
        {"messages": HI, "logprobs": True, "top_logprobs": 0},
        config(responseLogprobs=True),
    ),
    "json": (
        {"messages": HI, "response_format": {"type": "json_object"}},
        config(responseMimeType="application/json"),
    ),
    "json by a schema": (
        {"messages": HI, "response_format": FORM},
        config(responseMimeType="application/json", responseJsonSchema=SCHEMA),
    ),
    "an image as data": (
        user({"type": "image_url", "image_url": {"url": "data:image/png;base64,iVBORw=="}}),
        shown({"inlineData": {"mimeType": "image/png", "data": "iVBORw=="}}),
    ),
    "an image by address": (
        user(IMAGE_URL),
        shown({"fileData": {"fileUri": "https://example.org/a.PNG?size=1", "mimeType": "image/png"}}),
    ),
    "an image by an address that does not tell its kind": (
        user({"type": "image_url", "image_url": {"url": "https://example.org/a"}}),
        shown({"fileData": {"fileUri": "https://example.org/a"}}),
    ),
    "a document": (user(PDF), shown({"inlineData": {"mimeType": "application/pdf", "data": "JVBERg=="}})),
    "a text as a file": (
        user({"type": "file", "file": {"filename": "a.txt", "file_data": "data:text/plain;base64,SGk="}}),
        shown({"text": "a.txt\n\nHi"}),
    ),
    "tools": ({"messages": HI, "tools": [TOOL]}, {"contents": CONTENTS, **DECLARED}),
    "a tool that must keep to its schema": (
        {"messages": HI, "tools": [CLOCK]},
        {
            "contents": CONTENTS,
            "tools": [{"functionDeclarations": [{"name": "clock"}]}],
            "toolConfig": {"functionCallingConfig": {"mode": "VALIDATED"}},
        },
    ),
    "no tool": ({"messages": HI, "tools": [TOOL], "tool_choice": "none"}, choosing({"mode": "NONE"})),
    "any tool": ({"messages": HI, "tools": [TOOL], "tool_choice": "required"}, choosing({"mode": "ANY"})),
    "one tool": (
        {"messages": HI, "tools": [TOOL], "tool_choice": {"type": "function", "function": {"name": "weather"}}},
        choosing({"mode": "ANY", "allowedFunctionNames": ["weather"]}),
    ),
    "a choice without tools": ({"messages": HI, "tool_choice": "auto"}, {"contents": CONTENTS}),
    "calls and their results": (
        {
            "messages": [
                *HI,
                {"role": "assistant", "content": "I look.", "tool_calls": [call("c1"), call("c2", "")]},
                {"role": "tool", "tool_call_id": "c1", "content": "sunny"},
                {"role": "tool", "tool_call_id": "c2", "content": ""},
                {"role": "user", "content": "And?"},
            ]
        },
        {
            "contents": [
                *CONTENTS,
                {
                    "role": "model",
                    "parts": [
                        {"text": "I look."},
                        {"functionCall": {"id": "c1", "name": "weather", "args": {"city": "Oslo"}}},
                        {"functionCall": {"id": "c2", "name": "weather", "args": {}}},
                    ],
                },
                {
                    "role": "user",
                    "parts": [
                        {"functionResponse": {"id": "c1", "name": "weather", "response": {"output": "sunny"}}},
                        {"functionResponse": {"id": "c2", "name": "weather", "response": {"output": ""}}},
                        {"text": "And?"},
                    ],
                },
            ]
        },
    ),
    "what is left out": (
        {"messages": HI, "user": "u-1", "metadata": {"a": "b"}, "parallel_tool_calls": True},
        {"contents": CONTENTS},
    ),
}


@pytest.mark.parametrize(("asked", "told"), FROM_OPENAI.values(), ids=FROM_OPENAI)
def test_a_request_of_an_openai_caller(asked: dict[str, Any], told: dict[str, Any]) -> None:
    assert from_openai(asked) == told


LIMITED = {"maxOutputTokens": 10}
FROM_ANTHROPIC: dict[str, tuple[dict[str, Any], dict[str, Any]]] = {
    "a system prompt": (
        {"messages": HI, "system": [{"type": "text", "text": "Be brief."}, {"type": "text", "text": ""}]},
        {"systemInstruction": {"parts": [{"text": "Be brief."}]}, "contents": CONTENTS, "generationConfig": LIMITED},
    ),
    "sampling": (
        {"messages": HI, "top_k": 5, "stop_sequences": ["A", "B"]},
        config(topK=5, stopSequences=["A", "B"], **LIMITED),
    ),
    "tools": (
        {"messages": HI, "tools": [TOOL_BLOCK], "tool_choice": {"type": "tool", "name": "weather"}},
        choosing({"mode": "ANY", "allowedFunctionNames": ["weather"]}) | {"generationConfig": LIMITED},
    ),
    "a result that failed and shows an image": (
        {
            "messages": [
                *HI,
                {"role": "assistant", "content": [{"type": "thinking", "thinking": "Hm", "signature": "s"}, use("t1")]},
                {
                    "role": "user",
                    "content": [
                        {"type": "text", "text": "See."},
                        {
                            "type": "tool_result",
                            "tool_use_id": "t1",
                            "is_error": True,
                            "content": [
                                {"type": "text", "text": "no"},
                                {
                                    "type": "image",
                                    "source": {"type": "base64", "media_type": "image/png", "data": "iVBORw=="},
                                },
                            ],
                        },
                    ],
                },
            ]
        },
        {
            "contents": [
                *CONTENTS,
                {
                    "role": "model",
                    "parts": [{"functionCall": {"id": "t1", "name": "weather", "args": {"city": "Oslo"}}}],
                },
                {
                    "role": "user",
                    "parts": [
                        {"functionResponse": {"id": "t1", "name": "weather", "response": {"error": "no"}}},
                        {"inlineData": {"mimeType": "image/png", "data": "iVBORw=="}},
                        {"text": "See."},
                    ],
                },
            ],
            "generationConfig": LIMITED,
        },
    ),
    "json by a schema": (
        {"messages": HI, "output_config": {"format": {"type": "json_schema", "schema": SCHEMA}}},
        config(**LIMITED, responseMimeType="application/json", responseJsonSchema=SCHEMA),
    ),
}


@pytest.mark.parametrize(("asked", "told"), FROM_ANTHROPIC.values(), ids=FROM_ANTHROPIC)
def test_a_request_of_an_anthropic_caller(asked: dict[str, Any], told: dict[str, Any]) -> None:
    assert from_anthropic(asked) == told


THINKING: list[tuple[dict[str, Any], str, dict[str, Any] | None]] = [
    ({"reasoning_effort": "low"}, "gemini-2.5-flash", {"includeThoughts": True, "thinkingBudget": 1024}),
    ({"reasoning_effort": "max"}, "gemini-2.5-pro", {"includeThoughts": True, "thinkingBudget": 24576}),
    ({"reasoning_effort": "none"}, "gemini-2.5-flash-lite", {"thinkingBudget": 0}),
    ({"reasoning_effort": "none"}, "gemini-2.5-pro", {"thinkingBudget": 128}),
    ({"reasoning_effort": "none"}, "gemini-2.0-flash", None),
    ({"reasoning_effort": "high"}, "gemini-3-pro-preview", {"includeThoughts": True, "thinkingLevel": "HIGH"}),
    ({"reasoning_effort": "medium"}, "gemini-3-pro-preview", {"includeThoughts": True, "thinkingLevel": "HIGH"}),
    ({"reasoning_effort": "medium"}, "gemini-3.1-pro", {"includeThoughts": True, "thinkingLevel": "MEDIUM"}),
    ({"reasoning_effort": "minimal"}, "gemini-3.1-pro", {"includeThoughts": True, "thinkingLevel": "LOW"}),
    ({"reasoning_effort": "minimal"}, "gemini-flash-latest", {"includeThoughts": True, "thinkingLevel": "MINIMAL"}),
    ({"reasoning_effort": "none"}, "gemini-3-flash-preview", {"thinkingLevel": "MINIMAL"}),
    ({}, "gemini-3-flash-preview", None),
]


@pytest.mark.parametrize(("asked", "model", "told"), THINKING)
def test_how_much_to_think_by_effort(asked: dict[str, Any], model: str, told: dict[str, Any] | None) -> None:
    assert from_openai({"messages": HI, **asked}, model).get("generationConfig", {}).get("thinkingConfig") == told


BUDGETS: list[tuple[dict[str, Any], str, dict[str, Any]]] = [
    ({"type": "enabled", "budget_tokens": 2000}, "gemini-2.5-pro", {"includeThoughts": True, "thinkingBudget": 2000}),
    ({"type": "enabled", "budget_tokens": 60000}, "gemini-2.5-pro", {"includeThoughts": True, "thinkingBudget": 32768}),
    (
        {"type": "enabled", "budget_tokens": 60000},
        "gemini-2.5-flash",
        {"includeThoughts": True, "thinkingBudget": 24576},
    ),
    ({"type": "adaptive"}, "gemini-2.5-flash", {"includeThoughts": True, "thinkingBudget": -1}),
    ({"type": "adaptive"}, "gemini-3-flash-preview", {"includeThoughts": True}),
    ({"type": "enabled", "budget_tokens": 2000}, "gemini-3.1-pro", {"includeThoughts": True, "thinkingLevel": "LOW"}),
    (
        {"type": "enabled", "budget_tokens": 9000},
        "gemini-3.1-pro",
        {"includeThoughts": True, "thinkingLevel": "MEDIUM"},
    ),
    ({"type": "enabled", "budget_tokens": 20000}, "gemini-3.1-pro", {"includeThoughts": True, "thinkingLevel": "HIGH"}),
]


@pytest.mark.parametrize(("asked", "model", "told"), BUDGETS)
def test_how_much_to_think_by_budget(asked: dict[str, Any], model: str, told: dict[str, Any]) -> None:
    body = from_anthropic({"messages": HI, "thinking": asked, "max_tokens": 64_000}, model)
    assert body["generationConfig"]["thinkingConfig"] == told


def history(signature: str | None) -> dict[str, Any]:
    signed = {"extra_content": {"google": {"thought_signature": signature}}} if signature else {}
    calls = [call("c1") | signed, call("c2")]
    results = [{"role": "tool", "tool_call_id": each["id"], "content": "sunny"} for each in calls]
    return {"messages": [*HI, {"role": "assistant", "content": None, "tool_calls": calls}, *results]}


def signatures(body: dict[str, Any]) -> list[str | None]:
    return [part.get("thoughtSignature") for part in body["contents"][1]["parts"]]


def test_a_signature_that_the_caller_kept_comes_back() -> None:
    assert signatures(from_openai(history("c2ln"), "gemini-3-flash-preview")) == ["c2ln", None]
    assert signatures(from_openai(history("c2ln"), "gemini-2.5-flash")) == ["c2ln", None]


def test_a_model_that_asks_for_signatures_takes_calls_that_another_model_made() -> None:
    assert signatures(from_openai(history(None), "gemini-3-flash-preview")) == [NO_SIGNATURE, None]
    assert signatures(from_openai(history(None), "gemini-2.5-flash")) == [None, None]


@pytest.mark.parametrize("arguments", ["[1]", "the city is Oslo", '{"a":'])
def test_arguments_that_are_no_object_are_the_callers_fault(arguments: str) -> None:
    messages = [*HI, {"role": "assistant", "content": None, "tool_calls": [call("c1", arguments)]}]
    with pytest.raises(InvalidRequest, match="not a JSON object, which Gemini asks for"):
        from_openai({"messages": messages})


def test_a_result_without_its_call_is_the_callers_fault() -> None:
    with pytest.raises(InvalidRequest, match="result of the tool call 'c9', and not the call"):
        from_openai({"messages": [*HI, {"role": "tool", "tool_call_id": "c9", "content": "sunny"}]})


def test_a_turn_of_which_nothing_is_left_is_left_out() -> None:
    chat = Chat(
        messages=(Message("user", (Text("Hi"),)), Message("assistant", (Text(""),)), Message("user", (Text("Hi"),)))
    )
    assert [turn["role"] for turn in encode_request(chat, "m", ask_usage=False)["contents"]] == ["user", "user"]
