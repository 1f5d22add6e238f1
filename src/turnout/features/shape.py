"""What a request looks like."""

from __future__ import annotations

from turnout.features.language import detect_language
from turnout.features.phrases import PhraseLists
from turnout.features.tokens import TOKENS_PER_IMAGE, TOKENS_PER_TOOL, TOKENS_PER_TURN, estimate_tokens
from turnout.types.features import Features
from turnout.types.request import Outline


def read_features(outline: Outline, *, lists: PhraseLists, language: bool = False) -> Features:
    """Read the features of a conversation.

    Args:
        outline: the conversation.
        lists: the phrase lists of the request's route; they are looked for in the query.
        language: whether to identify the query's language.

    Raises:
        MissingExtra: `language` is asked for and its extra is not installed.
    """
    query = outline.query
    tokens = estimate_tokens(query)
    return Features(
        chars=len(query),
        tokens=tokens + outline.tokens,
        context_tokens=_context_tokens(outline, query, tokens),
        max_tokens=outline.max_tokens,
        turns=[turn.role for turn in outline.said].count("user"),
        tools=outline.tools,
        images=outline.images,
        language=detect_language(query) if language else None,
        needs=tuple(sorted(outline.needs)) if outline.needs else (),
        matches=lists.matches(query),
    )


def _context_tokens(outline: Outline, query: str, of_query: int) -> int:
    """The whole input's tokens; the query, often the longest part of it, has been estimated."""
    said = len(outline.said) * TOKENS_PER_TURN
    for turn in outline.said:
        said += of_query if turn.text is query else estimate_tokens(turn.text)
    return said + outline.tokens + outline.tools * TOKENS_PER_TOOL + outline.images * TOKENS_PER_IMAGE
