"""Takes in how good answers were found."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime, timedelta
from typing import Final, cast, get_args
from uuid import UUID

from turnout.errors import InvalidRequest, LedgerError, Overloaded, UnknownDecision
from turnout.insight.feedback import Whose, whose
from turnout.ledger.ids import new_decision_id
from turnout.ledger.recorder import Recorder
from turnout.ledger.store import Store
from turnout.types.clock import Clock, timestamp
from turnout.types.events import FeedbackGiven, Observer
from turnout.types.feedback import THUMBS, Feedback, Kind
from turnout.types.request import Caller

LABEL_LENGTH: Final = 64
COMMENT_LENGTH: Final = 4_000
_LOOK_S: Final = 0.1
_PATIENCE_S: Final = 3.0
_FRESH: Final = timedelta(minutes=1)
"""A decision that is younger may still be on its way from a journal into the ledger.

So may one whose id is ahead of the clock: ids only grow, also where the clock was set back."""


class FeedbackDesk:
    """Takes feedback down, durably, for decisions that there are.

    Args:
        recorder: where to.
        store: where the decisions are.
        clock: for its time.
        observer: is told.
    """

    def __init__(self, recorder: Recorder, store: Store, clock: Clock, observer: Observer) -> None:
        self._recorder = recorder
        self._store = store
        self._clock = clock
        self._observer = observer

    async def take(
        self,
        decision_id: str,
        *,
        score: float | None,
        label: str | None,
        comment: str | None,
        kind: str,
        caller: Caller,
    ) -> Feedback:
        """Take feedback down. When this returns, it survives the death of the process.

        Raises:
            InvalidRequest: it says nothing, or not as it should.
            UnknownDecision: there is no such decision, or it is another tenant's.
            Overloaded: the ledger cannot be read or written now.
        """
        score, evidence = _score(score, label), _kind(kind)
        _check(label, comment)
        try:
            found = await self._find(decision_id)
            if found is None or found.tenant != caller.tenant:
                raise UnknownDecision(f"There is no decision '{decision_id}'.", param="decision_id")
            now = self._clock.now()
            given = Feedback(
                id=new_decision_id(now),
                decision=decision_id,
                time=timestamp(now),
                tenant=caller.tenant,
                user=caller.user,
                score=score,
                label=label,
                comment=comment,
                kind=evidence,
            )
            self._recorder.hear(given)
        except LedgerError as error:
            raise Overloaded("Feedback cannot be recorded now.", retry_after_s=5) from error
        self._observer.observe(FeedbackGiven(given, found.route))
        return given

    async def _find(self, decision_id: str) -> Whose | None:
        """Whose decision it is; a recent one is waited for."""
        made = _made(decision_id)
        if made is None:
            return None
        give_up = self._clock.monotonic() + (_PATIENCE_S if self._clock.now() - made < _FRESH else 0.0)
        while (found := await asyncio.to_thread(whose, self._store, decision_id)) is None:
            if self._clock.monotonic() >= give_up:
                return None
            await asyncio.sleep(_LOOK_S)
        return found


def _made(decision_id: str) -> datetime | None:
    """When the decision was made, as its id tells; None for what is no decision's id."""
    try:
        parsed = UUID(decision_id)
        if parsed.version != 7 or str(parsed) != decision_id:
            return None
        return datetime.fromtimestamp((parsed.int >> 80) / 1000, UTC)
    except (ValueError, OverflowError):
        return None


def _kind(kind: object) -> Kind:
    found = next((each for each in get_args(Kind) if each == kind), None)
    if found is None:
        raise InvalidRequest(f"`kind` must be one of {', '.join(get_args(Kind))}.", param="kind")
    return cast("Kind", found)


def _score(score: object, label: object) -> float | None:
    if score is None:
        if label is None:
            raise InvalidRequest("Give a `score` from 0 to 1, a `label` (`up`, `down`, or your own), or both.")
        return THUMBS.get(label) if isinstance(label, str) else None
    if isinstance(score, bool) or not isinstance(score, int | float) or not 0 <= score <= 1:
        raise InvalidRequest("`score` must be a number from 0 to 1.", param="score")
    return float(score)


def _check(label: object, comment: object) -> None:
    if label is not None and not (isinstance(label, str) and label.isprintable() and 0 < len(label) <= LABEL_LENGTH):
        raise InvalidRequest(f"`label` must be a text of 1 to {LABEL_LENGTH} characters.", param="label")
    if comment is not None and not (isinstance(comment, str) and len(comment) <= COMMENT_LENGTH):
        raise InvalidRequest(f"`comment` must be a text of at most {COMMENT_LENGTH} characters.", param="comment")
