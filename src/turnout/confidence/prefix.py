"""The beginning of an answer: what can be told of it before the rest is written.

A signal of the first 20 tokens goes by the name of the signal of the whole answer and their number: `mean_logprob@20`.
Its values are others than the whole answer's, so that neither is ever taken for the other: in records, in label files
and in calibrations they are different columns.
"""

from __future__ import annotations

from typing import Final

import msgspec

from turnout.confidence.signal import Held, Reading, Signal
from turnout.confidence.signals.logprobs import said_tokens
from turnout.types.chat import Answer, Text

AT: Final = "@"


def prefix_name(name: str, tokens: int) -> str:
    """What a signal of the first `tokens` is called."""
    return f"{name}{AT}{tokens}"


def prefix_of(name: str) -> tuple[str, int | None]:
    """The signal that a name means, and of how many tokens; None for whole answers."""
    signal, _, tokens = name.partition(AT)
    return signal, int(tokens) if tokens.isdecimal() else None


def beginning(answer: Answer, tokens: int) -> Answer | None:
    """The first tokens of what an answer says; None where it has fewer, or does not tell how likely they were."""
    said = said_tokens(answer)[:tokens]
    if len(said) < tokens:
        return None
    text = "".join(token.token for token in said)
    return msgspec.structs.replace(answer, parts=(Text(text),), logprobs=said)


class PrefixSignal(msgspec.Struct, frozen=True, kw_only=True):
    """A signal that is read off the first tokens of an answer, however many more there are.

    Attributes:
        whole: the signal of which it is.
        tokens: how many.
    """

    whole: Signal
    tokens: int

    @property
    def name(self) -> str:
        """See `Signal`."""
        return prefix_name(self.whole.name, self.tokens)

    @property
    def needs(self) -> frozenset[str]:
        """See `Signal`. Without the log-probabilities nobody could tell where a token ends."""
        return self.whole.needs | {"logprobs"}

    @property
    def calls(self) -> int:
        """See `Signal`."""
        return self.whole.calls

    @property
    def target(self) -> str | None:
        """See `Signal`."""
        return self.whole.target

    @property
    def prefix(self) -> bool:
        """See `Signal`."""
        return self.whole.prefix

    def read(self, held: Held) -> Reading:
        """See `Signal`. Nothing can be read where there are fewer tokens."""
        begun = beginning(held.answer, self.tokens)
        if begun is None:
            return None
        return (yield from self.whole.read(msgspec.structs.replace(held, answer=begun, whole=False)))
