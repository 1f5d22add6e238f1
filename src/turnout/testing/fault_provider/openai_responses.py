"""OpenAI Responses, as the provider speaks it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from turnout.testing.fault_provider.answer import Answer, Finish, ToolCall
from turnout.testing.fault_provider.ask import Ask, Tool, items, last_user_text, mapping, required, whole_number
from turnout.testing.fault_provider.complaint import Complaint
from turnout.testing.fault_provider.openai_chat import logprobs_of
from turnout.testing.fault_provider.script import Mark, Send
from turnout.testing.fault_provider.speech import send
from turnout.types.dialect import DialectName

_INCOMPLETE = {Finish.LENGTH: "max_output_tokens", Finish.FILTERED: "content_filter"}
_ECHOED: dict[str, Any] = {
    "background": False,
    "instructions": None,
    "max_output_tokens": None,
    "metadata": {},
    "parallel_tool_calls": True,
    "previous_response_id": None,
    "prompt_cache_key": None,
    "safety_identifier": None,
    "temperature": 1.0,
    "tool_choice": "auto",
    "top_logprobs": 0,
    "top_p": 1.0,
    "truncation": "disabled",
    "user": None,
}


class OpenAIResponses:
    """`POST /v1/responses`."""

    def read(self, body: Mapping[str, Any]) -> Ask:
        """Understand a request.

        Raises:
            UnreadableRequestError: `model` is missing.
        """
        given = body.get("input")
        turns = given if isinstance(given, list) else [{"role": "user", "content": given}]
        choice = body.get("tool_choice")
        return Ask(
            dialect=DialectName.OPENAI_RESPONSES,
            model=required(body, "model", str, "Missing required parameter: 'model'."),
            body=body,
            stream=bool(body.get("stream")),
            text=last_user_text(turns),
            tools=tuple(
                Tool(str(each["name"]), each.get("parameters", {}))
                for each in map(mapping, items(body.get("tools")))
                if each.get("type") == "function" and "name" in each
            ),
            called="any" if choice == "required" else mapping(choice).get("name"),
            answers_tool=bool(turns) and mapping(turns[-1]).get("type") == "function_call_output",
            schema=_schema(mapping(mapping(body.get("text")).get("format"))),
            max_tokens=whole_number(body, "max_output_tokens"),
            top_logprobs=(whole_number(body, "top_logprobs") or 0) if _LOGPROBS in items(body.get("include")) else None,
            thinking=str(mapping(body.get("reasoning")).get("effort", "none")) not in {"None", "none"},
            cached=body.get("prompt_cache_key") is not None,
        )

    def document(self, answer: Answer) -> dict[str, Any]:
        """A `response`."""
        reason = _INCOMPLETE.get(answer.finish)
        response = _response(answer, "incomplete" if reason else "completed")
        response["output"] = _output(answer)
        if reason:
            response["incomplete_details"] = {"reason": reason}
        else:
            response["completed_at"] = answer.created
        if answer.usage != "absent":
            response["usage"] = _usage(answer, answer.output_tokens)
        return response

    def events(self, answer: Answer) -> Iterator[Send]:
        """`response.created`, each item with its parts and deltas, `response.completed`."""
        return _Events(answer).all(self.document(answer))

    def error(self, complaint: Complaint, _request_id: str, /) -> dict[str, Any]:
        """`{"error": {...}}`."""
        return complaint.openai

    def error_event(self, complaint: Complaint, answer: Answer, place: int, /) -> bytes:
        """`response.failed`."""
        response = _response(answer, "failed")
        code = "rate_limit_exceeded" if complaint.status == 429 else "server_error"
        response["error"] = {"code": code, "message": complaint.said}
        failed = {"type": "response.failed", "sequence_number": place, "response": response}
        return send(failed).data


class _Events:
    """The events of one stream, numbered."""

    def __init__(self, answer: Answer) -> None:
        self._answer = answer
        self._number = 0
        self._sent = 0

    def all(self, document: dict[str, Any]) -> Iterator[Send]:
        inside = {"message": self._message, "reasoning": self._reasoning, "function_call": self._call}
        started = _response(self._answer, "in_progress")
        yield self._say("response.created", mark=Mark.OPENING, response=started)
        yield self._say("response.in_progress", response=started)
        for index, item in enumerate(document["output"]):
            place: dict[str, Any] = {"output_index": index}
            empty = item | {key: [] if key != "arguments" else "" for key in _FILLED if key in item}
            empty |= {"status": "in_progress"} if "status" in item else {}
            yield self._say("response.output_item.added", item=empty, **place)
            yield from inside[item["type"]](item, {"item_id": item["id"], **place})
            yield self._say("response.output_item.done", item=item, **place)
        ended = f"response.{document['status']}"
        yield self._say(ended, mark=Mark.FINISH | Mark.DONE, response=document)

    def _message(self, item: dict[str, Any], place: dict[str, Any]) -> Iterator[Send]:
        place |= {"content_index": 0}
        part = item["content"][0]
        yield self._say("response.content_part.added", part=part | {"text": ""}, **place)
        for token in self._answer.tokens:
            yield self._say(
                "response.output_text.delta", tokens=1, delta=token, logprobs=_logprobs(self._answer, [token]), **place
            )
        yield self._say("response.output_text.done", text=part["text"], logprobs=part["logprobs"], **place)
        yield self._say("response.content_part.done", part=part, **place)

    def _reasoning(self, item: dict[str, Any], place: dict[str, Any]) -> Iterator[Send]:
        place |= {"summary_index": 0}
        part = item["summary"][0]
        prefix = "response.reasoning_summary"
        yield self._say(f"{prefix}_part.added", part=part | {"text": ""}, **place)
        for token in self._answer.thinking:
            yield self._say(f"{prefix}_text.delta", tokens=1, delta=token, **place)
        yield self._say(f"{prefix}_text.done", text=part["text"], **place)
        yield self._say(f"{prefix}_part.done", part=part, **place)

    def _call(self, item: dict[str, Any], place: dict[str, Any]) -> Iterator[Send]:
        call = next(call for call in self._answer.calls if f"call_{call.id}" == item["call_id"])
        prefix = "response.function_call_arguments"
        for token in call.tokens:
            yield self._say(f"{prefix}.delta", tokens=1, delta=token, **place)
        yield self._say(f"{prefix}.done", arguments=call.arguments, name=call.name, **place)

    def _say(self, kind: str, *, tokens: int = 0, mark: Mark = Mark.NONE, **said: Any) -> Send:
        self._sent += tokens
        numbered = {"type": kind, "sequence_number": self._number, **said}
        self._number += 1
        if tokens and self._answer.usage in {"each", "cumulative"}:
            cumulative = self._answer.usage == "cumulative"
            numbered["usage"] = _usage(self._answer, self._sent if cumulative else self._answer.output_tokens)
        return send(numbered, tokens=tokens, mark=mark)


_LOGPROBS = "message.output_text.logprobs"
_FILLED = ("content", "summary", "arguments")


def _response(answer: Answer, status: str) -> dict[str, Any]:
    body = answer.ask.body
    echoed = {name: body.get(name, usual) for name, usual in _ECHOED.items()}
    return {
        "id": f"resp_{answer.id}",
        "object": "response",
        "created_at": answer.created,
        "completed_at": None,
        "status": status,
        "error": None,
        "incomplete_details": None,
        "model": answer.ask.model,
        "output": [],
        **echoed,
        "reasoning": {"effort": None, "summary": None} | dict(mapping(body.get("reasoning"))),
        "service_tier": "default",
        "store": body.get("store", True),
        "text": {"format": {"type": "text"}, "verbosity": "medium"} | dict(mapping(body.get("text"))),
        "tools": [_told(tool) for tool in items(body.get("tools"))],
        "usage": None,
    }


def _told(tool: Any) -> Any:
    if mapping(tool).get("type") != "function":
        return tool
    return {"description": None, "parameters": None, "strict": True} | tool


def _output(answer: Answer) -> list[dict[str, Any]]:
    output: list[dict[str, Any]] = []
    if answer.thinking:
        summary = [{"type": "summary_text", "text": "".join(answer.thinking)}]
        output.append({"id": f"rs_{answer.id}", "type": "reasoning", "summary": summary})
    output += [_function_call(call) for call in answer.calls]
    if not answer.calls:
        logprobs = _logprobs(answer, answer.tokens)
        text = {"type": "output_text", "annotations": [], "logprobs": logprobs, "text": answer.text}
        status = "incomplete" if answer.finish in _INCOMPLETE else "completed"
        message = {"id": f"msg_{answer.id}", "type": "message", "status": status, "role": "assistant"}
        output.append(message | {"content": [text]})
    return output


def _logprobs(answer: Answer, tokens: list[str]) -> list[Any]:
    """Of some of its tokens, as Chat Completions has them; none where they were not asked for."""
    if answer.ask.top_logprobs is None:
        return []
    told: list[Any] = logprobs_of(tokens, answer.ask.top_logprobs)["content"]
    return told


def _function_call(call: ToolCall) -> dict[str, Any]:
    return {
        "id": f"fc_{call.id}",
        "type": "function_call",
        "status": "completed",
        "arguments": call.arguments,
        "call_id": f"call_{call.id}",
        "name": call.name,
    }


def _usage(answer: Answer, output_tokens: int) -> dict[str, Any]:
    prompt = answer.ask.input_tokens
    return {
        "input_tokens": prompt,
        "input_tokens_details": {"cached_tokens": answer.ask.cached_tokens, "cache_write_tokens": 0},
        "output_tokens": output_tokens,
        "output_tokens_details": {"reasoning_tokens": len(answer.thinking)},
        "total_tokens": prompt + output_tokens,
    }


def _schema(wanted: Mapping[str, Any]) -> Any:
    if wanted.get("type") == "json_object":
        return {"type": "object", "properties": {"answer": {"type": "string"}}}
    return wanted.get("schema")
