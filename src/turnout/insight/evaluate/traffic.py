"""Recorded requests, with what is known of any target's answer to them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from math import isnan, nan
from typing import NamedTuple

import msgspec

from turnout.types.dialect import DialectName
from turnout.types.features import Features
from turnout.types.request import Caller


class Answer(NamedTuple):
    """What came of asking one target.

    Attributes:
        quality: how good the answer was found, 0 to 1; NaN where nobody said.
        cost_usd: what it cost, in USD; NaN where that is not known.
        latency_ms: how long it took, in ms; NaN where that is not known.
        output_tokens: how long it was, in tokens; NaN where that is not known.
        failed: there was none.
        signals: what was read off it, by name.
    """

    quality: float = nan
    cost_usd: float = nan
    latency_ms: float = nan
    output_tokens: float = nan
    failed: bool = False
    signals: Mapping[str, float] = {}


class Logged(NamedTuple):
    """What was done when chance had a part.

    Attributes:
        first: what was called first.
        chances: with which probability each was called first.
        came: what came of the whole request.
    """

    first: str
    chances: Mapping[str, float]
    came: Answer


class Asked(msgspec.Struct, frozen=True, kw_only=True):
    """A recorded request.

    Attributes:
        id: the decision's.
        time: when it was admitted, ISO 8601.
        cluster: who asked: what one user says is not independent. The request itself where nobody is known.
        question: the same for the same question, which is never split between training and scoring.
        features: what it looked like.
        query: what its user said last; None where that is not kept.
        policy_version: of the policy that decided it.
        caller: who asked, as rules read it.
        dialect: of the caller.
        stream: whether the answer was to be streamed.
        answers: of each target that answered it, or was asked beside it.
        logged: what was done, where its probability is known.
    """

    id: str
    time: str
    cluster: str
    question: str
    features: Features
    query: str | None = None
    policy_version: str = ""
    caller: Caller = Caller()
    dialect: DialectName = DialectName.OPENAI_CHAT
    stream: bool = False
    answers: Mapping[str, Answer] = {}
    logged: Logged | None = None

    @property
    def moment(self) -> datetime:
        """When it was admitted."""
        try:
            return datetime.fromisoformat(self.time).astimezone(UTC)
        except ValueError:
            return datetime.fromtimestamp(0, UTC)

    @property
    def judged(self) -> bool:
        """Whether anything says how good one of its answers is."""
        known = [answer.quality for answer in self.answers.values()]
        return not all(map(isnan, [*known, *([self.logged.came.quality] if self.logged else [])]))


Traffic = Sequence[Asked]


def in_two(traffic: Traffic, fraction: float) -> tuple[list[Asked], list[Asked]]:
    """The earlier part, for training, and the later one, for scoring.

    A question that is in the earlier part is left out of the later one: to have learnt its answer by heart is no merit.
    """
    ordered = sorted(traffic, key=lambda asked: (asked.time, asked.id))
    bound = int(len(ordered) * fraction)
    earlier = ordered[:bound]
    known = {asked.question for asked in earlier}
    return earlier, [asked for asked in ordered[bound:] if asked.question not in known]
