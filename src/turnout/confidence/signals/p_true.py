"""P(True): the target is shown its own answer and asked whether it is right."""

from __future__ import annotations

import math
import re
from collections.abc import Mapping
from typing import ClassVar, Final

import msgspec

from turnout.confidence.signal import Ask, Held, Reading
from turnout.confidence.signals.logprobs import TOP_LOGPROBS, bounded, first_said, said_tokens
from turnout.confidence.signals.measure import Named
from turnout.types.chat import Answer, Chat, Message, Text, ToolCall, ToolChoice

_ASKED: Final = "Is the answer above correct and complete? Reply with one word, True or False."
_WORDS: Final[Mapping[str, bool]] = {"true": True, "yes": True, "false": False, "no": False}
_NOT_A_LETTER: Final = re.compile(r"[\W_]+")
_MAX_TOKENS: Final = 16
"""One would do; but it is the least that Responses takes."""


class PTrue(Named, frozen=True, kw_only=True):
    """The probability that the target itself gives to "True" when asked whether its answer is right.

    Kadavath et al., "Language Models (Mostly) Know What They Know" (2022), section 3. The conversation goes on for one
    turn, so that a provider which caches what it has read charges little for it. Small models are poor judges of
    themselves: look at the calibration before paying for it.
    """

    needs: ClassVar[frozenset[str]] = frozenset({"logprobs"})
    asks: ClassVar[str] = "the same target once, for a word"

    @property
    def calls(self) -> int:
        """See `turnout.confidence.signal.Signal`."""
        return 1

    def read(self, held: Held) -> Reading:
        """See `turnout.confidence.signal.Signal`. None of an answer that calls tools, or says nothing."""
        if not held.whole or not held.answer.text.strip() or any(isinstance(p, ToolCall) for p in held.answer.parts):
            return None
        reply = yield Ask(chat=_asking(held.question, held.answer), logprobs=True)
        return chance_of_true(reply) if isinstance(reply, Answer) else None


def chance_of_true(reply: Answer) -> float | None:
    """P(True) / (P(True) + P(False)) at the reply's first word; None where neither was likely enough to be told."""
    tokens = said_tokens(reply)
    if not tokens:
        return None
    first = first_said(tokens)
    chances = {True: 0.0, False: 0.0}
    for text, logprob in (dict(first.top) | {first.token: first.logprob}).items():
        means = _WORDS.get(_NOT_A_LETTER.sub("", text).casefold())
        if means is not None:
            chances[means] += math.exp(bounded(logprob))
    total = sum(chances.values())
    return chances[True] / total if total else None


def _asking(question: Chat, answer: Answer) -> Chat:
    told = Message("assistant", (Text(answer.text),))
    asked = Message("user", (Text(_ASKED),))
    return msgspec.structs.replace(
        question,
        messages=(*question.messages, told, asked),
        tool_choice=ToolChoice(mode="none") if question.tools else None,
        max_tokens=_MAX_TOKENS,
        temperature=None,
        top_p=None,
        top_k=None,
        stop=(),
        logit_bias=None,
        presence_penalty=None,
        frequency_penalty=None,
        format=None,
        reasoning=None,
        logprobs=True,
        top_logprobs=TOP_LOGPROBS,
        stream=False,
        foreign=(),
    )
