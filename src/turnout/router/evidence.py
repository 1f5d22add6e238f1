"""What is found of answers: a judge's grades, agreement with a strong target, whether their form is right."""

from __future__ import annotations

import random
from collections.abc import Iterator, Sequence
from datetime import datetime

import msgspec

from turnout.confidence.signal import Ask, Held, Signal, read_free
from turnout.confidence.signals.judge import grade_in, grades_in
from turnout.confidence.signals.normal import By, normal_answer
from turnout.errors import InvalidRequest
from turnout.ledger.ids import new_decision_id
from turnout.policy.evidence import Checking, Judging
from turnout.router.again import Again, Asked, Other, Pot
from turnout.types.candidate import Candidate
from turnout.types.chat import Chat
from turnout.types.clock import Clock, timestamp
from turnout.types.feedback import Feedback, Kind
from turnout.wire.whole import answer_in


def check(asked: Asked, checking: Checking, now: datetime) -> list[Feedback]:
    """Whether the answer has the form that it should: for each check 1 where it has, else 0."""
    held = _held(asked)
    return list(_checked(asked, held, checking.signals, now)) if held is not None else []


def compare_with(asked: Asked, others: Sequence[Other], target: str, by: By, now: datetime) -> list[Feedback]:
    """Whether the answer says what `target` said in its shadow: 1, else 0. Nothing where it was not asked."""
    held = _held(asked)
    said = next((each.answer for each in others if each.record.target == target and each.answer is not None), None)
    if held is None or said is None:
        return []
    agrees = normal_answer(held.answer, by) == normal_answer(said, by)
    return [_found(asked, asked.admitted.id, "agreement", target, float(agrees), now)]


async def grade(asked: Asked, others: Sequence[Other], judging: Judging, again: Again, clock: Clock) -> list[Feedback]:
    """What a judge says of the answer; beside a shadow's, if there is one, in an order that chance decides."""
    held = _held(asked)
    if held is None:
        return []
    other = next((each for each in others if each.answer is not None), None)
    if other is not None and other.answer is not None:
        return await _compared(asked, held, other, judging, again, clock)
    question = _question(judging, held)
    said = await again.judge(asked, _candidate(judging, question), _pot(judging)) if question is not None else None
    score = grade_in(said.text) if said is not None else None
    return [] if score is None else [_graded(asked, asked.admitted.id, judging, score, None, clock)]


async def _compared(
    asked: Asked, held: Held, other: Other, judging: Judging, again: Again, clock: Clock
) -> list[Feedback]:
    """The grades of both, each on its own record."""
    assert other.answer is not None  # noqa: S101 - as whoever calls has seen
    served_first = random.random() < 0.5  # noqa: S311 - judges favour a place; chance gives each to both
    pair = (held.answer, other.answer) if served_first else (other.answer, held.answer)
    question = judging.judge.comparison(held.question, *pair)
    said = await again.judge(asked, _candidate(judging, question), _pot(judging))
    grades = grades_in(said.text) if said is not None else None
    if grades is None:
        return []
    of_served, of_other = grades if served_first else grades[::-1]
    places = ("shown first", "shown second") if served_first else ("shown second", "shown first")
    return [
        _graded(asked, asked.admitted.id, judging, of_served, places[0], clock),
        _graded(asked, other.record.id, judging, of_other, places[1], clock),
    ]


def _held(asked: Asked) -> Held | None:
    """The answer as signals read it; None where it cannot be read."""
    admitted, decision = asked.admitted, asked.admitted.decision
    try:
        question = admitted.dialect.decode_request(admitted.request.body)
        answer = answer_in(admitted.request.dialect, asked.served, stream=admitted.request.stream)
    except (ValueError, InvalidRequest):
        return None
    target = decision.target if decision is not None else None
    return Held(question=question, answer=answer, features=asked.context.features, target=target or "")


def _checked(asked: Asked, held: Held, signals: Sequence[Signal], now: datetime) -> Iterator[Feedback]:
    for signal in signals:
        wrong = read_free(signal, held)
        if wrong is not None:
            yield _found(asked, asked.admitted.id, "check", signal.name, 1.0 - wrong, now)


def _question(judging: Judging, held: Held) -> Chat | None:
    """What the judge is asked of a single answer."""
    reading = judging.judge.read(held)
    try:
        ask = next(reading)
    except StopIteration:
        return None
    reading.close()
    return ask.chat if isinstance(ask, Ask) else None


def _candidate(judging: Judging, question: Chat) -> Candidate:
    return Candidate(target=judging.judge.target, purpose="judge", reason="judge", ask=question)


def _pot(judging: Judging) -> Pot:
    return Pot("evidence.judge.daily_usd", judging.daily_usd)


def _graded(asked: Asked, decision: str, judging: Judging, score: float, place: str | None, clock: Clock) -> Feedback:
    found = _found(asked, decision, "judge", judging.judge.target, score, clock.now())
    return msgspec.structs.replace(found, label=place)


def _found(asked: Asked, decision: str, kind: Kind, judge: str, score: float, now: datetime) -> Feedback:
    return Feedback(
        id=new_decision_id(now),
        decision=decision,
        time=timestamp(now),
        tenant=asked.admitted.request.caller.tenant,
        score=score,
        kind=kind,
        judge=judge,
    )
