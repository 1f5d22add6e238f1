"""Which language a text is in."""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING, Final

from turnout.errors import MissingExtra

if TYPE_CHECKING:
    from py3langid.langid import LanguageIdentifier

MIN_LETTERS: Final = 12
"""Fewer letters than this are no sample: "ok" is in every language."""

MIN_CONFIDENCE: Final = 0.8
"""The identifier's probability below which the language counts as unclear."""

SAMPLE_CHARS: Final = 2_000
"""The start of a text is enough to tell; the rest would only take time."""


def detect_language(text: str) -> str | None:
    """The ISO 639-1 code of `text`'s language, or None where it is not clear.

    Raises:
        MissingExtra: the extra `language` is not installed.
    """
    sample = text[:SAMPLE_CHARS]
    if sum(map(str.isalpha, sample)) < (MIN_LETTERS if sample.isascii() else 2):
        return None
    code, probability = _identifier().classify(sample)
    return str(code) if probability >= MIN_CONFIDENCE else None


@cache
def _identifier() -> LanguageIdentifier:
    """The model, loaded at the first question: most processes never ask."""
    try:
        from py3langid.langid import MODEL_FILE, LanguageIdentifier
    except ImportError:
        raise MissingExtra("the condition `language`", "language") from None
    return LanguageIdentifier.from_pickled_model(MODEL_FILE, norm_probs=True)
