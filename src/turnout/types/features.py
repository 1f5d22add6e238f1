"""What a request looks like: computed once, read by policies, recorded with the decision."""

from __future__ import annotations

from collections.abc import Mapping

import msgspec


class Features(msgspec.Struct, frozen=True, kw_only=True):
    """The request's features.

    Attributes:
        chars: characters of the query (the last thing the user said).
        tokens: estimated tokens of the query.
        context_tokens: estimated tokens of the whole input: system prompt, history, tools.
        max_tokens: the most tokens the answer may have, if the caller set it.
        turns: turns of the user so far.
        tools: tools offered.
        images: images in the conversation.
        language: ISO 639-1 code of the query's language; None where no rule asks for it or it is not clear.
        needs: what the request asks for that not every target has, sorted.
        matches: for each phrase list of the route that matched, the first phrase found.
    """

    chars: int
    tokens: int
    context_tokens: int
    max_tokens: int | None = None
    turns: int = 1
    tools: int = 0
    images: int = 0
    language: str | None = None
    needs: tuple[str, ...] = ()
    matches: Mapping[str, str] = msgspec.field(default_factory=dict)
