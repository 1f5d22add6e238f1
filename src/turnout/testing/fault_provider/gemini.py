"""Google's Gemini API, as the provider speaks it."""

from __future__ import annotations

import base64
import json
import re
from collections.abc import Iterator, Mapping
from typing import Any
from urllib.parse import unquote

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
    Finish.STOP: "STOP",
    Finish.STOP_SEQUENCE: "STOP",
    Finish.LENGTH: "MAX_TOKENS",
    Finish.TOOLS: "STOP",
    Finish.FILTERED: "SAFETY",
}
_CAPITAL = re.compile("[A-Z]")
_PATH = re.compile(r"/v1(?:beta)?/models/(?P<model>[^/]+):(?P<method>generateContent|streamGenerateContent)")


class Gemini:
    """`POST /v1beta/models/MODEL:generateContent` and `:streamGenerateContent?alt=sse`.

    Args:
        model: the model that the path names.
        stream: whether the path asks for a stream.
        alt: the query's `alt`.
    """

    def __init__(self, model: str = "", *, stream: bool = False, alt: str = "sse") -> None:
        self._model = model
        self._stream = stream
        self._alt = alt

    @classmethod
    def at(cls, path: str, query: str) -> Gemini | None:
        """The speech for a path of this dialect; None for any other."""
        found = _PATH.fullmatch(path)
        if found is None:
            return None
        alt = dict(pair.partition("=")[::2] for pair in query.split("&")).get("alt", "json")
        return cls(unquote(found["model"]), stream=found["method"].startswith("stream"), alt=alt)

    def read(self, body: Mapping[str, Any]) -> Ask:
        """Understand a request.

        Raises:
            UnreadableRequestError: `contents` is missing, or a stream is asked for in another form than events.
        """
        contents = required(body, "contents", list, "contents is not specified")
        if self._stream and self._alt != "sse":
            raise UnreadableRequestError("This server only streams with alt=sse.")
        config = _object(body, "generationConfig")
        wanted = _field(config, "responseMimeType") == "application/json"
        schema = _field(config, "responseJsonSchema")
        return Ask(
            dialect=DialectName.GEMINI,
            model=self._model,
            body=body,
            stream=self._stream,
            text=last_user_text(_messages(contents)),
            tools=_tools(body),
            called=_called(_object(_object(body, "toolConfig"), "functionCallingConfig")),
            answers_tool=bool(contents) and _has_result(mapping(contents[-1])),
            schema=(_ANY_OBJECT if schema is None else schema) if wanted else None,
            max_tokens=whole_number(config, "maxOutputTokens", "max_output_tokens"),
            stops=texts(_field(config, "stopSequences")),
            thinking=bool(_field(_object(config, "thinkingConfig"), "includeThoughts")),
            top_logprobs=(whole_number(config, "logprobs") or 0)
            if _field(config, "responseLogprobs") is True
            else None,
            cached=_field(body, "cachedContent") is not None,
        )

    def document(self, answer: Answer) -> dict[str, Any]:
        """A `GenerateContentResponse`."""
        parts: list[dict[str, Any]] = list(_calls(answer)) if answer.calls else [{"text": answer.text}]
        if answer.thinking:
            parts.insert(0, {"text": "".join(answer.thinking), "thought": True})
        content = {"parts": parts, "role": "model"}
        candidate: dict[str, Any] = {"content": content, "finishReason": _FINISH[answer.finish], "index": 0}
        if answer.ask.top_logprobs is not None and not answer.calls:
            candidate["logprobsResult"] = _logprobs(answer.tokens, answer.ask.top_logprobs)
        return _response(answer, candidate, answer.output_tokens, len(answer.thinking))

    def events(self, answer: Answer) -> Iterator[Send]:
        """Pieces of the response, of which the last has the finish reason and all of them have the usage so far."""
        sent = thought = 0
        for token in answer.thinking:
            sent, thought = sent + 1, thought + 1
            yield _piece(answer, [{"text": token, "thought": True}], (sent, thought))
        for token in answer.tokens if not answer.calls else ():
            sent += 1
            logprobs = None if answer.ask.top_logprobs is None else _logprobs([token], answer.ask.top_logprobs)
            yield _piece(answer, [{"text": token}], (sent, thought), logprobs=logprobs)
        for call, part in zip(answer.calls, _calls(answer), strict=True):
            sent += len(call.tokens)
            yield _piece(answer, [part], (sent, thought), tokens=len(call.tokens))
        content = {"parts": [{"text": ""}], "role": "model"}
        last = {"content": content, "finishReason": _FINISH[answer.finish], "index": 0}
        said = _response(answer, last, answer.output_tokens, thought)
        yield Send(event(said, named=False), mark=Mark.FINISH)

    def error(self, complaint: Complaint, _request_id: str, /) -> dict[str, Any]:
        """`{"error": {"code", "message", "status"}}`."""
        return complaint.google

    def error_event(self, complaint: Complaint, _answer: Answer, _place: int, /) -> bytes:
        """The envelope as an event without a name."""
        return event(complaint.google, named=False)


