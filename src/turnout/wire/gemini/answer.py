"""A whole response, read into an `Answer`."""

from __future__ import annotations

from typing import Any

from turnout.types.chat import Answer, Finish, ToolCall
from turnout.wire.event_json import expect
from turnout.wire.gemini.finish import finish_of, is_blocked, reason_of
from turnout.wire.gemini.logprobs import decode_logprobs
from turnout.wire.gemini.parts import candidate_of, decode_parts
from turnout.wire.gemini.usage import usage_from


def decode_answer(body: dict[str, Any]) -> Answer:
    """Read an answer.

    Raises:
        ValueError: it is not one complete answer of this dialect, or has parts that nobody asked for.
    """
    answer_id = expect(str, body.get("responseId") or "", "an id")
    candidate = candidate_of(body)
    if candidate is None and not is_blocked(body):
        raise ValueError("an answer without a candidate")
    parts = tuple(decode_parts(candidate or {}, answer_id))
    usage = body.get("usageMetadata")
    return Answer(
        id=answer_id,
        model=expect(str, body.get("modelVersion") or "", "a model"),
        parts=parts,
        finish=_finish(candidate, calls=any(isinstance(part, ToolCall) for part in parts)),
        usage=usage_from(expect(dict, usage, "usageMetadata")) if usage else None,
        logprobs=decode_logprobs((candidate or {}).get("logprobsResult")),
    )


def _finish(candidate: dict[str, Any] | None, *, calls: bool) -> Finish:
    if candidate is None:
        return Finish.CONTENT_FILTER
    if (reason := reason_of(candidate)) is None:
        raise ValueError("an answer without a finish reason")
    return finish_of(reason, calls=calls)
