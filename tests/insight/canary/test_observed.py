"""What of the ledger a canary is judged by."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

import msgspec
import pytest

from tests.ledger import samples
from tests.ledger.test_sqlite import append
from turnout.insight.canary.observed import observed
from turnout.ledger.entry import encode_decision
from turnout.ledger.ids import new_decision_id
from turnout.ledger.location import database_file
from turnout.ledger.sqlite import SqliteStore
from turnout.ledger.store import Written
from turnout.types.canary import Canary, Walked
from turnout.types.clock import timestamp
from turnout.types.feedback import Feedback, Kind

BEGAN = samples.EPOCH


def moment(minutes: int) -> str:
    return timestamp(BEGAN + timedelta(minutes=minutes))


@pytest.mark.parametrize(("by", "callers"), [("user", 2), ("tenant", 1), ("request", 2)])
def test_requests_are_cut_where_the_share_changed_and_belong_to_their_callers(
    tmp_path: Path, by: str, callers: int
) -> None:
    store = SqliteStore(database_file(tmp_path))
    told = {"flags": {"v1.new": "on"}, "conditions": {"flags": {"v1.new": "in_share"}}}
    append(
        store,
        samples.a_decision(time=moment(-1), **told),
        *(samples.a_decision(time=moment(1), user=f"u{each % 2}", **told) for each in range(4)),
        samples.a_decision(time=moment(6), outcome="failed", **told),
        samples.a_decision(time=moment(7), outcome="cancelled", **told),
        samples.a_decision(time=moment(7), route="another", **told),
    )
    walked = (Walked(moment(0), 0.1, "started"), Walked(moment(5), 0.5, "more"))
    canary = Canary(flag="v1.new", variant="on", route="support", by=by, steps=(0.1, 0.5), walked=walked)
    first, second = observed(store, canary)
    store.close()
    assert (first.requests, second.requests) == ([0, 4], [0, 2])
    assert first.new["cost"].callers == callers
    assert (second.new["errors"].count, second.new["errors"].total) == (1, 1.0)
    assert second.new["latency"].count == 0


def test_quality_is_of_the_kind_of_evidence_that_was_asked_for(tmp_path: Path) -> None:
    store = SqliteStore(database_file(tmp_path))
    told = {"flags": {"v1.new": "on"}, "conditions": {"flags": {"v1.new": "in_share"}}}
    one = samples.a_decision(time=moment(1), **told)
    given: list[tuple[float, Kind]] = [(1.0, "feedback"), (0.2, "judge"), (0.4, "judge")]
    said = [
        Feedback(id=new_decision_id(BEGAN), decision=one.id, time=moment(2), score=score, kind=kind)
        for score, kind in given
    ]
    store.append([Written(one, encode_decision(one))], "journal", None, said)
    canary = Canary(flag="v1.new", variant="on", route="support", steps=(0.1,), walked=(Walked(moment(0), 0.1, ""),))
    found = {}
    for kind in ("feedback", "judge", "outcome"):
        (stretch,) = observed(store, msgspec.structs.replace(canary, quality=kind))
        found[kind] = (stretch.new["quality"].count, stretch.new["quality"].mean)
    store.close()
    assert found == {"feedback": (1, 1.0), "judge": (1, pytest.approx(0.3)), "outcome": (0, 0.0)}
