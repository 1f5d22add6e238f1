"""From deltas to a stream of chat completion chunks."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any

from turnout.types.chat import Thinking
from turnout.types.stream import (
    Delta,
    Ended,
    Finished,
    RefusalDelta,
    Started,
    TextDelta,
    ThinkingDelta,
    ToolCallDelta,
    ToolCallStarted,
    UsageReported,
)
from turnout.wire.event_json import encode_json
from turnout.wire.openai_chat.finish import FINISH_REASON
from turnout.wire.openai_chat.logprobs import encode_logprobs
from turnout.wire.openai_chat.reasoning import encode_reasoning, encode_signature
from turnout.wire.openai_chat.usage import usage_to
from turnout.wire.sse import sse_event

if TYPE_CHECKING:
    from turnout.types.usage import Usage

_DONE = sse_event(b"[DONE]")


class Encoder:
    """Encodes one stream.

    Args:
        body: the caller's request; `stream_options.include_usage` in it asks for the usage.
        model: the model to report until the provider says.
    """

    def __init__(self, body: dict[str, Any], model: str) -> None:
        options = body.get("stream_options")
        self._wants_usage = isinstance(options, dict) and options.get("include_usage") is True
        self._model = model
        self._usage: Usage | None = None
        self._envelope = b""
        self._begun = False
        self._finished = False
        self._thoughts: list[Thinking] = []
        self._told = 0
        """How many of the thoughts have had their details told."""
        self._thinks = False
        """Whether the last thought may go on."""

    def encode(self, delta: Delta) -> bytes:
        """The delta's chunks.

        Raises:
            ValueError: the stream ends without a finish, or cannot be expressed in JSON.
        """
        self._thinks = self._thinks and isinstance(delta, ThinkingDelta)
        if self._begun or isinstance(delta, Started | UsageReported | Ended):
            return self._encode(delta)
        return self._begin(delta) + self._encode(delta)

    def _encode(self, delta: Delta) -> bytes:
        match delta:
            case TextDelta(text, logprobs):
                told = encode_json(encode_logprobs(logprobs)) if logprobs else b"null"
                return self._chunk(b'{"content":' + encode_json(text) + b"}", told)
            case ToolCallDelta(index, arguments):
                return self._chunk(
                    b'{"tool_calls":[{"index":%d,"function":{"arguments":%b}}]}' % (index, encode_json(arguments))
                )
            case ThinkingDelta():
                return self._think(delta)
            case RefusalDelta(text):
                return self._chunk(b'{"refusal":' + encode_json(text) + b"}")
            case ToolCallStarted(index, id, name, signature):
                function = {"name": name, "arguments": ""}
                call = {"index": index, "id": id, "type": "function", "function": function}
                return self._chunk(encode_json({"tool_calls": [call | encode_signature(signature)]}))
            case Started():
                return self._start(delta)
            case Finished(finish):
                self._finished = True
                return self._details() + self._chunk(b"{}", finish_reason=encode_json(FINISH_REASON[finish]))
            case UsageReported(usage):
                self._usage = usage
                return b""
            case Ended():
                return self._end()

    def _start(self, started: Started) -> bytes:
        self._usage = started.usage
        envelope = {
            "id": started.id,
            "object": "chat.completion.chunk",
            "created": int(time.time()) if started.created is None else started.created,
            "model": started.model or self._model,
        }
        self._envelope = encode_json(envelope)[:-1]
        return b""

    def _begin(self, delta: Delta) -> bytes:
        """The first chunk. It waits for the second, which decides whether there is content that it begins."""
        self._begun = True
        content = b'""' if isinstance(delta, TextDelta) else b"null"
        return self._chunk(b'{"role":"assistant","content":%b,"refusal":null}' % content)

    def _think(self, delta: ThinkingDelta) -> bytes:
        """Reasoning goes out as it comes; what its text alone cannot say follows when its part is complete."""
        if self._thinks and delta.redacted is None:
            last = self._thoughts.pop()
            self._thoughts.append(Thinking(last.text + delta.text, delta.signature))
        else:
            self._thoughts.append(Thinking(delta.text, delta.signature, delta.redacted))
        self._thinks = delta.signature is None and delta.redacted is None
        shown = self._chunk(b'{"reasoning_content":' + encode_json(delta.text) + b"}") if delta.text else b""
        return shown if self._thinks else shown + self._details()

    def _details(self) -> bytes:
        """The details that have not been told, if there is any need for details."""
        details = encode_reasoning(self._thoughts).get("reasoning_details", [])[self._told :]
        self._told += len(details)
        return self._chunk(encode_json({"reasoning_details": details})) if details else b""

    def _chunk(self, delta: bytes, logprobs: bytes = b"null", finish_reason: bytes = b"null") -> bytes:
        choice = b'{"index":0,"delta":%b,"logprobs":%b,"finish_reason":%b}' % (delta, logprobs, finish_reason)
        return self._event(b"[" + choice + b"]", b"null")

    def _event(self, choices: bytes, usage: bytes) -> bytes:
        told = b',"usage":' + usage if self._wants_usage else b""
        return b"data: " + self._envelope + b',"choices":' + choices + told + b"}\n\n"

    def _end(self) -> bytes:
        if not self._finished:
            raise ValueError("the stream ends without having finished")
        if self._wants_usage and self._usage is not None:
            return self._event(b"[]", encode_json(usage_to(self._usage))) + _DONE
        return _DONE
