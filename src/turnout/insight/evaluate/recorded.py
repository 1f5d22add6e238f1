"""Traffic from the ledger: decisions, what others said to the same requests, and how good it all was found."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from math import nan
from typing import Any, Final

import msgspec

from turnout.errors import LedgerError
from turnout.insight.evaluate.traffic import Answer, Asked, Logged
from turnout.insight.export import in_order
from turnout.insight.query import Filter, select
from turnout.ledger.entry import stored_decision
from turnout.ledger.store import Store
from turnout.types.decision import Attempt, Decision
from turnout.types.dialect import DialectName
from turnout.types.feedback import Kind
from turnout.types.request import Caller, Said

_SHADOWS: Final = """
SELECT decision, record FROM shadows WHERE purpose = 'shadow' AND time >= ? AND (? IS NULL OR route = ?)"""
_SCORES: Final = """
SELECT decision, avg(score) FROM feedback WHERE id IN (
    SELECT max(id) FROM feedback WHERE kind = ? AND score IS NOT NULL GROUP BY decision, user, judge
) GROUP BY decision"""
_KINDS: Final = (
    "SELECT kind, count(DISTINCT decision) FROM feedback WHERE score IS NOT NULL GROUP BY kind ORDER BY 2 DESC"
)
_GATHER: Final = "Send some to /v1/feedback, or let a judge look at shadows: docs/how-to/collect-evidence.md."
_turns: Final = msgspec.json.Decoder(list[tuple[str, str]])
_UNANSWERED: Final = frozenset({"refused", "cancelled", "interrupted"})
"""The caller's own doing, or an accident: no policy's merit or fault."""


def recorded_traffic(
    store: Store, wanted: Filter, tell: Callable[[int], None] = lambda _: None, *, evidence: Kind = "feedback"
) -> list[Asked]:
    """The requests wanted, the oldest first.

    Left out are those without features (of an import without texts), those that a cache answered, and those that the
    caller gave up.

    Args:
        store: the ledger.
        wanted: which requests.
        tell: is told how many have been read.
        evidence: what says how good an answer is: the latest score of each user or judge, on average.

    Raises:
        LedgerError: the store cannot be read, no request is left, or nothing says how good an answer is.
    """
    scores = dict(store.rows(_SCORES, (evidence,)))
    shadows = _shadows(store, wanted, scores, evidence)
    texts = _texts(store, wanted)
    found = []
    for number, decision in enumerate(in_order(store, wanted), 1):
        if number % 1_000 == 0:
            tell(number)
        if decision.features is None or decision.outcome in _UNANSWERED or decision.cache in {"hit", "replay"}:
            continue
        judged = _scored(decision, scores, evidence)
        found.append(_asked(judged, shadows.get(decision.id, {}), texts.get(decision.id)))
    if not found:
        raise LedgerError("there is no request in this part of the ledger that a policy could be tried on.")
    if not any(asked.judged for asked in found):
        known = ", ".join(f"{kind} ({number:,} answers)" for kind, number in store.rows(_KINDS))
        whole = f"The whole ledger has: {known}." if known else f"Nor has the whole ledger any evidence. {_GATHER}"
        raise LedgerError(f"no answer in this part has evidence of the kind '{evidence}'. {whole}")
    return found


def _scored(decision: Decision, scores: Mapping[str, float], evidence: Kind) -> Decision:
    """The same with what the evidence says as its feedback."""
    own = decision.feedback if evidence == "feedback" else None
    return msgspec.structs.replace(decision, feedback=scores.get(decision.id, own))


def _asked(decision: Decision, others: Mapping[str, Answer], query: str | None) -> Asked:
    return Asked(
        id=decision.id,
        time=decision.time,
        cluster=f"{decision.tenant}/{decision.user}" if decision.user is not None else decision.id,
        question=f"{decision.query_key}/{decision.query_hash}" if decision.query_hash else query or decision.id,
        features=decision.features or msgspec.UNSET,  # type: ignore[arg-type] # looked at before
        query=query,
        policy_version=decision.policy_version,
        caller=Caller(
            tenant=decision.tenant,
            project=decision.project,
            user=decision.user,
            source=decision.source,
            tags=decision.tags,
        ),
        dialect=_dialect(decision.dialect),
        stream=decision.stream,
        answers={**others, **_answers(decision)},
        logged=_logged(decision),
    )


def _dialect(name: str) -> DialectName:
    try:
        return DialectName(name)
    except ValueError:  # of an import
        return DialectName.OPENAI_CHAT


def _answers(decision: Decision) -> dict[str, Answer]:
    """What is known of each target that was called: the given answer's quality, and who failed."""
    judged = _judged(decision)
    return {
        attempt.target: _answer(decision, attempt, decision.signals if attempt is judged else {})
        for attempt in decision.attempts
        if attempt.purpose == "answer" and attempt.outcome in {"answered", "failed", "discarded"}
    }


