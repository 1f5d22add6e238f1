"""Parts of an answer's content."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any, Final

from turnout.types.chat import Part, Text, Thinking, ToolCall
from turnout.wire.event_json import encode_json, expect

_NOT_OF_AN_ID: Final = re.compile(r"[^a-zA-Z0-9_-]")
_SILENT: Final = frozenset({"text", "thought", "thoughtSignature"})
"""Fields of a part that say nothing without a text."""


def candidate_of(body: dict[str, Any]) -> dict[str, Any] | None:
    """The one candidate of a response or of a piece of one; None where it has none.

    Raises:
        ValueError: it has several, or something else.
    """
    candidates = expect(list, body.get("candidates") or [], "candidates")
    if len(candidates) > 1 or (candidates and expect(dict, candidates[0], "a candidate").get("index", 0) != 0):
        raise ValueError("a second candidate, where one answer was asked for")
    return candidates[0] if candidates else None


def parts_of(candidate: dict[str, Any]) -> list[dict[str, Any]]:
    """The parts of a candidate; one that only finished has none.

    Raises:
        ValueError: they are of another form.
    """
    content = expect(dict, candidate.get("content") or {}, "content")
    return [expect(dict, part, "a part") for part in expect(list, content.get("parts") or [], "parts")]


def decode_parts(candidate: dict[str, Any], answer_id: str, calls: int = 0) -> Iterator[Part]:
    """Read a candidate's parts.

    Args:
        candidate: as it came.
        answer_id: what the ids of calls that came without one are made of.
        calls: how many calls came before.

    Raises:
        ValueError: a part is of another form, or of a kind that nobody asked for.
    """
    for part in parts_of(candidate):
        if part.get("functionCall") is not None:
            yield _call(part, f"call_{_NOT_OF_AN_ID.sub('_', answer_id)}_{calls}")
            calls += 1
        elif said := expect(str, part.get("text") or "", "text"):
            yield Thinking(said) if part.get("thought") else Text(said)
        elif unasked := part.keys() - _SILENT:
            raise ValueError(f"a part with {min(unasked)}, which nobody asked for")


def _call(part: dict[str, Any], made_up_id: str) -> ToolCall:
    call = expect(dict, part["functionCall"], "a function call")
    signature = part.get("thoughtSignature")
    return ToolCall(
        id=expect(str, call.get("id") or made_up_id, "a function call's id"),
        name=expect(str, call.get("name"), "a function's name"),
        arguments=encode_json(expect(dict, call.get("args") or {}, "args")).decode(),
        signature=signature if isinstance(signature, str) else None,
    )


def is_meaningful(part: dict[str, Any]) -> bool:
    """Whether a part says anything: a signature alone does not."""
    return bool(part.get("text")) or not part.keys() <= _SILENT


def chars(part: dict[str, Any]) -> int:
    """Characters that the model wrote in a part.

    Raises:
        ValueError: its text is none.
    """
    told = len(expect(str, part.get("text") or "", "text"))
    if call := part.get("functionCall"):
        call = expect(dict, call, "a function call")
        told += len(expect(str, call.get("name") or "", "a function's name")) + len(encode_json(call.get("args") or {}))
    return told
