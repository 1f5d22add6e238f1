"""A uniform sample of the decisions of a period: what is read of a ledger stays the same, however much it holds."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final, NamedTuple

from turnout.insight.query import Filter, newest_first, select
from turnout.ledger.breath import SLICE, breathe
from turnout.ledger.entry import stored_decision
from turnout.ledger.store import Store
from turnout.types.decision import Decision

_RING: Final = 1_000_003
"""A prime. Places on a ring of this size are given out in steps of `_STEP`."""
_STEP: Final = 618_036
"""The golden section of the ring: whatever part of the decisions is taken, whatever pattern they arrive in, their
places are spread evenly (Weyl's equidistribution; Knuth, "The Art of Computer Programming", volume 3, 6.4)."""


class Sample(NamedTuple):
    """Decisions drawn from a period.

    Attributes:
        of: how many the period has.
        share: of them that is drawn; 1 for all of them.
        decisions: those drawn, newest first; read as they are asked for.
    """

    of: int
    share: float
    decisions: Iterator[Decision]

    @property
    def about(self) -> int:
        """About how many that is."""
        return round(self.of * self.share)


def sampled(store: Store, wanted: Filter, *, most: int) -> Sample:
    """About `most` of the decisions wanted, each as likely as any other; all of them where they are no more.

    A decision is drawn by its number alone, so the same sample is drawn again from the same ledger. Counting and
    drawing go along an index; only what is drawn is read.

    Raises:
        LedgerError: the store cannot be read.
    """
    of = _count(store, wanted)
    places = _RING if of <= most else max(1, round(_RING * most / of))
    return Sample(of, places / _RING, _drawn(store, wanted, places))


def _count(store: Store, wanted: Filter) -> int:
    sql, parameters = select("count(*)", wanted, "")
    for (number,) in store.rows(sql, parameters):
        return int(number)
    return 0


def _drawn(store: Store, wanted: Filter, places: int) -> Iterator[Decision]:
    """The decisions on the first `places` places of the ring. Leaves other threads their turn."""
    drawn = f"AND (seq % {_RING}) * {_STEP} % {_RING} < ? {newest_first(wanted)}"
    sql, parameters = select("record, feedback", wanted, drawn)
    for place, (record, feedback) in enumerate(store.rows(sql, (*parameters, places))):
        if place % SLICE == 0:
            breathe()
        yield stored_decision(record, feedback)
