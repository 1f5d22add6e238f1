"""What a signal is: one number that says something about how good an answer is.

A signal is read from an answer that is held back. Some need nothing but the answer; others ask a model about it, or
have it scored by code of the user's. All have one shape: a generator that yields what is to be asked, is sent what was
answered, and returns the number. So a signal calls nothing itself, and whoever drives it decides how, and pays.
"""

from __future__ import annotations

from collections.abc import Generator, Mapping
from typing import Any, Protocol

import msgspec

from turnout.types.chat import Answer, Chat
from turnout.types.features import Features


class Held(msgspec.Struct, frozen=True, kw_only=True):
    """An answer that is held back until it has been judged.

    Attributes:
        question: what was asked.
        answer: what was answered; of a stream that is still being written, what is there of it.
        features: what the request looks like.
        target: whose answer it is.
        whole: whether the answer is complete; a prefix of a stream is not.
        stated: how sure the target said it is, 0 to 1, where it was asked and said so. Whoever asked has taken it out
            of `answer` (`turnout.confidence.signals.tail`), so that every other signal reads what the caller will.
    """

    question: Chat
    answer: Answer
    features: Features
    target: str
    whole: bool = True
    stated: float | None = None


class Ask(msgspec.Struct, frozen=True, kw_only=True):
    """Something that a signal has to ask before it can be read.

    Attributes:
        chat: the question.
        target: who is asked; None for the target whose answer is judged.
        logprobs: whether the answer must come with its tokens' log-probabilities.
    """

    chat: Chat
    target: str | None = None
    logprobs: bool = False


class Score(msgspec.Struct, frozen=True, kw_only=True):
    """Something that a signal has to have scored by code of the user's.

    No address is in it: the configuration says what stands behind a name.

    Attributes:
        scorer: who scores, by name.
        case: what is scored: JSON values only.
    """

    scorer: str
    case: Mapping[str, Any]


Reading = Generator[Ask | Score, Answer | float | None, float | None]
"""A signal being read: yields what is to be asked, is sent what was answered, returns the value.

An `Ask` is sent its `Answer`, a `Score` its number, and either None where there was none. A returned None means that
the signal cannot be read off this answer: nothing is known, so nothing may be accepted.
"""


class Signal(Protocol):
    """One number about an answer."""

    @property
    def name(self) -> str:
        """What records, artefacts and configurations call it."""
        ...

    @property
    def needs(self) -> frozenset[str]:
        """What the judged target must give: `logprobs`; `tail` where the question must ask how sure it is."""
        ...

    @property
    def calls(self) -> int:
        """The most calls to a model that it makes."""
        ...

    @property
    def target(self) -> str | None:
        """Whom it asks; None for the target whose answer is judged."""
        ...

    @property
    def prefix(self) -> bool:
        """Whether it can be read off the beginning of an answer."""
        ...

    def read(self, held: Held) -> Reading:
        """Read the signal."""
        ...


def read_free(signal: Signal, held: Held) -> float | None:
    """Read a signal that asks nothing.

    Raises:
        RuntimeError: it asks something after all.
    """
    reading = signal.read(held)
    try:
        next(reading)
    except StopIteration as stop:
        value: float | None = stop.value
        return value
    reading.close()
    raise RuntimeError(f"the signal {signal.name} asks something, and cannot be read for free")


Values = Mapping[str, float]
"""Signals and features by name, as they are recorded and as a calibration takes them."""
