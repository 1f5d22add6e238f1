"""Which way requests went through their route's policy."""

from __future__ import annotations

from datetime import datetime
from typing import Final

import msgspec

from turnout.ledger.store import Store

Ways = dict[tuple[str | None, str | None], int]
"""How many requests each reason and target had; a reason of None where none was recorded."""

MOST_READ: Final = 20_000
"""So many requests are looked at, the newest: the reason is in the record alone."""

_WAYS: Final = "SELECT route, target, record FROM decisions WHERE time >= ? AND time < ? ORDER BY time DESC LIMIT ?"


class _Why(msgspec.Struct, frozen=True):
    reason: str | None = None


_why = msgspec.json.Decoder(_Why)


def ways(store: Store, since: datetime, until: datetime) -> dict[str, Ways]:
    """The ways of a period's requests, by route.

    Raises:
        LedgerError: the store cannot be read.
    """
    found: dict[str, Ways] = {}
    period = [round(moment.timestamp() * 1000) for moment in (since, until)]
    for route, target, record in store.rows(_WAYS, (*period, MOST_READ)):
        way = (_why.decode(record).reason, target)
        taken = found.setdefault(route, {})
        taken[way] = taken.get(way, 0) + 1
    return found
