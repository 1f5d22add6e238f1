"""A whole chat completion: read into an `Answer`, and written from one."""

from __future__ import annotations

import re
import time
from collections.abc import Iterator
from typing import Any, Final

from turnout.types.chat import Answer, Finish, Part, Refusal, Text, Thinking, ToolCall
from turnout.wire.event_json import expect
from turnout.wire.openai_chat.finish import FINISH, FINISH_REASON
from turnout.wire.openai_chat.logprobs import decode_logprobs, encode_logprobs
from turnout.wire.openai_chat.messages import encode_call
from turnout.wire.openai_chat.reasoning import decode_reasoning, encode_reasoning
from turnout.wire.openai_chat.usage import usage_from, usage_to

_NOT_OF_AN_ID: Final = re.compile(r"[^a-zA-Z0-9_-]")


def decode_answer(body: dict[str, Any]) -> Answer:
    """Read an answer.

    Raises:
        ValueError: it is not one complete answer of this dialect.
    """
    choices = expect(list, body.get("choices"), "choices")
    if len(choices) != 1:
        raise ValueError(f"{len(choices)} choices, where one answer was asked for")
    choice = expect(dict, choices[0], "a choice")
    answer_id = expect(str, body.get("id") or "", "an id")
    parts = tuple(_parts(expect(dict, choice.get("message"), "the message"), answer_id))
    finish = FINISH.get(expect(str, choice.get("finish_reason"), "a finish reason"), Finish.OTHER)
    if finish is Finish.STOP and any(isinstance(part, ToolCall) for part in parts):
        # A call that the request forced ends with `stop` here, and with the calls' own reason everywhere else.
        finish = Finish.TOOL_CALLS
    created, usage = body.get("created"), body.get("usage")
    return Answer(
        id=answer_id,
        model=expect(str, body.get("model") or "", "a model"),
        parts=parts,
        finish=finish,
        usage=usage_from(expect(dict, usage, "usage")) if usage else None,
        logprobs=decode_logprobs(choice.get("logprobs")),
        created=created if type(created) is int else None,
    )


def _parts(message: dict[str, Any], answer_id: str) -> Iterator[Part]:
    yield from decode_reasoning(message)
    content = message.get("content") or ""
    if isinstance(content, list):
        for piece in content:
            yield from _piece(expect(dict, piece, "a part"))
    elif expect(str, content, "content"):
        yield Text(content)
    if message.get("refusal"):
        yield Refusal(expect(str, message["refusal"], "a refusal"))
    for number, call in enumerate(expect(list, message.get("tool_calls") or [], "tool_calls")):
        yield _call(expect(dict, call, "a tool call"), f"call_{_NOT_OF_AN_ID.sub('_', answer_id)}_{number}")


def _piece(piece: dict[str, Any]) -> Iterator[Part]:
    """A part of content that comes as a list, as some servers send it."""
    match piece:
        case {"type": "text", "text": str(said)}:
            yield Text(said)
        case {"type": "thinking", "thinking": list(thought)}:
            for item in thought:
                yield Thinking(expect(str, expect(dict, item, "a part").get("text"), "a thought"))
        case _:
            raise ValueError(f"content of the type {piece.get('type')}, which nobody asked for")


def _call(call: dict[str, Any], made_up_id: str) -> ToolCall:
    function = expect(dict, call.get("function"), "a function")
    return ToolCall(
        id=expect(str, call.get("id") or made_up_id, "a tool call's id"),
        name=expect(str, function.get("name"), "a tool's name"),
        arguments=expect(str, function.get("arguments") or "", "arguments"),
    )


def encode_answer(answer: Answer) -> dict[str, Any]:
    """Write an answer."""
    refusals = [part.text for part in answer.parts if isinstance(part, Refusal)]
    calls = [encode_call(part) for part in answer.parts if isinstance(part, ToolCall)]
    message: dict[str, Any] = {
        "role": "assistant",
        "content": answer.text if any(isinstance(part, Text) for part in answer.parts) else None,
        "refusal": "".join(refusals) if refusals else None,
    }
    message |= encode_reasoning(answer.parts)
    if calls:
        message["tool_calls"] = calls
    choice = {
        "index": 0,
        "message": message,
        "logprobs": encode_logprobs(answer.logprobs),
        "finish_reason": FINISH_REASON[answer.finish],
    }
    body = {
        "id": answer.id,
        "object": "chat.completion",
        "created": int(time.time()) if answer.created is None else answer.created,
        "model": answer.model,
        "choices": [choice],
    }
    return body if answer.usage is None else body | {"usage": usage_to(answer.usage)}
