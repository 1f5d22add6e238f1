"""Requests across dialects, held against llm-rosetta: an independent translation, wherever that one is right.

Both translations are read back by the target dialect's own reader, so that what is compared is what is said, not how.
"""

from __future__ import annotations

from collections.abc import Mapping
from itertools import permutations
from typing import Any, Final

import msgspec
import pytest
from llm_rosetta import convert

from turnout.types.chat import Chat
from turnout.types.dialect import DialectName
from turnout.wire.registry import dialect, provider_dialect

NAMES: Final[Mapping[DialectName, str]] = {
    DialectName.OPENAI_CHAT: "openai_chat",
    DialectName.OPENAI_RESPONSES: "openai_responses",
    DialectName.ANTHROPIC_MESSAGES: "anthropic",
}
PIXEL: Final = "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg=="
SCHEMA: Final = {"type": "object", "properties": {"city": {"type": "string"}}, "required": ["city"]}
TOOLS: Final = [{"type": "function", "function": {"name": "weather", "description": "By city.", "parameters": SCHEMA}}]
CALL: Final = {"id": "call_1", "type": "function", "function": {"name": "weather", "arguments": '{"city": "Oslo"}'}}


def user(content: Any) -> dict[str, Any]:
    return {"role": "user", "content": content}


BASE: Final = {"model": "m", "max_tokens": 99, "messages": [user("Hi")]}
CASES: Final[Mapping[str, dict[str, Any]]] = {
    "a question": BASE,
    "several turns": {**BASE, "messages": [user("Hi"), {"role": "assistant", "content": "Hello."}, user("Bye")]},
    "a system prompt": {**BASE, "messages": [{"role": "system", "content": "Be brief."}, user("Hi")]},
    "temperature and top_p": {**BASE, "temperature": 0.3, "top_p": 0.9},
    "stop sequences": {**BASE, "stop": ["END", "STOP"]},
    "tools": {**BASE, "tools": TOOLS},
    "a forced tool": {**BASE, "tools": TOOLS, "tool_choice": {"type": "function", "function": {"name": "weather"}}},
    "some tool": {**BASE, "tools": TOOLS, "tool_choice": "required"},
    "a call and its result": {
        **BASE,
        "tools": TOOLS,
        "messages": [
            user("Weather?"),
            {"role": "assistant", "content": None, "tool_calls": [CALL]},
            {"role": "tool", "tool_call_id": "call_1", "content": "Rain."},
        ],
    },
    "an image": {
        **BASE,
        "messages": [
            user(
                [
                    {"type": "text", "text": "What is it?"},
                    {"type": "image_url", "image_url": {"url": f"data:image/png;base64,{PIXEL}"}},
                ]
            )
        ],
    },
    "unicode": {**BASE, "messages": [user('é🚂\n"\\ data: [DONE]')]},
}


TAKEN_FOR_EQUAL: Final[Mapping[str, str]] = {
    "cache": "it marks blocks for Anthropic's cache unasked, which costs; ours marks what the caller marked",
    "detail": "it writes an image's detail out where nobody gave one; `auto` is what providers take then",
    "arguments": "it writes a call's arguments with other blanks; as JSON they are the same",
}
"""Where llm-rosetta is not followed, and why."""


def said(name: DialectName, body: dict[str, Any]) -> Chat:
    return dialect(name).decode_request(msgspec.json.decode(msgspec.json.encode(body)))


def plainly(said: Any) -> Any:
    """What is said, without the differences of `TAKEN_FOR_EQUAL`."""
    if isinstance(said, Mapping):
        left_out = {"cache", *(["detail"] if said.get("detail") == "auto" else [])}
        read = {"arguments": msgspec.json.decode(said["arguments"])} if "arguments" in said else {}
        return {
            key: plainly(value) for key, value in {**said, **read}.items() if key not in left_out and value is not None
        }
    if isinstance(said, list | tuple):
        return [plainly(each) for each in said]
    return said


@pytest.mark.parametrize(
    ("case", "start", "end"),
    [
        (case, *pair)
        for case, body in CASES.items()
        for pair in permutations(NAMES, 2)
        if "stop" not in body or DialectName.OPENAI_RESPONSES not in pair  # which has no stop sequences
    ],
)
def test_it_is_translated_as_llm_rosetta_does(case: str, start: DialectName, end: DialectName) -> None:
    chat = said(DialectName.OPENAI_CHAT, CASES[case])
    body = (
        CASES[case]
        if start is DialectName.OPENAI_CHAT
        else dict(provider_dialect(start).encode_request(chat, "m", ask_usage=False))
    )
    ours = provider_dialect(end).encode_request(said(start, body), "m", ask_usage=False)
    theirs = convert(msgspec.json.decode(msgspec.json.encode(body)), NAMES[end], NAMES[start])
    assert plainly(msgspec.to_builtins(said(end, theirs))) == plainly(msgspec.to_builtins(said(end, ours)))
