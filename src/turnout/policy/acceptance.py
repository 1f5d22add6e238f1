"""Whether a held answer is good enough."""

from __future__ import annotations

import math
from collections.abc import Generator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final

import msgspec

from turnout.confidence.calibration import DEAREST, Calibration
from turnout.confidence.signal import Ask, Held, Score, Signal
from turnout.confidence.signals.request import request_values
from turnout.policy.base import Context
from turnout.policy.gate import Gate
from turnout.types.candidate import Candidate, Judged, Outcome, Scorer, Scoring, Step, Unread
from turnout.types.chat import Answer, Chat, Finish, ToolCall
from turnout.types.judging import Standing

RAW_SIGNAL: Final = "mean_logprob"
"""What confidence is where nothing has been calibrated: the geometric mean of the tokens' probabilities."""

_EMPTY: Final = "it says nothing"
_UNFIT: Final = {
    Finish.REFUSAL: "it refused",
    Finish.CONTENT_FILTER: "a content filter stopped it",
    Finish.CONTEXT_FULL: "the context was full",
}


@dataclass(frozen=True, slots=True)
class Acceptance:
    """What an answer must reach to be kept.

    Whatever cannot be told speaks against the answer: it is then not kept, since to ask a better target is the safe
    mistake.

    Attributes:
        least: the least confidence that keeps it; infinite where `worth` says what does.
        signals: what is read off it.
        calibration: what makes confidence of them; None takes the mean probability of its tokens as it is.
        scorers: the user's own code behind the signals that have some, by their names.
        gate: what settles it already at its beginning, where it is streamed; None for nothing.
        distrusts: whether nothing is kept while the traffic is another than what the calibration was fitted on.
        worth: what one more acceptable answer may cost, in USD: where it costs more, this is kept; None for `least`.
    """

    least: float
    signals: tuple[Signal, ...]
    calibration: Calibration | None = None
    scorers: Mapping[str, Scorer] = field(default_factory=dict)
    distrusts: bool = False
    gate: Gate | None = None
    worth: float | None = None

    @property
    def wants(self) -> frozenset[str]:
        """What the answer must come with."""
        signals = (*self.signals, *(self.gate.signals if self.gate is not None else ()))
        return frozenset().union(*(signal.needs for signal in signals))

    def judge_beginning(self, gate: Gate, context: Context, begun: Outcome) -> Judged:
        """Judge the beginning of an answer. One that is not trusted, or may not be escalated, is held to its end."""
        judged = gate.judge(context, begun)
        moved = self._moved(judged, context) and judged.accepted
        kept = not judged.accepted and _within_budget(judged, context.conditions.standing).accepted
        if judged.settled and (moved or kept):
            return msgspec.structs.replace(
                judged, accepted=False, settled=False, because=f"{judged.because}, but its end is waited for"
            )
        return judged

    def judge(self, context: Context, outcome: Outcome) -> Generator[Step, Outcome | None, Judged]:
        """Judge an answer. Yields what the signals have to ask; returns the judgement."""
        judged = yield from self._judge(context, outcome)
        standing = context.conditions.standing
        moved = self._moved(judged, context)
        if moved and judged.accepted:
            told = f"{judged.because}, but the traffic is another than the calibration's ({', '.join(moved)})"
            judged = msgspec.structs.replace(judged, accepted=False, because=told)
        return _within_budget(judged, standing)

    def _moved(self, judged: Judged, context: Context) -> Sequence[str]:
        """The inputs that are others than the calibration's, where that counts."""
        return context.conditions.standing.shifted.get(judged.artefact or "", ()) if self.distrusts else ()

    def _judge(self, context: Context, outcome: Outcome) -> Generator[Step, Outcome | None, Judged]:
        answer, asked = outcome.answer, outcome.asked
        if outcome.signals is not None:
            return (yield from self._recorded(context, outcome, outcome.signals))
        if answer is None or asked is None:
            return self._judged(outcome, because="its answer cannot be read")
        if why := _unfit(answer, asked):
            return self._judged(outcome, because=why)
        held = Held(
            question=asked, answer=answer, features=context.features, target=outcome.target, stated=outcome.stated
        )
        values: dict[str, float] = {}
        for signal in self.signals:
            value = yield from self._read(signal, held)
            if value is None:
                return self._judged(outcome, values, because=f"{signal.name} cannot be read")
            values[signal.name] = value
        return self._weighed(context, outcome, values)

    def _recorded(
        self, context: Context, outcome: Outcome, signals: Mapping[str, float]
    ) -> Generator[Step, Outcome | None, Judged]:
        """Judge an answer of before by what was read off it then."""
        values = {signal.name: signals[signal.name] for signal in self.signals if signal.name in signals}
        if len(values) == len(self.signals):
            return self._weighed(context, outcome, values)
        told = yield Unread(target=outcome.target)
        judged = self._judged(outcome, values, because="it was not read so far")
        return msgspec.structs.replace(judged, accepted=told is not None and told.answered)

    def _weighed(self, context: Context, outcome: Outcome, values: dict[str, float]) -> Judged:
        """The judgement by what was read."""
        if self.calibration is None:
            return self._judged(outcome, values, math.exp(values[RAW_SIGNAL]))
        judgement = self.calibration.judge({**request_values(context.features), **values})
        judged = self._judged(outcome, values, judgement.confidence, because=judgement.declined)
        return judged if self.worth is None or judgement.price is None else _priced(judged, judgement.price, self.worth)

    def _read(self, signal: Signal, held: Held) -> Generator[Step, Outcome | None, float | None]:
        """Read a signal; what it asks is put to its target by whoever drives the policy."""
        reading = signal.read(held)
        try:
            ask = next(reading)
            while True:
                told = yield self._step(ask, signal, held)
                heard = told.score if isinstance(ask, Score) and told else told.answer if told else None
                ask = reading.send(heard)
        except StopIteration as stop:
            value: float | None = stop.value
            return value
        finally:
            reading.close()

    def _step(self, ask: Ask | Score, signal: Signal, held: Held) -> Step:
        if isinstance(ask, Score):
            return Scoring(target=held.target, scorer=self.scorers[ask.scorer], case=ask.case)
        return Candidate(
            target=ask.target or held.target,
            purpose="judge",
            reason=f"signal:{signal.name}",
            ask=ask.chat,
            wants=frozenset({"logprobs"}) if ask.logprobs else frozenset(),
        )

    def _judged(
        self,
        outcome: Outcome,
        signals: dict[str, float] | None = None,
        confidence: float | None = None,
        because: str = "",
    ) -> Judged:
        accepted = confidence is not None and confidence >= self.least
        if confidence is not None:
            because = f"confidence {confidence:.3f} {'≥' if accepted else '<'} {self.least:g}"
        return Judged(
            target=outcome.target,
            accepted=accepted,
            because=because,
            confidence=confidence,
            signals=signals or {},
            artefact=self.calibration.id if self.calibration else None,
        )


