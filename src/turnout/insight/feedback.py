"""What was said of answers."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import NamedTuple

from turnout.ledger.store import Store
from turnout.types.clock import timestamp
from turnout.types.feedback import Feedback


class Whose(NamedTuple):
    """To whom a decision belongs."""

    tenant: str
    route: str


def whose(store: Store, decision_id: str) -> Whose | None:
    """To whom a decision belongs; None if the ledger does not have it (yet).

    Raises:
        LedgerError: the store cannot be read.
    """
    for tenant, route in store.rows("SELECT tenant, route FROM decisions WHERE id = ?", (decision_id,)):
        return Whose(tenant, route)
    return None


def said_of(store: Store, decision_id: str) -> list[Feedback]:
    """All that was said of a decision, oldest first.

    Raises:
        LedgerError: the store cannot be read.
    """
    sql = (
        "SELECT id, time, tenant, user, score, label, comment, kind, judge FROM feedback WHERE decision = ? ORDER BY id"
    )
    return [
        Feedback(
            id=given,
            decision=decision_id,
            time=timestamp(datetime.fromtimestamp(time / 1000, UTC)),
            tenant=tenant,
            user=user,
            score=score,
            label=label,
            comment=comment,
            kind=kind,
            judge=judge,
        )
        for given, time, tenant, user, score, label, comment, kind, judge in store.rows(sql, (decision_id,))
    ]
