"""A whole message: read into an `Answer`, and written from one."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from turnout.types.chat import Answer, Finish, Part, Refusal, Text, Thinking, ToolCall
from turnout.types.usage import Usage
from turnout.wire.anthropic_messages.finish import FINISH, STOP_REASON
from turnout.wire.anthropic_messages.tools import decode_input, encode_call_id, encode_input
from turnout.wire.anthropic_messages.usage import usage_from, usage_to
from turnout.wire.event_json import expect


def decode_answer(body: dict[str, Any]) -> Answer:
    """Read an answer.

    Raises:
        ValueError: it is not a complete answer of this dialect, or has blocks of tools that nobody asked for.
    """
    content = expect(list, body.get("content"), "content")
    usage, stop_sequence = body.get("usage"), body.get("stop_sequence")
    return Answer(
        id=expect(str, body.get("id") or "", "an id"),
        model=expect(str, body.get("model") or "", "a model"),
        parts=tuple(part for block in content for part in _parts(expect(dict, block, "a block"))),
        finish=FINISH.get(expect(str, body.get("stop_reason"), "a stop reason"), Finish.OTHER),
        stop_sequence=stop_sequence if isinstance(stop_sequence, str) else None,
        usage=usage_from(expect(dict, usage, "usage")) if usage else None,
    )


def _parts(block: dict[str, Any]) -> Iterator[Part]:
    match block.get("type"):
        case "text":
            if said := expect(str, block.get("text"), "text"):
                yield Text(said)
        case "thinking":
            signature = block.get("signature") or None
            yield Thinking(expect(str, block.get("thinking"), "thinking"), signature=signature)
        case "redacted_thinking":
            yield Thinking(redacted=expect(str, block.get("data"), "redacted thinking"))
        case "tool_use":
            call_id = expect(str, block.get("id"), "a tool call's id")
            arguments = decode_input(expect(dict, block.get("input"), "input"))
            yield ToolCall(call_id, expect(str, block.get("name"), "a tool's name"), arguments)
        case kind:
            raise ValueError(f"a block of type {kind}, which nobody asked for")


def encode_answer(answer: Answer) -> dict[str, Any]:
    """Write an answer.

    Raises:
        ValueError: a tool call's arguments are not a JSON object.
    """
    return {
        "id": answer.id,
        "type": "message",
        "role": "assistant",
        "model": answer.model,
        "content": [block for part in answer.parts for block in _blocks(part)],
        "stop_reason": STOP_REASON[answer.finish],
        "stop_sequence": answer.stop_sequence,
        "usage": usage_to(answer.usage or Usage()),
    }


def _blocks(part: Part) -> Iterator[dict[str, Any]]:
    match part:
        case Text(said) | Refusal(said):
            yield {"type": "text", "text": said}
        case Thinking(redacted=str(data)):
            yield {"type": "redacted_thinking", "data": data}
        case Thinking(said, signature=signature):
            yield {"type": "thinking", "thinking": said, "signature": signature or ""}
        case ToolCall(call_id, name, arguments):
            told = encode_input(arguments)
            yield {"type": "tool_use", "id": encode_call_id(call_id), "name": name, "input": told}
