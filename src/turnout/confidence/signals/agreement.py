"""Self-consistency: the target is asked the same again, and does it say the same?"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from operator import mul
from typing import Annotated, ClassVar, Final, Literal

import msgspec

from turnout.confidence.signal import Ask, Held, Reading
from turnout.confidence.signals.measure import Named
from turnout.confidence.signals.normal import normal_answer
from turnout.types.chat import Answer, Chat

Embed = Callable[[Sequence[str]], Sequence[Sequence[float]]]
"""Turns texts into vectors whose direction is their meaning."""

_COLD: Final = 0.1
"""A temperature under which samples hardly differ, so that they would agree whatever the target knows."""


class Agreement(Named, frozen=True, kw_only=True):
    """The share of further samples of the same target that say what the answer says.

    Wang et al., "Self-Consistency Improves Chain of Thought Reasoning in Language Models", ICLR 2023. Numbers, choices
    (A to J), JSON and tool calls are compared by what they mean, other texts word by word: for those, ask for agreement
    by `meaning`. The samples are taken one after another, so that it costs their time as well as their price.

    Attributes:
        samples: how many times to ask again.
        by: what to compare by: `auto`, `number`, `choice`, `json`, `text`, or `meaning` (the mean cosine of the angles
            between the embeddings).
        temperature: of the samples, unless the request sets one that lets them differ.
        embed: turns texts into vectors.
    """

    samples: Annotated[int, msgspec.Meta(ge=1, le=20)] = 3
    by: Literal["auto", "number", "choice", "json", "text", "meaning"] = "auto"
    temperature: Annotated[float, msgspec.Meta(gt=0, le=2)] = 0.7
    embed: Embed | None = None
    asks: ClassVar[str] = "the same target, once for each sample"

    def __post_init__(self) -> None:
        """Check the settings. Raises `ValueError`."""
        if self.by == "meaning" and self.embed is None:
            raise ValueError("agreement by meaning needs embeddings: pip install 'turnout[embeddings]'")

    @property
    def calls(self) -> int:
        """See `turnout.confidence.signal.Signal`."""
        return self.samples

    def read(self, held: Held) -> Reading:
        """See `turnout.confidence.signal.Signal`. None where no sample was answered."""
        if not held.whole:
            return None
        others = []
        for place in range(self.samples):
            reply = yield Ask(chat=self._asking(held.question, place))
            if isinstance(reply, Answer):
                others.append(reply)
        return self._agreement(held.answer, others) if others else None

    def _asking(self, question: Chat, place: int) -> Chat:
        warm = question.temperature is not None and question.temperature >= _COLD
        return msgspec.structs.replace(
            question,
            temperature=question.temperature if warm else self.temperature,
            seed=None if question.seed is None else question.seed + place + 1,
            logprobs=False,
            top_logprobs=None,
            stream=False,
            foreign=(),
        )

    def _agreement(self, answer: Answer, others: Sequence[Answer]) -> float | None:
        if self.by == "meaning":
            return _likeness(self.embed([each.text for each in (answer, *others)])) if self.embed else None
        form = normal_answer(answer, self.by)
        return sum(normal_answer(other, self.by) == form for other in others) / len(others)


def _likeness(vectors: Sequence[Sequence[float]]) -> float:
    """The mean cosine between the first vector and the others, 0 where they point apart."""
    first, *others = vectors
    return sum(max(0.0, _cosine(first, other)) for other in others) / len(others)


def _cosine(one: Sequence[float], other: Sequence[float]) -> float:
    lengths = math.hypot(*one) * math.hypot(*other)
    return min(1.0, math.fsum(map(mul, one, other)) / lengths) if lengths else 0.0
