"""Replays the recorded requests of a period, part by part."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from typing import Final

import msgspec

from turnout.errors import LedgerError
from turnout.insight.query import Filter, select
from turnout.insight.replay.foresight import Usual
from turnout.insight.replay.past import Past, past_of
from turnout.insight.replay.tally import Counting, Tally
from turnout.insight.replay.ways import Replayer, World
from turnout.ledger.store import Store

PART: Final = 20_000
"""Decisions of a part: little enough for a progress bar that moves, and for memory."""

NO_ROUTE: Final = "no_route"
UNRECORDED: Final = "unrecorded"
CACHED: Final = "cached"
_TOLD_EVERY: Final = 1_000


def parts(store: Store, wanted: Filter) -> tuple[int, list[Filter]]:
    """How many decisions there are, and the same period cut into parts of `PART` or so, which can be replayed apart.

    Raises:
        LedgerError: the store cannot be read.
    """
    sql, parameters = select("count(*), min(time), max(time)", wanted, "")
    number, first, last = next(store.rows(sql, parameters), (0, None, None))
    if not number:
        return 0, []
    edges = [_moment(first)]
    sql, parameters = select("time", wanted, "ORDER BY time LIMIT 1 OFFSET ?")
    for offset in range(PART, number, PART):
        edges += [_moment(at) for (at,) in store.rows(sql, (*parameters, offset)) if _moment(at) > edges[-1]]
    ends = [*edges[1:], _moment(last + 1)]
    cut = [msgspec.structs.replace(wanted, since=since, until=until) for since, until in zip(edges, ends, strict=True)]
    return number, cut


def replay_part(
    store: Store,
    wanted: Filter,
    world: World,
    usual: dict[str, Usual],
    *,
    examples: int = 3,
    progress: Callable[[int], None] = lambda _: None,
) -> Tally:
    """Decide some recorded requests again.

    Args:
        store: the ledger.
        wanted: which.
        world: the other configuration.
        usual: what the calls of the period say of each target (`foresight.usual_of`).
        examples: so many are kept of each move.
        progress: is told how many further decisions have been read.

    Raises:
        LedgerError: the store or a record cannot be read.
    """
    counting = Counting(world.targets, usual, examples)
    skipped = counting.tally.skipped
    replayers: dict[str, Replayer | None] = {}
    for record, escalated, fell_back, said in _rows(store, wanted, progress):
        past = _read(record)
        counting.seen(past)
        if not past.was_decided:
            skipped[CACHED if past.cache in {"hit", "replay"} else UNRECORDED] += 1
            continue
        if past.model not in replayers:
            route = world.routes.find(past.model)
            replayers[past.model] = Replayer(route, world) if route is not None else None
        replayer = replayers[past.model]
        if replayer is None:
            skipped[NO_ROUTE] += 1
            continue
        found = replayer.ways(past, said)
        counting.count(replayer.route.name, past, found, escalated=bool(escalated), fell_back=bool(fell_back))
    return counting.tally


def _rows(store: Store, wanted: Filter, progress: Callable[[int], None]) -> Iterator[tuple[str, int, int, str | None]]:
    texts = next(store.rows("SELECT 1 FROM texts LIMIT 1"), None)
    said = "(SELECT said FROM texts WHERE decision = decisions.id)" if texts else "NULL"
    sql, parameters = select(f"record, escalated, fell_back, {said}", wanted, "")
    number = 0
    for number, row in enumerate(store.rows(sql, parameters), 1):
        yield row
        if number % _TOLD_EVERY == 0:
            progress(_TOLD_EVERY)
    progress(number % _TOLD_EVERY)


def _read(record: str) -> Past:
    try:
        return past_of(record)
    except msgspec.DecodeError as error:
        raise LedgerError(f"a record in the ledger cannot be read ({error}): {record[:80]}...") from error


def _moment(at_ms: int) -> datetime:
    return datetime.fromtimestamp(at_ms / 1000, UTC)
