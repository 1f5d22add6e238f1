"""Is the answer in the question's language?"""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

from turnout.confidence.signal import Held
from turnout.confidence.signals.measure import Measure
from turnout.types.chat import Chat, Text

Detect = Callable[[str], str | None]
"""Tells a text's language: its ISO 639-1 code, or None where it is not clear."""

LEAST: Final = 20
"""Characters below which a text is too short to tell ("42", "Paris") and no difference is assumed."""


class LanguageDiffers(Measure, frozen=True, kw_only=True):
    """1 where the answer is in another language than the question; else 0.

    0 as well where either language is not clear, as of numbers, code and single words. A question that asks for another
    language (a translation) gets a 1: whether that matters on a route, its labels say.

    Attributes:
        detect: tells a text's language.
    """

    detect: Detect | None = None

    def __post_init__(self) -> None:
        """Check what it was handed. Raises `ValueError`."""
        if self.detect is None:
            raise ValueError("telling languages apart needs an optional dependency: pip install 'turnout[language]'")

    def measure(self, held: Held) -> float | None:
        """See `Measure.measure`."""
        if self.detect is None:
            return None
        said, asked = held.answer.text.strip(), query_of(held.question).strip()
        if min(len(said), len(asked)) < LEAST:
            return 0.0
        answered, spoken = self.detect(said), held.features.language or self.detect(asked)
        return float(answered is not None and spoken is not None and answered != spoken)


def query_of(chat: Chat) -> str:
    """The last thing the user said, as text."""
    for message in reversed(chat.messages):
        if message.role == "user":
            said = "\n".join(part.text for part in message.parts if isinstance(part, Text))
            if said:
                return said
    return ""
