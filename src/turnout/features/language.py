"""Which language a text is in."""

from __future__ import annotations

from functools import cache
from importlib import import_module
from typing import Any, Final

from turnout.errors import MissingExtra

MIN_CONFIDENCE: Final = 0.4
"""The identifier's probability below which the language counts as unclear. Of 14 short questions to a shop in eight
languages the right ones scored 0.42 or more, and what is no language ("42 + 17 = ?", a line of code) 0.08 or less."""

SAMPLE_CHARS: Final = 2_000
"""The start of a text is enough to tell; the rest would only take time."""


def detect_language(text: str) -> str | None:
    """The ISO 639-1 code of `text`'s language, or None where it is not clear.

    A short question takes about 50 µs; the first one in a process also loads the model, about a second, unless
    `load_language_model` has.

    Raises:
        MissingExtra: the extra `language` is not installed.
    """
    sample = text[:SAMPLE_CHARS]
    code, probability = load_language_model().classify(sample)
    return str(code) if probability >= MIN_CONFIDENCE else None


@cache
def load_language_model() -> Any:
    """The identifier, loaded once in a process: when a configuration asks for it, and not while a request waits.

    Raises:
        MissingExtra: the extra `language` is not installed.
    """
    try:
        langid = import_module("py3langid.langid")
    except ImportError:
        raise MissingExtra("the condition `language`", "language") from None
    return langid.LanguageIdentifier.from_model_file(langid.MODEL_FILE, norm_probs=True)
