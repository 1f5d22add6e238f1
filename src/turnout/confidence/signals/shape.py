"""What an answer looks like from outside: how it ended, whether it says anything, how it says it."""

from __future__ import annotations

from typing import ClassVar, Final

from turnout.confidence.signal import Held
from turnout.confidence.signals.measure import Measure
from turnout.confidence.signals.wording import hedges, refuses, words
from turnout.types.chat import Finish, Refusal, ToolCall

_CUT: Final = frozenset({Finish.LENGTH, Finish.CONTEXT_FULL, Finish.PAUSE})
_DENIED: Final = frozenset({Finish.REFUSAL, Finish.CONTENT_FILTER})


class Truncated(Measure, frozen=True, kw_only=True):
    """1 where the answer was cut off: by its limit of tokens, by the context's end, by a pause; else 0."""

    def measure(self, held: Held) -> float:
        """See `Measure.measure`."""
        return float(held.answer.finish in _CUT)


class Refused(Measure, frozen=True, kw_only=True):
    """1 where the answer refuses: by its finish signal, by a part that says so, or in its opening words; else 0."""

    prefix: ClassVar[bool] = True

    def measure(self, held: Held) -> float:
        """See `Measure.measure`."""
        answer = held.answer
        told = answer.finish in _DENIED or any(isinstance(part, Refusal) for part in answer.parts)
        return float(told or refuses(answer.text))


class Hedging(Measure, frozen=True, kw_only=True):
    """Expressions of doubt ("I think", "probably", "not sure"), per word of the answer."""

    prefix: ClassVar[bool] = True

    def measure(self, held: Held) -> float:
        """See `Measure.measure`."""
        text = held.answer.text
        return hedges(text) / max(words(text), 1)


class Empty(Measure, frozen=True, kw_only=True):
    """1 where the answer neither says anything nor calls a tool; else 0."""

    def measure(self, held: Held) -> float:
        """See `Measure.measure`."""
        answer = held.answer
        said = answer.text.strip() or any(isinstance(part, ToolCall | Refusal) for part in answer.parts)
        return float(not said)


class AnswerChars(Measure, frozen=True, kw_only=True):
    """How long the answer is: the characters of its text and of its calls' arguments."""

    def measure(self, held: Held) -> float:
        """See `Measure.measure`."""
        answer = held.answer
        called = sum(len(part.arguments) for part in answer.parts if isinstance(part, ToolCall))
        return float(len(answer.text) + called)
