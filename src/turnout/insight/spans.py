"""A period, cut into whole days, whole hours, and what is left over at its ends.

Days and hours are read from sums, the rest from the decisions themselves: so every sum is exact for any period, and
takes no longer for a year than for a day.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from typing import Final, NamedTuple

from turnout.ledger.rollups import DAY, HOUR, MINUTE

BEGINNING: Final = 0
END: Final = 10**10 * 86_400_000
"""Later than any time there is, in ms: a whole number of days."""


class Span(NamedTuple):
    """A part of a period.

    Attributes:
        width: of the buckets that it is made of, in seconds; 0 for single decisions.
        start, end: ms since 1970 in UTC, the end excluded.
    """

    width: int
    start: int
    end: int


def milliseconds(moment: datetime | None, otherwise: int) -> int:
    """A moment as ms since 1970 in UTC."""
    return otherwise if moment is None else round(moment.timestamp() * 1000)


def spans(since: int, until: int, widths: tuple[int, ...] = (DAY, HOUR)) -> Iterator[Span]:
    """The parts of a period, in no particular order.

    Args:
        since: ms since 1970 in UTC.
        until: the same; excluded.
        widths: which buckets may be used, in seconds, the widest first.
    """
    if since >= until:
        return
    if not widths:
        yield Span(0, since, until)
        return
    width = widths[0] * 1_000
    first, last = -(-since // width) * width, until // width * width
    if first >= last:
        yield from spans(since, until, widths[1:])
        return
    yield Span(widths[0], first, last)
    yield from spans(since, first, widths[1:])
    yield from spans(last, until, widths[1:])


def widths_within(step_s: int) -> tuple[int, ...]:
    """The widths of which a step is a whole number."""
    return tuple(width for width in (DAY, HOUR, MINUTE) if step_s % width == 0)
