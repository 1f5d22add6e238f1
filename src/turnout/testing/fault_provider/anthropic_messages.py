"""Anthropic Messages, as the provider speaks it."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from typing import Any

from turnout.testing.fault_provider.answer import Answer, Finish
from turnout.testing.fault_provider.ask import (
    Ask,
    Tool,
    items,
    last_user_text,
    mapping,
    mentions,
    required,
    texts,
    whole_number,
)
from turnout.testing.fault_provider.complaint import Complaint
from turnout.testing.fault_provider.script import Mark, Send
from turnout.testing.fault_provider.speech import event, send
from turnout.types.dialect import DialectName

_FINISH = {
    Finish.STOP: "end_turn",
    Finish.STOP_SEQUENCE: "stop_sequence",
    Finish.LENGTH: "max_tokens",
    Finish.TOOLS: "tool_use",
    Finish.FILTERED: "refusal",
}
_SIGNATURE = "c2lnbmVkIGJ5IHRoZSBmYXVsdCBwcm92aWRlcg=="


class AnthropicMessages:
    """`POST /v1/messages`."""

    def read(self, body: Mapping[str, Any]) -> Ask:
        """Understand a request.

        Raises:
            UnreadableRequestError: `model`, `messages` or `max_tokens` is missing.
        """
        messages = required(body, "messages", list, "messages: Field required")
        required(body, "max_tokens", int, "max_tokens: Field required")
        choice = mapping(body.get("tool_choice"))
        thinking = mapping(body.get("thinking")).get("type")
        return Ask(
            dialect=DialectName.ANTHROPIC_MESSAGES,
            model=required(body, "model", str, "model: Field required"),
            body=body,
            stream=bool(body.get("stream")),
            text=last_user_text(messages),
            tools=tuple(
                Tool(str(each["name"]), each.get("input_schema", {}))
                for each in map(mapping, items(body.get("tools")))
                if "name" in each
            ),
            called="any" if choice.get("type") == "any" else choice.get("name"),
            answers_tool=bool(messages) and _is_tool_result(mapping(messages[-1]).get("content")),
            schema=_schema(body),
            max_tokens=whole_number(body, "max_tokens"),
            stops=texts(body.get("stop_sequences")),
            thinking=str(thinking) in {"enabled", "adaptive", "between_tools"},
            cached=mentions([body.get(key) for key in ("system", "messages", "tools")], "cache_control"),
        )

    def document(self, answer: Answer) -> dict[str, Any]:
        """A `message`."""
        message = _message(answer)
        message["content"] = [_whole(block) for block in _blocks(answer)]
        message |= {"stop_reason": _FINISH[answer.finish], "stop_sequence": answer.stop}
        if answer.finish is Finish.FILTERED:
            message["stop_details"] = _REFUSAL
        if answer.usage != "absent":
            message["usage"] = _usage(answer, answer.output_tokens, whole=True)
        return message

    def events(self, answer: Answer) -> Iterator[Send]:
        """`message_start`, each block with its deltas, `message_delta`, `message_stop`."""
        message = _message(answer)
        if answer.usage != "absent":
            message["usage"] = _usage(answer, 1, whole=True)
        yield send({"type": "message_start", "message": message}, mark=Mark.OPENING)
        sent = 0
        for index, block in enumerate(_blocks(answer)):
            yield send({"type": "content_block_start", "index": index, "content_block": block["start"]})
            if not index:
                yield send({"type": "ping"})
            for delta in block["deltas"]:
                tokens = int(delta["type"] != "signature_delta" and delta.get("partial_json") != "")
                sent += tokens
                said = {"type": "content_block_delta", "index": index, "delta": delta}
                yield send(said | _running_usage(answer, sent), tokens=tokens)
            yield send({"type": "content_block_stop", "index": index})
        yield self._delta(answer)
        yield send({"type": "message_stop"}, mark=Mark.DONE)

    def _delta(self, answer: Answer) -> Send:
        delta: dict[str, Any] = {"stop_reason": _FINISH[answer.finish], "stop_sequence": answer.stop}
        if answer.finish is Finish.FILTERED:
            delta["stop_details"] = _REFUSAL
        said: dict[str, Any] = {"type": "message_delta", "delta": delta}
        if answer.usage != "absent":
            said["usage"] = _usage(answer, answer.output_tokens)
        return send(said, mark=Mark.FINISH)

    def error(self, complaint: Complaint, request_id: str, /) -> dict[str, Any]:
        """`{"type": "error", "error": {...}, "request_id": ...}`."""
        return complaint.anthropic(request_id)

    def error_event(self, complaint: Complaint, answer: Answer, _place: int, /) -> bytes:
        """An event named `error`."""
        return event(complaint.anthropic(f"req_{answer.id}"))


_REFUSAL = {"type": "refusal", "category": None, "explanation": None}


def _message(answer: Answer) -> dict[str, Any]:
    return {
        "id": f"msg_{answer.id}",
        "type": "message",
        "role": "assistant",
        "model": answer.ask.model,
        "content": [],
        "stop_reason": None,
        "stop_sequence": None,
    }


def _blocks(answer: Answer) -> Iterator[dict[str, Any]]:
    """Each block as it starts, with its deltas."""
    if answer.thinking:
        deltas = [{"type": "thinking_delta", "thinking": token} for token in answer.thinking]
        deltas.append({"type": "signature_delta", "signature": _SIGNATURE})
        yield {"start": {"type": "thinking", "thinking": "", "signature": ""}, "deltas": deltas}
    if not answer.calls:
        deltas = [{"type": "text_delta", "text": token} for token in answer.tokens]
        yield {"start": {"type": "text", "text": ""}, "deltas": deltas}
    for call in answer.calls:
        start = {"type": "tool_use", "id": f"toolu_{call.id}", "name": call.name, "input": {}}
        pieces = ["", *call.tokens]  # the first delta of a tool's input is empty
        yield {"start": start, "deltas": [{"type": "input_json_delta", "partial_json": each} for each in pieces]}


def _whole(block: dict[str, Any]) -> dict[str, Any]:
    """A block with its deltas put together."""
    whole: dict[str, Any] = dict(block["start"])
    for delta in block["deltas"]:
        for key in delta.keys() & {"text", "thinking", "signature"}:
            whole[key] += delta[key]
    if whole["type"] == "tool_use":
        whole["input"] = _input("".join(delta["partial_json"] for delta in block["deltas"]))
    return whole


def _input(arguments: str) -> Any:
    """The arguments as the object that they stand for; as they are where they stand for none."""
    try:
        return json.loads(arguments)
    except ValueError:
        return arguments


def _usage(answer: Answer, output_tokens: int, *, whole: bool = False) -> dict[str, Any]:
    cached = answer.ask.cached_tokens
    usage: dict[str, Any] = {
        "input_tokens": answer.ask.input_tokens - cached,
        "cache_creation_input_tokens": 0,
        "cache_read_input_tokens": cached,
        "output_tokens": output_tokens,
    }
    if whole:
        usage["cache_creation"] = {"ephemeral_5m_input_tokens": 0, "ephemeral_1h_input_tokens": 0}
        usage["service_tier"] = "standard"
    return usage


def _running_usage(answer: Answer, sent: int) -> dict[str, Any]:
    if answer.usage not in {"each", "cumulative"}:
        return {}
    return {"usage": _usage(answer, sent if answer.usage == "cumulative" else answer.output_tokens)}


def _is_tool_result(content: Any) -> bool:
    return any(mapping(block).get("type") == "tool_result" for block in items(content))


def _schema(body: Mapping[str, Any]) -> Any:
    wanted = mapping(body.get("output_config")).get("format") or body.get("output_format")
    return mapping(wanted).get("schema")
