"""How likely the target held the tokens of its answer to be.

All of these need the tokens' log-probabilities, and two of them those of the likeliest other tokens as well: ask for
`TOP_LOGPROBS`. Token texts are the provider's, so the numbers of one model do not compare with those of another.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from operator import mul
from typing import Annotated, ClassVar, Final

import msgspec

from turnout.confidence.signal import Held
from turnout.confidence.signals.measure import Measure
from turnout.types.chat import Answer, Thinking, TokenLogprob

TOP_LOGPROBS: Final = 5
"""How many of the likeliest tokens to ask for at each place: what every provider that tells any tells."""

FLOOR: Final = -30.0
"""The least log-probability that is counted, in nats: providers write "never" as -9999, as the least float, or as
-Infinity, and one such token would hide all others in a mean."""


_NUMBERS: Final = (float, int)


class _OfTokens(Measure, frozen=True, kw_only=True):
    """A number of the tokens of what was said."""

    needs: ClassVar[frozenset[str]] = frozenset({"logprobs"})
    prefix: ClassVar[bool] = True

    def measure(self, held: Held) -> float | None:
        """See `Measure.measure`."""
        tokens = said_tokens(held.answer)
        return self.of(tokens) if tokens else None

    def of(self, tokens: Sequence[TokenLogprob]) -> float | None:
        """The number; there is at least one token, and each has a log-probability."""
        raise NotImplementedError


class MeanLogprob(_OfTokens, frozen=True, kw_only=True):
    """The mean log-probability of the answer's tokens, in nats: 0 is certain.

    It is the log of the answer's probability over its length: Malinin and Gales, "Uncertainty Estimation in
    Autoregressive Structured Prediction", ICLR 2021.
    """

    def of(self, tokens: Sequence[TokenLogprob]) -> float:
        """See `_OfTokens.of`."""
        return math.fsum(bounded(token.logprob) for token in tokens) / len(tokens)


class MinLogprob(_OfTokens, frozen=True, kw_only=True):
    """The log-probability of the answer's least likely token, in nats: one wrong figure makes an answer wrong."""

    def of(self, tokens: Sequence[TokenLogprob]) -> float:
        """See `_OfTokens.of`."""
        return min(bounded(token.logprob) for token in tokens)


class QuantileLogprob(_OfTokens, frozen=True, kw_only=True):
    """A quantile of the tokens' log-probabilities, in nats: between mean and minimum, and unmoved by length.

    Gupta et al., "Language Model Cascades: Token-Level Uncertainty and Beyond", ICLR 2024.

    Attributes:
        at: the quantile, above 0 and below 1.
    """

    at: Annotated[float, msgspec.Meta(gt=0, lt=1)] = 0.1

    def of(self, tokens: Sequence[TokenLogprob]) -> float:
        """See `_OfTokens.of`."""
        ordered = sorted(bounded(token.logprob) for token in tokens)
        place = self.at * (len(ordered) - 1)
        below = math.floor(place)
        above = min(below + 1, len(ordered) - 1)
        return ordered[below] + (place - below) * (ordered[above] - ordered[below])


class LogprobMargin(_OfTokens, frozen=True, kw_only=True):
    """By how much the likeliest token leads the second likeliest, on average over the answer, in nats."""

    def of(self, tokens: Sequence[TokenLogprob]) -> float | None:
        """See `_OfTokens.of`. None where the alternatives of a token are not told."""
        told = [sorted(_likeliest(token)) for token in tokens]
        if any(len(logprobs) < 2 for logprobs in told):
            return None
        return math.fsum(logprobs[-1] - logprobs[-2] for logprobs in told) / len(told)


class TokenEntropy(_OfTokens, frozen=True, kw_only=True):
    """How evenly the target was torn between tokens, on average over the answer, in nats: 0 is certain.

    Of the tokens that are told; what is not told counts as one more, so that it is a lower bound of the entropy.
    """

    def of(self, tokens: Sequence[TokenLogprob]) -> float | None:
        """See `_OfTokens.of`. None where the alternatives of a token are not told."""
        told = [_likeliest(token) for token in tokens]
        if any(len(logprobs) < 2 for logprobs in told):
            return None
        return math.fsum(map(_entropy, told)) / len(told)


class FirstToken(_OfTokens, frozen=True, kw_only=True):
    """The probability of the first token that says something: of a choice or a yes, the answer itself.

    Spaces, quotes, brackets and the like before it are passed over.
    """

    def of(self, tokens: Sequence[TokenLogprob]) -> float:
        """See `_OfTokens.of`."""
        return math.exp(bounded(first_said(tokens).logprob))


def said_tokens(answer: Answer) -> tuple[TokenLogprob, ...]:
    """The tokens of the answer's text, none where they are not told, or not all of them.

    Tokens without text (a unary answer of llama.cpp ends with one, its stream does not) are left out; of a model whose
    reasoning is shown apart, the tokens of the reasoning are.
    """
    tokens = tuple(token for token in answer.logprobs if token.token)
    if not all(_is_number(token.logprob) for token in tokens):
        return ()
    if any(isinstance(part, Thinking) for part in answer.parts):
        return _last_saying(answer.text, tokens)
    return tokens


def first_said(tokens: Sequence[TokenLogprob]) -> TokenLogprob:
    """The first token with a letter or a digit in it; the first of all where none has."""
    return next((token for token in tokens if any(map(str.isalnum, token.token))), tokens[0])


def bounded(logprob: float) -> float:
    """A log-probability as it is counted: `FLOOR` to 0."""
    return min(max(float(logprob), FLOOR), 0.0)


def _last_saying(text: str, tokens: tuple[TokenLogprob, ...]) -> tuple[TokenLogprob, ...]:
    """The tokens from the end on that make up a text; none where they do not."""
    left = text.rstrip()
    whole = "".join(token.token for token in tokens).rstrip()
    if not left or not whole.endswith(left):
        return ()
    skipped = len(whole) - len(left)
    for place, token in enumerate(tokens):
        if skipped <= 0:
            return tokens[place:]
        skipped -= len(token.token)
    return ()


def _likeliest(token: TokenLogprob) -> list[float]:
    """The log-probabilities told of one place: of the likeliest tokens and of the chosen one, which may be another."""
    told = dict(token.top)
    told[token.token] = token.logprob
    return [min(max(logprob, FLOOR), 0.0) for logprob in told.values() if _is_number(logprob)]


def _entropy(logprobs: Sequence[float]) -> float:
    chances = [math.exp(logprob) for logprob in logprobs]
    rest = 1.0 - math.fsum(chances)
    told = -math.fsum(map(mul, chances, logprobs))
    return told - rest * math.log(rest) if rest > 0 else told


def _is_number(value: object) -> bool:
    """Whether it is one that can be counted. JSON has none for "never", and some servers write null for it."""
    return isinstance(value, _NUMBERS) and value == value  # noqa: PLR0124 - all but NaN are
