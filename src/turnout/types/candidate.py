"""What a policy says while it decides, and what it is told: the conversation between policy and executor.

A policy is a generator of `Step`s. For each `Candidate`, `Scoring` and `ReadOn` it is sent an `Outcome`; for each other
step it is sent None. It returns the outcome it accepts, or None when it has nothing more to propose; policies nest by
`yield from`. The executor drives it live, `explain` and replay without a call.
"""

from __future__ import annotations

from collections.abc import Generator, Mapping
from typing import Any, Literal, Protocol

import msgspec

from turnout.types.chat import Answer, Chat
from turnout.types.failure import Failure
from turnout.types.spend import Refusal

Purpose = Literal["answer", "judge", "shadow"]


class Candidate(msgspec.Struct, frozen=True, kw_only=True):
    """A target that a policy proposes.

    Attributes:
        target: the target's name.
        purpose: whether its answer is for the caller, a judgement of one, or nobody's: a shadow's, to be compared.
        hold: whether its answer is to be buffered until the policy has judged it.
        gate: of a streamed answer that is held, after how many tokens the policy is told of its beginning; None to be
            told of all of it.
        reason: why this target, in machine-readable words, the outermost first (`rule:faq/fallback:1`,
            `weighted:0.3`, `last_resort`).
        rule: the name of the rule that decided, where rules did; of rules within rules, the inner one.
        more: whether another candidate may follow if this one fails; while one does, the executor does not wait
            on a retry or on a silent answer.
        hedge: called beside an earlier one that is silent: the executor says so, no policy does.
        ask: what it is asked; None for what the caller asked.
        wants: what its answer must come with besides: `logprobs`, which the caller does not see unless it asked as
            well; `tail`, in which the target says how sure it is, and which the caller never sees.
    """

    target: str
    purpose: Purpose = "answer"
    hold: bool = False
    gate: int | None = None
    reason: str = ""
    rule: str | None = None
    more: bool = False
    hedge: bool = False
    ask: Chat | None = None
    wants: frozenset[str] = frozenset()


class Dropped(msgspec.Struct, frozen=True):
    """A candidate ruled out before any call.

    Attributes:
        target: the target's name.
        reason: why, in machine-readable words (`breaker_open`, `lacks_tools`, ...).
    """

    target: str
    reason: str


class Considered(msgspec.Struct, frozen=True):
    """A rule or branch that was looked at.

    Attributes:
        name: the rule's name.
        chosen: whether it decided.
        because: what made it so, in words a product manager can read ("tokens 240 > 200").
    """

    name: str
    chosen: bool
    because: str = ""


class Declined(msgspec.Struct, frozen=True):
    """A policy has no opinion: normal, recorded, distinct from failure."""

    policy: str
    reason: str


class Drew(msgspec.Struct, frozen=True, kw_only=True):
    """Chance chose one of several.

    Attributes:
        at: where in the configuration, dotted.
        shares: the probability of each.
        chosen: the place of the chosen one among them.
        number: what was drawn, in [0, 1).
    """

    at: str
    shares: tuple[float, ...]
    chosen: int
    number: float


class Chances(msgspec.Struct, frozen=True, kw_only=True):
    """What else chance might have called first, said before the first call of a request in which it had a part.

    An answer that is held is another way to go than the same target's given as it is: it is called `haiku (held)`.

    Attributes:
        first: what is called first.
        of: the probability with which each is called first, given the request and the conditions; their sum is 1, but
            for what nobody would have been called with.
    """

    first: str
    of: Mapping[str, float]


class Predicted(msgspec.Struct, frozen=True, kw_only=True):
    """A classifier said what to expect of each target, before any was called.

    Attributes:
        signals: what it expects, by name (`haiku.chance`, `haiku.cost_usd`, `haiku.latency_ms`); empty where it
            declines.
        artefact: the classifier.
    """

    signals: Mapping[str, float]
    artefact: str


class Judged(msgspec.Struct, frozen=True, kw_only=True):
    """A held answer was judged.

    Attributes:
        target: whose answer it is.
        accepted: whether it was good enough; else it is thrown away, unless nobody answers better.
        because: why, in words ("confidence 0.62 < 0.85").
        confidence: the probability that it is acceptable; None where nothing could be said.
        price: what one more acceptable answer is expected to cost, in USD, where that decides; else None.
        signals: what was read off it, by name.
        artefact: the calibration that judged; None for raw confidence.
        prefix: of how many tokens of its beginning; None for the whole answer.
        settled: whether that decided about it; else it is judged again at its end.
    """

    target: str
    accepted: bool
    because: str
    confidence: float | None = None
    price: float | None = None
    signals: Mapping[str, float] = msgspec.field(default_factory=dict)
    artefact: str | None = None
    prefix: int | None = None
    settled: bool = True

    @property
    def rank(self) -> float:
        """What the worst answers are told by, of which the lowest are; 0 where nothing could be said."""
        return (self.confidence if self.price is None else self.price) or 0.0


class Scorer(Protocol):
    """Code of the user's that scores answers."""

    async def score(self, case: Mapping[str, Any]) -> float | None:
        """The score of a case (`turnout.confidence.signals.scored.case_of`); None where there is none. Never fails."""
        ...


class Scoring(msgspec.Struct, frozen=True, kw_only=True):
    """A held answer is to be scored by code of the user's; the outcome has the score.

    Attributes:
        target: whose answer it is.
        scorer: who scores it. The policy hands on what it was given, and does not call it.
        case: question and answer: JSON values only.
    """

    target: str
    scorer: Scorer
    case: Mapping[str, Any]


class Unread(msgspec.Struct, frozen=True, kw_only=True):
    """A recorded answer is to be judged by what was not read off it; the outcome says whether to take it as kept.

    Attributes:
        target: whose answer it is.
    """

    target: str


class ReadOn(msgspec.Struct, frozen=True):
    """An answer whose beginning did not settle it is to be held to its end: the next outcome has all of it."""

    begun: Outcome


class Stop(msgspec.Struct, frozen=True):
    """An answer is not wanted, judging by its beginning: its call is to be ended at once."""

    begun: Outcome


class Outcome(msgspec.Struct, frozen=True, kw_only=True):
    """What became of a candidate: exactly one of an answer, a failure and a drop.

    Attributes:
        target: the candidate's target.
        answered: a complete answer is there (held), or has been committed to the caller.
        failure: what its last attempt ran into.
        dropped: why it was not called at all.
        answer: what a candidate that is held, or that was asked something else, said; for the policy to judge.
        whole: whether that is all of it, or its beginning: then the policy accepts it as it is, or says `ReadOn` or
            `Stop`.
        asked: what it was asked.
        stated: how sure it said it is, 0 to 1, where it was asked that as well; `answer` is without it.
        score: of a `Scoring`, the score; None where there is none.
        signals: what was read off the answer when it was recorded, where it is judged again without being there.
    """

    target: str
    answered: bool = False
    failure: Failure | None = None
    dropped: str | None = None
    answer: Answer | None = None
    whole: bool = True
    asked: Chat | None = None
    stated: float | None = None
    score: float | None = None
    signals: Mapping[str, float] | None = None


Step = (
    Candidate
    | Dropped
    | Considered
    | Declined
    | Drew
    | Chances
    | Predicted
    | Judged
    | Scoring
    | ReadOn
    | Stop
    | Refusal
    | Unread
)
Plan = Generator[Step, Outcome | None, Outcome | None]
