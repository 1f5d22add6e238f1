"""What a signal is: one number that says something about how good an answer is.

A signal is read from an answer that is held back. Some need nothing but the answer; others ask a model about it. Both
have one shape: a generator that yields what is to be asked, is sent the answer, and returns the number.
"""

from __future__ import annotations

from collections.abc import Generator, Mapping
from typing import Protocol

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
    """

    question: Chat
    answer: Answer
    features: Features
    target: str
    whole: bool = True


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


Reading = Generator[Ask, Answer | None, float | None]
"""A signal being read: yields what is to be asked, is sent the answer (None where there was none), returns the value.

A returned None means that the signal cannot be read off this answer: nothing is known, so nothing may be accepted.
"""


class Signal(Protocol):
    """One number about an answer.

    Attributes:
        name: what records, artefacts and configurations call it.
        needs: what the target must give with its answer (`logprobs`).
        calls: the most calls that it makes.
        prefix: whether it can be read off the beginning of an answer.
    """

    name: str
    needs: frozenset[str]
    calls: int
    prefix: bool

    def read(self, held: Held) -> Reading:
        """Read the signal."""
        ...


def read_free(signal: Signal, held: Held) -> float | None:
    """Read a signal that makes no calls.

    Raises:
        RuntimeError: it makes one after all.
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