def _judged(decision: Decision) -> Attempt | None:
    """Whose answer the recorded signals were read off: the given one, or the last that was thrown away for it."""
    thrown = [attempt for attempt in decision.attempts if attempt.outcome == "discarded"]
    given = [attempt for attempt in decision.attempts if attempt.outcome == "answered" and attempt.purpose == "answer"]
    return next(iter(given[-1:] if decision.confidence is not None or not thrown else thrown[-1:]), None)


def _answer(decision: Decision, attempt: Attempt, signals: Mapping[str, float]) -> Answer:
    given = attempt.target == decision.target and attempt.outcome == "answered"
    return Answer(
        quality=_quality(decision) if given else nan,
        cost_usd=nan if attempt.cost_usd is None else float(attempt.cost_usd),
        latency_ms=attempt.latency_ms or nan,
        output_tokens=float(attempt.output_tokens) or nan,
        failed=attempt.outcome == "failed",
        signals=signals,
    )


def _quality(decision: Decision) -> float:
    return nan if decision.feedback is None else decision.feedback


def _logged(decision: Decision) -> Logged | None:
    told: Any = decision.conditions.get("chances")
    if not isinstance(told, dict) or not told.get("of", {}).get(told.get("first"), 0.0) > 0:
        return None
    whole = Answer(
        quality=0.0 if decision.outcome == "failed" else _quality(decision),
        cost_usd=nan if decision.cost_usd is None else float(decision.cost_usd),
        latency_ms=decision.latency_ms or nan,
    )
    return Logged(told["first"], told["of"], whole)


def _shadows(store: Store, wanted: Filter, scores: Mapping[str, float], evidence: Kind) -> dict[str, dict[str, Answer]]:
    """What others said, by the decision."""
    since = round(wanted.since.timestamp() * 1000) if wanted.since else 0
    found: dict[str, dict[str, Answer]] = {}
    for decision_id, record in store.rows(_SHADOWS, (since, wanted.route, wanted.route)):
        shadow = _scored(stored_decision(record), scores, evidence)
        attempt = shadow.attempts[-1] if shadow.attempts else None
        if attempt is not None and attempt.outcome in {"answered", "failed"}:
            found.setdefault(decision_id, {})[attempt.target] = _answer(shadow, attempt, shadow.signals)
    return found


def _texts(store: Store, wanted: Filter) -> dict[str, str]:
    """What the user said last, by the decision, where that is kept."""
    ids, parameters = select("id", wanted, "")
    found = {}
    for decision_id, said in store.rows(f"SELECT decision, said FROM texts WHERE decision IN ({ids})", parameters):  # noqa: S608 - our own words; all that was asked is bound
        turns = [Said(*turn) for turn in _turns.decode(said)]
        query = next((turn.text for turn in reversed(turns) if turn.role == "user"), None)
        if query is not None:
            found[decision_id] = query
    return found
