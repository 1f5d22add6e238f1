"""Reasoning, in the words of servers that show it: the dialect's own has none for it.

`reasoning_content` is the field of most; some write `reasoning`. `reasoning_details` is a list that carries what the
text alone cannot: the signature that lets the provider verify its own reasoning when it comes back, and reasoning
that only the provider can read.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, Final

from turnout.types.chat import Part, Thinking

FORMAT: Final = "anthropic-claude-v1"
"""Whose signatures `reasoning_details` carries here."""


def decode_reasoning(message: dict[str, Any]) -> list[Part]:
    """The reasoning of an assistant's message. What is not understood is left out: it is never asked for."""
    details = message.get("reasoning_details")
    if isinstance(details, list) and (signed := [part for item in details if (part := _detail(item)) is not None]):
        return signed
    told = message.get("reasoning_content") or message.get("reasoning")
    return [Thinking(told)] if isinstance(told, str) and told else []


def _detail(item: Any) -> Part | None:
    if not isinstance(item, dict):
        return None
    ours = item.get("format") in (None, FORMAT)
    match item:
        case {"type": "reasoning.text", "text": str(said)}:
            signature = item.get("signature")
            return Thinking(said, signature=signature if ours and isinstance(signature, str) else None)
        case {"type": "reasoning.encrypted", "data": str(data)} if ours:
            return Thinking(redacted=data)
    return None


def encode_reasoning(parts: Iterable[Part]) -> dict[str, Any]:
    """The fields of an answer's message that show its reasoning; none where there is none."""
    thinking = [part for part in parts if isinstance(part, Thinking)]
    told: dict[str, Any] = {}
    if shown := "".join(part.text for part in thinking):
        told["reasoning_content"] = shown
    if any(part.signature or part.redacted for part in thinking):
        told["reasoning_details"] = [_encode_detail(part, index) for index, part in enumerate(thinking)]
    return told


def _encode_detail(part: Thinking, index: int) -> dict[str, Any]:
    if part.redacted is not None:
        return {"type": "reasoning.encrypted", "data": part.redacted, "format": FORMAT, "index": index}
    detail = {"type": "reasoning.text", "text": part.text, "signature": part.signature}
    return detail | {"format": FORMAT, "index": index}


def decode_signature(call: Any) -> str | None:
    """The signature of a tool call in the history; None where it has none that is understood."""
    match call:
        case {"extra_content": {"google": {"thought_signature": str(signature)}}}:
            return signature
    return None


def encode_signature(signature: str | None) -> dict[str, Any]:
    """The field of a tool call that carries its signature, named as Google's OpenAI-compatible endpoint names it."""
    return {} if signature is None else {"extra_content": {"google": {"thought_signature": signature}}}