def _priced(judged: Judged, price: float, worth: float) -> Judged:
    """The judgement by what one more acceptable answer would cost."""
    accepted = price >= worth
    because = f"a better answer costs {price:.3g} USD {'≥' if accepted else '<'} {worth:g}"
    if price >= DEAREST:
        because = "no better answer is to be had"
    return msgspec.structs.replace(judged, accepted=accepted, price=price, because=because)


def _within_budget(judged: Judged, standing: Standing) -> Judged:
    """The judgement, turned into "kept" where too few escalations are left for it."""
    spare = standing.keep_from is not None and judged.rank >= standing.keep_from
    if judged.accepted or judged.because == _EMPTY or not (standing.spent or spare):
        return judged
    why = "no escalation is left" if standing.spent else "the escalations that are left are for worse ones"
    return msgspec.structs.replace(judged, accepted=True, because=f"{judged.because}, but {why}")


def _unfit(answer: Answer, asked: Chat) -> str | None:
    """What says without any signal that an answer will not do."""
    if answer.finish in _UNFIT:
        return _UNFIT[answer.finish]
    if answer.finish is Finish.LENGTH and asked.max_tokens is None:  # else the caller wanted no more
        return "it was cut off"
    if not answer.text.strip() and not any(isinstance(part, ToolCall) for part in answer.parts):
        return _EMPTY
    return None