_ANY_OBJECT = {"type": "object", "properties": {"answer": {"type": "string"}}}


def _piece(
    answer: Answer,
    parts: list[dict[str, Any]],
    so_far: tuple[int, int],
    *,
    tokens: int = 1,
    logprobs: dict[str, Any] | None = None,
) -> Send:
    candidate: dict[str, Any] = {"content": {"parts": parts, "role": "model"}, "index": 0}
    if logprobs is not None:
        candidate["logprobsResult"] = logprobs
    sent, thought = so_far
    whole = answer.usage == "each"
    return Send(
        event(_response(answer, candidate, answer.output_tokens if whole else sent, thought), named=False), tokens
    )


def _response(answer: Answer, candidate: dict[str, Any], output_tokens: int, thought: int) -> dict[str, Any]:
    said: dict[str, Any] = {"candidates": [candidate]}
    ends = "finishReason" in candidate
    if answer.usage != "absent" and (ends or answer.usage != "end"):
        said["usageMetadata"] = _usage(answer, output_tokens, thought)
    return said | {"modelVersion": answer.ask.model, "responseId": answer.id}


def _usage(answer: Answer, output_tokens: int, thought: int) -> dict[str, Any]:
    prompt = answer.ask.input_tokens
    usage: dict[str, Any] = {
        "promptTokenCount": prompt,
        "candidatesTokenCount": output_tokens - thought,
        "totalTokenCount": prompt + output_tokens,
    }
    if thought:
        usage["thoughtsTokenCount"] = thought
    if answer.ask.cached_tokens:
        usage["cachedContentTokenCount"] = answer.ask.cached_tokens
    return usage


def _calls(answer: Answer) -> Iterator[dict[str, Any]]:
    """The calls as parts, of which the first has the signature of the thoughts that led to all of them."""
    for index, call in enumerate(answer.calls):
        said = {"functionCall": {"id": f"fc_{call.id}", "name": call.name, "args": _args(call.arguments)}}
        signed = {"thoughtSignature": base64.b64encode(f"signed {answer.id}".encode()).decode()}
        yield said if index else said | signed


def _args(arguments: str) -> Any:
    """The arguments as the object that they stand for; as they are where they stand for none."""
    try:
        return json.loads(arguments)
    except ValueError:
        return arguments


def _logprobs(tokens: list[str], alternatives: int) -> dict[str, Any]:
    def entry(token: str, rank: int) -> dict[str, Any]:
        said = token + "~" * rank
        return {"token": said, "tokenId": len(said), "logProbability": -0.01 * (len(token) % 7 + 1) - rank}

    return {
        "chosenCandidates": [entry(token, 0) for token in tokens],
        "topCandidates": [{"candidates": [entry(token, rank) for rank in range(alternatives)]} for token in tokens],
    }


def _field(holder: Mapping[str, Any], name: str) -> Any:
    """A field, written as in JSON or as in the protocol's own description: servers of Google's take either."""
    return holder.get(name, holder.get(_CAPITAL.sub(lambda found: f"_{found[0].lower()}", name)))


def _object(holder: Mapping[str, Any], name: str) -> Mapping[str, Any]:
    return mapping(_field(holder, name))


def _messages(contents: list[Any]) -> list[dict[str, Any]]:
    """The contents as messages; what a tool gave back is not the user's text."""
    told = map(mapping, contents)
    return [{"role": each.get("role", "user"), "content": each.get("parts")} for each in told]


def _has_result(content: Mapping[str, Any]) -> bool:
    """Whether the last thing said is a tool's result, and nothing but."""
    parts = [mapping(part) for part in items(content.get("parts"))]
    return any(_field(part, "functionResponse") is not None for part in parts)


def _tools(body: Mapping[str, Any]) -> tuple[Tool, ...]:
    offered = (_field(mapping(tool), "functionDeclarations") for tool in items(body.get("tools")))
    declared = [mapping(each) for functions in offered for each in items(functions)]
    return tuple(Tool(str(each["name"]), _object(each, "parametersJsonSchema")) for each in declared if "name" in each)


def _called(config: Mapping[str, Any]) -> str | None:
    if config.get("mode") != "ANY":
        return None
    names = texts(_field(config, "allowedFunctionNames"))
    return names[0] if names else "any"
