"""The facts of a unary answer."""

from __future__ import annotations

from turnout.types.chat import Finish
from turnout.wire.event_json import expect
from turnout.wire.gemini.finish import finish_of, is_blocked, reason_of
from turnout.wire.gemini.parts import candidate_of, chars, parts_of
from turnout.wire.gemini.usage import usage_from
from turnout.wire.unary_facts import UnaryFacts, read_whole


def read_answer(body: bytes) -> UnaryFacts:
    """Check that a body is a complete answer and read its facts.

    It is taken apart at once: no caller speaks this dialect, so that every answer has to be translated anyway.

    Raises:
        ValueError: it is not; the message says why.
    """
    answer = read_whole(body)
    if answer.get("error"):
        raise ValueError("an error in a body with status 200")
    candidate = candidate_of(answer)
    if candidate is None:
        if not is_blocked(answer):
            raise ValueError("an answer without a candidate")
        parts, finish = [], Finish.CONTENT_FILTER
    else:
        parts, reason = parts_of(candidate), reason_of(candidate)
        if reason is None:
            raise ValueError("an answer without a finish reason")
        finish = finish_of(reason, calls=any(part.get("functionCall") for part in parts))
    usage, model = answer.get("usageMetadata"), answer.get("modelVersion")
    return UnaryFacts(
        usage=usage_from(expect(dict, usage, "usageMetadata")) if usage else None,
        finish=finish,
        model=model if isinstance(model, str) else None,
        output_chars=sum(map(chars, parts)),
    )
