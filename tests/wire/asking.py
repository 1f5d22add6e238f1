"""Requests to translate, and both ways of doing it."""

from __future__ import annotations

from typing import Any

from turnout.types.dialect import DialectName
from turnout.wire.registry import dialect

OPENAI, ANTHROPIC = dialect(DialectName.OPENAI_CHAT), dialect(DialectName.ANTHROPIC_MESSAGES)
RESPONSES = dialect(DialectName.OPENAI_RESPONSES)
HI: list[dict[str, Any]] = [{"role": "user", "content": "Hi"}]
HI_BLOCKS: list[dict[str, Any]] = [{"role": "user", "content": [{"type": "text", "text": "Hi"}]}]
SCHEMA = {
    "type": "object",
    "properties": {"city": {"type": "string"}},
    "required": ["city"],
    "additionalProperties": False,
}
TOOL = {"type": "function", "function": {"name": "weather", "description": "Now", "parameters": SCHEMA}}
TOOL_FLAT = {"type": "function", "name": "weather", "description": "Now", "parameters": SCHEMA, "strict": False}
TOOL_BLOCK = {"name": "weather", "description": "Now", "input_schema": SCHEMA}


def call(call_id: str, arguments: str = '{"city":"Oslo"}') -> dict[str, Any]:
    return {"id": call_id, "type": "function", "function": {"name": "weather", "arguments": arguments}}


def use(call_id: str) -> dict[str, Any]:
    return {"type": "tool_use", "id": call_id, "name": "weather", "input": {"city": "Oslo"}}


def to_anthropic(body: dict[str, Any], model: str = "claude-opus-5") -> dict[str, Any]:
    chat = OPENAI.decode_request({"model": "route", **body})
    return ANTHROPIC.encode_request(chat, model, ask_usage=True)


def to_openai(body: dict[str, Any], model: str = "gpt-4o") -> dict[str, Any]:
    chat = ANTHROPIC.decode_request({"model": "route", "max_tokens": 10, **body})
    return OPENAI.encode_request(chat, model, ask_usage=True)
