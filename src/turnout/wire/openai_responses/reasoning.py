"""Reasoning items.

`encrypted_content` is what the text alone cannot carry: here the signature that lets another provider verify its own
reasoning when it comes back, or reasoning that only that provider can read. A prefix tells it from OpenAI's own.
"""

from __future__ import annotations

from typing import Any, Final

from turnout.types.chat import Thinking
from turnout.wire.event_json import expect

BETWEEN: Final = "\n\n"
"""What stands between the parts of a summary."""

_SIGNED: Final = "anthropic-claude-v1:signature:"
_REDACTED: Final = "anthropic-claude-v1:redacted:"


def decode_item(item: dict[str, Any]) -> Thinking | None:
    """The reasoning of an item; None where nothing of it can be told elsewhere.

    Raises:
        ValueError: it is no reasoning item.
    """
    sealed = item.get("encrypted_content")
    redacted, signature = unsealed(expect(str, sealed, "encrypted content") if sealed else "")
    if redacted is not None:
        return Thinking(redacted=redacted)
    told = [*expect(list, item.get("summary") or [], "a summary"), *expect(list, item.get("content") or [], "content")]
    said = BETWEEN.join(expect(str, expect(dict, part, "a part").get("text"), "text") for part in told)
    return Thinking(said, signature=signature) if said or signature else None


def unsealed(sealed: str) -> tuple[str | None, str | None]:
    """The opaque reasoning and the signature in `encrypted_content`, where it is ours."""
    if sealed.startswith(_REDACTED):
        return sealed.removeprefix(_REDACTED), None
    return None, sealed.removeprefix(_SIGNED) if sealed.startswith(_SIGNED) else None


def encode_item(part: Thinking, item_id: str) -> dict[str, Any]:
    """A reasoning item of an answer."""
    summary = [{"type": "summary_text", "text": part.text}] if part.text else []
    item: dict[str, Any] = {"id": item_id, "type": "reasoning", "summary": summary}
    if part.redacted is not None:
        item["encrypted_content"] = _REDACTED + part.redacted
    elif part.signature is not None:
        item["encrypted_content"] = _SIGNED + part.signature
    return item
