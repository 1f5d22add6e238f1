"""Responses of Gemini, whole and in pieces, and requests made for it."""

from __future__ import annotations

import json
from typing import Any

from tests.wire.asking import ANTHROPIC, OPENAI
from turnout.types.dialect import DialectName
from turnout.wire.registry import provider_dialect

GEMINI = provider_dialect(DialectName.GEMINI)
USAGE = {"promptTokenCount": 9, "candidatesTokenCount": 2, "totalTokenCount": 11}


def response(*parts: dict[str, Any], finish: str | None = "STOP", **fields: Any) -> dict[str, Any]:
    candidate: dict[str, Any] = {"content": {"parts": list(parts), "role": "model"}, "index": 0}
    if finish is not None:
        candidate["finishReason"] = finish
    return {"candidates": [candidate], "modelVersion": "gemini-2.5-flash", "responseId": "r-1", **fields}


def piece(*parts: dict[str, Any], finish: str | None = None, **fields: Any) -> bytes:
    return event(response(*parts, finish=finish, **fields))


def event(body: Any) -> bytes:
    return b"data: " + json.dumps(body, separators=(",", ":"), ensure_ascii=False).encode() + b"\r\n\r\n"


def text(said: str) -> dict[str, Any]:
    return {"text": said}


def function_call(name: str = "weather", **fields: Any) -> dict[str, Any]:
    return {"functionCall": {"name": name, "args": {"city": "Oslo"}, **fields}}


def from_openai(body: dict[str, Any], model: str = "gemini-2.5-flash") -> dict[str, Any]:
    return GEMINI.encode_request(OPENAI.decode_request({"model": "route", **body}), model, ask_usage=True)


def from_anthropic(body: dict[str, Any], model: str = "gemini-2.5-flash") -> dict[str, Any]:
    chat = ANTHROPIC.decode_request({"model": "route", "max_tokens": 10, **body})
    return GEMINI.encode_request(chat, model, ask_usage=True)
