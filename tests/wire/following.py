"""Streams, and what is made of them."""

from __future__ import annotations

import json
from typing import Any

from turnout.types.chat import Answer, Part, Refusal, Text, Thinking, TokenLogprob, ToolCall
from turnout.types.stream import (
    Delta,
    Ended,
    Finished,
    Mark,
    RefusalDelta,
    Started,
    TextDelta,
    ThinkingDelta,
    ToolCallDelta,
    ToolCallStarted,
    UsageReported,
)
from turnout.wire.dialect import Assembler, StreamDecoder, StreamEncoder, StreamReader
from turnout.wire.sse import SseEvent, SseSplitter


def openai_chunk(delta: dict[str, Any] | None = None, finish: str | None = None, **fields: Any) -> bytes:
    choices = [] if delta is None else [{"index": 0, "delta": delta, "logprobs": None, "finish_reason": finish}]
    chunk = {
        "id": "chatcmpl-1",
        "object": "chat.completion.chunk",
        "created": 1700000000,
        "model": "gpt-4o-2024-11-20",
        "choices": choices,
        **fields,
    }
    return b"data: " + json.dumps(chunk, separators=(",", ":"), ensure_ascii=False).encode() + b"\n\n"


def anthropic_event(kind: str, **fields: Any) -> bytes:
    data = json.dumps({"type": kind, **fields}, separators=(",", ":"), ensure_ascii=False)
    return f"event: {kind}\ndata: {data}\n\n".encode()


DONE = b"data: [DONE]\n\n"


def events(stream: bytes) -> list[SseEvent]:
    splitter = SseSplitter()
    found = splitter.feed(stream)
    assert splitter.rest == b""
    return found


def marks(reader: StreamReader, *stream: bytes) -> list[Mark]:
    return [reader.read(event) for event in events(b"".join(stream))]


def decoded(decoder: StreamDecoder, *stream: bytes) -> list[Delta]:
    return [delta for event in events(b"".join(stream)) for delta in decoder.decode(event)]


def encoded(encoder: StreamEncoder, deltas: list[Delta]) -> bytes:
    return b"".join(encoder.encode(delta) for delta in deltas)


def assembled(assembler: Assembler, *stream: bytes) -> dict[str, Any]:
    for event in events(b"".join(stream)):
        assembler.add(event)
    return assembler.body()


def folded(deltas: list[Delta]) -> Answer:
    """The answer that deltas add up to, by the shortest possible reading of what they mean."""
    parts: list[Part] = []
    calls: dict[int, int] = {}
    logprobs: list[TokenLogprob] = []
    seen: dict[str, Any] = {}
    for delta in deltas:
        last = parts[-1] if parts else None
        match delta:
            case Started():
                seen["started"] = delta
                seen["usage"] = delta.usage
            case TextDelta(text, told):
                logprobs += told
                if isinstance(last, Text):
                    parts[-1] = Text(last.text + text)
                elif text:
                    parts.append(Text(text))
            case RefusalDelta(text):
                if isinstance(last, Refusal):
                    parts[-1] = Refusal(last.text + text)
                else:
                    parts.append(Refusal(text))
            case ThinkingDelta(text, signature, redacted):
                if isinstance(last, Thinking) and last.signature is None and last.redacted is None and redacted is None:
                    parts[-1] = Thinking(last.text + text, signature)
                else:
                    parts.append(Thinking(text, signature, redacted))
            case ToolCallStarted(index, id, name):
                calls[index] = len(parts)
                parts.append(ToolCall(id, name, ""))
            case ToolCallDelta(index, arguments):
                call = parts[calls[index]]
                assert isinstance(call, ToolCall)
                parts[calls[index]] = ToolCall(call.id, call.name, call.arguments + arguments)
            case Finished():
                assert "finished" not in seen
                seen["finished"] = delta
            case UsageReported(usage):
                seen["usage"] = usage
            case Ended():
                seen["ended"] = True
    assert seen["ended"]
    return Answer(
        id=seen["started"].id,
        model=seen["started"].model,
        created=seen["started"].created,
        parts=tuple(parts),
        finish=seen["finished"].finish,
        stop_sequence=seen["finished"].stop_sequence,
        usage=seen["usage"],
        logprobs=tuple(logprobs),
    )
