"""OpenAI Chat Completions, as the provider speaks it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from turnout.testing.fault_provider.answer import Answer, Finish
from turnout.testing.fault_provider.ask import (
    Ask,
    Tool,
    UnreadableRequestError,
    items,
    last_user_text,
    mapping,
    required,
    texts,
    whole_number,
)
from turnout.testing.fault_provider.complaint import Complaint
from turnout.testing.fault_provider.script import Mark, Send
from turnout.testing.fault_provider.speech import event
from turnout.types.dialect import DialectName

_FINISH = {
    Finish.STOP: "stop",
    Finish.STOP_SEQUENCE: "stop",
    Finish.LENGTH: "length",
    Finish.TOOLS: "tool_calls",
    Finish.FILTERED: "content_filter",
}
_DONE = b"data: [DONE]\n\n"
MOST_CHOICES = 128
"""What OpenAI allows as `n`."""


class OpenAIChat:
    """`POST /v1/chat/completions`."""

    def read(self, body: Mapping[str, Any]) -> Ask:
        """Understand a request.

        Raises:
            UnreadableRequestError: `model` or `messages` is missing.
        """
        messages = required(body, "messages", list, "Missing required parameter: 'messages'.")
        return Ask(
            dialect=DialectName.OPENAI_CHAT,
            model=required(body, "model", str, "you must provide a model parameter"),
            body=body,
            stream=bool(body.get("stream")),
            text=last_user_text(messages),
            tools=_tools(body),
            called=_called(body.get("tool_choice")),
            answers_tool=bool(messages) and mapping(messages[-1]).get("role") == "tool",
            schema=_schema(mapping(body.get("response_format"))),
            max_tokens=whole_number(body, "max_completion_tokens", "max_tokens"),
            stops=texts(body.get("stop")),
            thinking=str(body.get("reasoning_effort", "none")) not in {"None", "none"},
            top_logprobs=(whole_number(body, "top_logprobs") or 0) if body.get("logprobs") is True else None,
            choices=_choices(body),
            include_usage=bool(mapping(body.get("stream_options")).get("include_usage")),
            cached=body.get("prompt_cache_key") is not None,
        )

    def document(self, answer: Answer) -> dict[str, Any]:
        """A `chat.completion`."""
        choice = {"message": _message(answer), "logprobs": None, "finish_reason": _FINISH[answer.finish]}
        if answer.ask.top_logprobs is not None and not answer.calls:
            choice["logprobs"] = logprobs_of(answer.tokens, answer.ask.top_logprobs)
        document = _base(answer, "chat.completion")
        document["choices"] = [{"index": index, **choice} for index in range(answer.ask.choices)]
        if answer.usage != "absent":
            document["usage"] = _usage(answer, answer.output_tokens)
        return document

    def events(self, answer: Answer) -> Iterator[Send]:
        """Chunks, the usage if wanted, `[DONE]`."""
        chunks = _Chunks(answer)
        content = None if answer.calls else ""
        opening = {"role": "assistant", "content": content, "refusal": None}
        yield from chunks.say(opening, mark=Mark.OPENING)
        if answer.thinks_aloud:
            for token in answer.thinking:
                yield from chunks.say({"reasoning_content": token}, tokens=1)
        for token in answer.tokens:
            yield from chunks.say({"content": token}, tokens=1)
        for index, call in enumerate(answer.calls):
            function = {"name": call.name, "arguments": ""}
            opened = {"index": index, "id": f"call_{call.id}", "type": "function", "function": function}
            yield from chunks.say({"tool_calls": [opened]})
            for token in call.tokens:
                piece = {"index": index, "function": {"arguments": token}}
                yield from chunks.say({"tool_calls": [piece]}, tokens=1)
        yield from chunks.say({}, finish=_FINISH[answer.finish], mark=Mark.FINISH)
        if chunks.tells_usage_at_end:
            yield chunks.usage()
        yield Send(_DONE, mark=Mark.DONE)

    def error(self, complaint: Complaint, _request_id: str, /) -> dict[str, Any]:
        """`{"error": {...}}`."""
        return complaint.openai

    def error_event(self, complaint: Complaint, _answer: Answer, _place: int, /) -> bytes:
        """The envelope as an event without a name."""
        return event(complaint.openai, named=False)


class _Chunks:
    """The chunks of one stream: what they share, and how many tokens they have carried."""

    def __init__(self, answer: Answer) -> None:
        self._answer = answer
        self._sent = 0 if answer.thinks_aloud else len(answer.thinking) * answer.ask.choices
        mode = answer.usage
        self.tells_usage_at_end = mode in {"end", "each", "cumulative"} or (mode == "own" and answer.ask.include_usage)

    def say(
        self, delta: dict[str, Any], *, tokens: int = 0, finish: str | None = None, mark: Mark = Mark.NONE
    ) -> Iterator[Send]:
        ask = self._answer.ask
        for index in range(ask.choices):
            self._sent += tokens
            logprobs = None
            if ask.top_logprobs is not None and delta.get("content"):
                logprobs = logprobs_of([delta["content"]], ask.top_logprobs)
            choice = {"index": index, "delta": delta, "logprobs": logprobs, "finish_reason": finish}
            yield Send(event(self._chunk([choice]), named=False), tokens, mark)

    def usage(self) -> Send:
        chunk = self._chunk([]) | {"usage": _usage(self._answer, self._answer.output_tokens)}
        return Send(event(chunk, named=False))

    def _chunk(self, choices: list[dict[str, Any]]) -> dict[str, Any]:
        chunk = _base(self._answer, "chat.completion.chunk") | {"choices": choices}
        if self._answer.usage in {"each", "cumulative"}:
            cumulative = self._answer.usage == "cumulative"
            chunk["usage"] = _usage(self._answer, self._sent if cumulative else self._answer.output_tokens)
        elif self.tells_usage_at_end:
            chunk["usage"] = None
        return chunk


def _base(answer: Answer, kind: str) -> dict[str, Any]:
    return {
        "id": f"chatcmpl-{answer.id}",
        "object": kind,
        "created": answer.created,
        "model": answer.ask.model,
        "service_tier": "default",
        "system_fingerprint": "fp_fault_provider",
    }


def _message(answer: Answer) -> dict[str, Any]:
    message: dict[str, Any] = {
        "role": "assistant",
        "content": None if answer.calls else answer.text,
        "refusal": None,
        "annotations": [],
    }
    if answer.thinks_aloud:
        message["reasoning_content"] = "".join(answer.thinking)
    if answer.calls:
        message["tool_calls"] = [
            {
                "id": f"call_{call.id}",
                "type": "function",
                "function": {"name": call.name, "arguments": call.arguments},
            }
            for call in answer.calls
        ]
    return message


def _usage(answer: Answer, output_tokens: int) -> dict[str, Any]:
    prompt = answer.ask.input_tokens
    return {
        "prompt_tokens": prompt,
        "completion_tokens": output_tokens,
        "total_tokens": prompt + output_tokens,
        "prompt_tokens_details": {"cached_tokens": answer.ask.cached_tokens, "audio_tokens": 0},
        "completion_tokens_details": {
            "reasoning_tokens": len(answer.thinking) * answer.ask.choices,
            "audio_tokens": 0,
            "accepted_prediction_tokens": 0,
            "rejected_prediction_tokens": 0,
        },
    }


def logprobs_of(tokens: list[str], alternatives: int) -> dict[str, Any]:
    """A choice's `logprobs`: of each token a number that its length makes, and so many others that are less likely."""

    def entry(token: str, rank: int) -> dict[str, Any]:
        logprob = -0.01 * (len(token) % 7 + 1) - rank
        return {"token": token, "logprob": logprob, "bytes": list(token.encode())}

    return {
        "content": [
            entry(token, 0) | {"top_logprobs": [entry(token + "~" * rank, rank) for rank in range(alternatives)]}
            for token in tokens
        ],
        "refusal": None,
    }


def _choices(body: Mapping[str, Any]) -> int:
    """How many answers are wanted.

    Raises:
        UnreadableRequestError: more than the real one gives.
    """
    choices = whole_number(body, "n") or 1
    if choices > MOST_CHOICES:
        raise UnreadableRequestError(f"Invalid 'n': integer above maximum value. Expected <= {MOST_CHOICES}.", "n")
    return choices


def _tools(body: Mapping[str, Any]) -> tuple[Tool, ...]:
    functions = [mapping(mapping(tool).get("function")) for tool in items(body.get("tools"))]
    return tuple(Tool(str(each["name"]), each.get("parameters", {})) for each in functions if "name" in each)


def _called(choice: Any) -> str | None:
    if choice == "required":
        return "any"
    return mapping(mapping(choice).get("function")).get("name")


def _schema(wanted: Mapping[str, Any]) -> Any:
    if wanted.get("type") == "json_object":
        return {"type": "object", "properties": {"answer": {"type": "string"}}}
    return mapping(wanted.get("json_schema")).get("schema")
