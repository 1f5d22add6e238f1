"""What the ledger knows of a canary: its route's requests on either side, cut where the share changed."""

from __future__ import annotations

from bisect import bisect
from datetime import UTC, datetime
from typing import Final

from turnout.insight.canary.measure import Row, Stretch
from turnout.ledger.store import Store
from turnout.types.canary import Canary

_ROWS: Final = """
SELECT time, tenant, user, outcome, latency_ms, cost, {quality},
    (SELECT atom FROM json_each(record, '$.flags') WHERE key = ?)
FROM decisions WHERE route = ? AND time >= ?
    AND (SELECT atom FROM json_each(record, '$.conditions.flags') WHERE key = ?) IN ('in_share', 'not_in_share')"""
_SAID: Final = "(SELECT avg(score) FROM feedback AS said WHERE said.decision = decisions.id AND said.kind = ?)"
_PICO: Final = 10**12
_ANSWERED: Final = {"answered": True, "failed": False, "partial": False}
"""Of the others nobody knows: the caller left, or asked what cannot be answered."""


def observed(store: Store, canary: Canary) -> list[Stretch]:
    """The canary's traffic so far, one stretch for each change of its share.

    Only requests count that the flag's share put on their side: who is named in a list is on it for a reason.

    Raises:
        LedgerError: the store cannot be read.
    """
    begins = [round(datetime.fromisoformat(each.time).astimezone(UTC).timestamp() * 1000) for each in canary.walked]
    stretches = [Stretch() for _ in begins]
    said = canary.quality != "feedback"  # which the decision has itself, counted once for each user
    kind = (canary.quality,) if said else ()
    asked = (*kind, canary.flag, canary.route, begins[0], canary.flag)
    rows = store.rows(_ROWS.format(quality=_SAID if said else "feedback"), asked)
    for time, tenant, user, outcome, latency_ms, cost, feedback, variant in rows:
        cost_usd = None if cost is None else cost / _PICO
        row = Row(_ANSWERED.get(outcome), latency_ms, cost_usd, feedback)
        caller = _caller(canary.by, tenant, user)
        stretches[bisect(begins, time) - 1].add(row, new=variant == canary.variant, caller=caller)
    return stretches


def _caller(by: str, tenant: str, user: str | None) -> str | None:
    """Whose requests resemble each other, and stay on one side."""
    if by == "tenant":
        return tenant
    return None if user is None else f"{tenant}\0{user}"
