"""How many tokens a text will take, before any provider has counted them."""

from __future__ import annotations

from typing import Final

_CONTINUATION: Final = bytes(range(0x80, 0xC0))

# First byte and last byte of a script's letters in UTF-8, and the tokens that a letter takes.
_SCRIPTS: Final = (
    (0xC2, 0xCD, 0.50),  # Latin with marks, IPA, combining marks
    (0xCE, 0xD4, 0.40),  # Greek, Cyrillic
    (0xD5, 0xDF, 0.45),  # Armenian, Hebrew, Arabic
    (0xE0, 0xE0, 0.60),  # the scripts of India, Thai, Lao
    (0xE1, 0xE1, 0.90),  # Georgian, Khmer, Mongolian, Vietnamese's stacked marks
    (0xE2, 0xE2, 1.00),  # punctuation, arrows, mathematics
    (0xE3, 0xE9, 0.85),  # Chinese, kana
    (0xEA, 0xED, 0.70),  # Hangul
    (0xEE, 0xEF, 1.00),  # full-width forms, compatibility
    (0xF0, 0xF4, 2.00),  # emoji, rare ideographs
)
_ASCII_TOKENS: Final = 0.25

TOKENS_PER_TURN: Final = 4
"""What separates one message from the next: OpenAI's cookbook counts 3 and a role."""

TOKENS_PER_TOOL: Final = 80
"""A function of two or three described parameters; an outline tells how many tools there are, not how long they are."""

TOKENS_PER_IMAGE: Final = 1_000
"""Between 85 (OpenAI, low detail) and about 1,600 (Anthropic's largest: width × height / 750)."""


def estimate_tokens(text: str) -> int:
    """Tokens of `text`, estimated by script; 0 only for an empty text.

    English prose, 4 characters to a token, is OpenAI's own rule of thumb. For any other script the first byte of a
    letter's UTF-8 form tells the script, so that counting is a pass at C's speed.
    """
    if text.isascii():
        return tokens_in_chars(len(text))
    leads = text.encode("utf-8", "surrogatepass").translate(None, _CONTINUATION)
    tokens = 0.0
    rest = len(leads)
    for first, last, weight in _SCRIPTS:
        others = leads.translate(None, bytes(range(first, last + 1)))
        count, leads = len(leads) - len(others), others
        tokens += count * weight
        rest -= count
        if not rest:
            break
    return max(1, round(tokens + rest * _ASCII_TOKENS))


def tokens_in_chars(chars: int) -> int:
    """Tokens of a text of which only the number of characters is known: 4 characters to a token."""
    return (chars + 3) // 4


class TokenEstimator:
    """Corrects estimates by what each target then reports.

    A target's ratio is an exponentially weighted average of reported / estimated tokens, so that it follows a new
    tokenizer within some tens of requests and a single odd request moves it little.

    Args:
        weight: the share of the newest ratio in the average, above 0 and at most 1.
    """

    BOUNDS: Final = (0.1, 10.0)
    """What a single report may claim: a proxy that reports nonsense must not ruin the estimates."""

    def __init__(self, weight: float = 0.05) -> None:
        self._weight = weight
        self._ratios: dict[str, float] = {}

    def observe(self, target: str, estimated: int, reported: int) -> None:
        """Learn that what was estimated to be `estimated` input tokens was reported by `target` as `reported`."""
        if estimated <= 0 or reported <= 0:
            return
        low, high = self.BOUNDS
        ratio = min(max(reported / estimated, low), high)
        known = self._ratios.get(target)
        self._ratios[target] = ratio if known is None else known + self._weight * (ratio - known)

    def ratio(self, target: str) -> float:
        """Reported over estimated tokens at `target`; 1.0 until it has reported any."""
        return self._ratios.get(target, 1.0)

    def corrected(self, target: str, estimated: int) -> int:
        """`estimated` tokens as `target` would count them."""
        return round(estimated * self._ratios.get(target, 1.0))
