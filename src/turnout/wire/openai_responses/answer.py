"""A whole response: read into an `Answer`, and written from one."""

from __future__ import annotations

import math
import re
from collections.abc import Iterator, Sequence
from itertools import groupby
from typing import Any, Final

from turnout.types.chat import Answer, Part, Refusal, Text, Thinking, TokenLogprob, ToolCall
from turnout.wire.event_json import expect
from turnout.wire.openai_chat.logprobs import decode_logprobs, encode_logprobs
from turnout.wire.openai_responses.finish import ending, finish_of
from turnout.wire.openai_responses.messages import encode_call
from turnout.wire.openai_responses.reasoning import decode_item, encode_item
from turnout.wire.openai_responses.response import response
from turnout.wire.openai_responses.usage import usage_from, usage_to

_NOT_OF_AN_ID: Final = re.compile(r"[^a-zA-Z0-9_-]")


def decode_answer(body: dict[str, Any]) -> Answer:
    """Read an answer.

    Raises:
        ValueError: it is not a complete answer of this dialect, or has items of tools that nobody asked for.
    """
    output = [expect(dict, item, "an item") for item in expect(list, body.get("output"), "the output")]
    parts = tuple(part for item in output for part in parts_of(item))
    usage = body.get("usage")
    calls = any(isinstance(part, ToolCall) for part in parts)
    return Answer(
        id=expect(str, body.get("id") or "", "an id"),
        model=expect(str, body.get("model") or "", "a model"),
        parts=parts,
        finish=finish_of(body.get("status"), body.get("incomplete_details"), calls=calls),
        usage=usage_from(expect(dict, usage, "usage")) if usage else None,
        logprobs=tuple(token for item in output for token in logprobs_of(item)),
        created=created_at(body),
    )


def created_at(body: dict[str, Any]) -> int | None:
    """When the response was begun, in seconds since 1970."""
    told = body.get("created_at")
    return int(told) if isinstance(told, int | float) and math.isfinite(told) else None


def parts_of(item: dict[str, Any]) -> Iterator[Part]:
    """The parts that an item of the output holds.

    Raises:
        ValueError: it is of a kind that nobody asked for, or is no item.
    """
    match item.get("type"):
        case "message":
            for content in expect(list, item.get("content") or [], "content"):
                yield from _said(expect(dict, content, "a part"))
        case "function_call":
            yield ToolCall(
                expect(str, item.get("call_id"), "a call's id"),
                expect(str, item.get("name"), "a tool's name"),
                expect(str, item.get("arguments") or "", "arguments"),
            )
        case "reasoning":
            if (thought := decode_item(item)) is not None:
                yield thought
        case kind:
            raise ValueError(f"an item of type {kind}, which nobody asked for")


def _said(content: dict[str, Any]) -> Iterator[Part]:
    match content.get("type"):
        case "output_text":
            if said := expect(str, content.get("text"), "text"):
                yield Text(said)
        case "refusal":
            yield Refusal(expect(str, content.get("refusal"), "a refusal"))
        case kind:
            raise ValueError(f"content of the type {kind}, which nobody asked for")


def logprobs_of(item: dict[str, Any]) -> Iterator[TokenLogprob]:
    """Those of an item's tokens. Raises `ValueError` where they are of another form."""
    for content in item.get("content") or () if item.get("type") == "message" else ():
        yield from decode_logprobs({"content": content.get("logprobs")})


def encode_answer(answer: Answer, body: dict[str, Any]) -> dict[str, Any]:
    """Write an answer to the request `body`."""
    told = response(body, answer_id=answer.id, model=answer.model, created=answer.created)
    told |= ending(answer.finish)
    told["output"] = _output(answer, told["status"])
    told["usage"] = answer.usage and usage_to(answer.usage)
    return told


def _output(answer: Answer, status: str) -> list[dict[str, Any]]:
    output: list[dict[str, Any]] = []
    logprobs = answer.logprobs
    for spoken, group in groupby(answer.parts, lambda part: isinstance(part, Text | Refusal)):
        if spoken:
            content = []
            for part in group:
                content.append(content_of(part, logprobs if isinstance(part, Text) else ()))
                logprobs = () if isinstance(part, Text) else logprobs
            output.append(message(item_id(answer.id, "msg", len(output)), content, status))
            continue
        for part in group:
            if isinstance(part, ToolCall):
                output.append(call(part, item_id(answer.id, "fc", len(output)), "completed"))
            elif isinstance(part, Thinking):
                output.append(encode_item(part, item_id(answer.id, "rs", len(output))))
    return output


def item_id(answer_id: str, kind: str, place: int) -> str:
    """The id of the item at a place of the output; the same each time it is asked for."""
    return f"{kind}_{_NOT_OF_AN_ID.sub('_', answer_id)}_{place}"


def message(message_id: str, content: list[dict[str, Any]], status: str) -> dict[str, Any]:
    """An item that says something."""
    return {"id": message_id, "type": "message", "status": status, "role": "assistant", "content": content}


def content_of(part: Part, logprobs: Sequence[TokenLogprob] = ()) -> dict[str, Any]:
    """What stands in a message: a text or a refusal."""
    if isinstance(part, Refusal):
        return {"type": "refusal", "refusal": part.text}
    said = part.text if isinstance(part, Text) else ""
    told = (encode_logprobs(logprobs) or {}).get("content", [])
    return {"type": "output_text", "text": said, "annotations": [], "logprobs": told}


def call(part: ToolCall, call_item_id: str, status: str) -> dict[str, Any]:
    """An item that calls a tool."""
    return {"id": call_item_id, **encode_call(part), "status": status}
