"""A conversation as text, for a model or for code that is to judge an answer to it."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from turnout.types.chat import Chat, Document, Image, Part, Refusal, Text, Thinking, ToolCall, ToolResult


def said(parts: Iterable[Part]) -> str:
    """What parts say; what is no text stands in brackets, and reasoning is left out."""
    return "\n".join(text for part in parts if (text := _said(part)))


def turns(chat: Chat) -> Iterator[tuple[str, str]]:
    """Each turn of a conversation: who speaks, and what."""
    if chat.system:
        yield "system", said(chat.system)
    for message in chat.messages:
        yield message.role, said(message.parts)


def _said(part: Part) -> str:
    match part:
        case Text(text) | Refusal(text):
            return text
        case ToolCall():
            return f"[calls {part.name} with {part.arguments}]"
        case ToolResult():
            return f"[{'error' if part.is_error else 'result'}: {said(part.content)}]"
        case Document():
            return part.text or f"[file {part.name or part.url or ''}]".replace(" ]", "]")
        case Image():
            return "[image]"
        case Thinking():
            return ""
