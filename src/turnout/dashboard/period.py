"""The stretch of time that a page is about: part of its address, so that a link shows what its sender saw."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Final, NamedTuple

MINUTE: Final = timedelta(minutes=1)
HOUR: Final = timedelta(hours=1)
DAY: Final = timedelta(days=1)


class Span(NamedTuple):
    """A choice of the period.

    Attributes:
        name: what the address calls it.
        words: what a person calls it.
        length: how long it is.
        step: the width of a chart's points.
    """

    name: str
    words: str
    length: timedelta
    step: timedelta


SPANS: Final = (
    Span("1h", "hour", HOUR, MINUTE),
    Span("24h", "24 hours", DAY, HOUR),
    Span("7d", "7 days", 7 * DAY, HOUR),
    Span("30d", "30 days", 30 * DAY, DAY),
)
DEFAULT: Final = SPANS[1]


class Period(NamedTuple):
    """From `since` (inclusive) to `until` (exclusive), in steps; all in whole steps of UTC, so that rollups answer."""

    span: Span
    since: datetime
    until: datetime

    @classmethod
    def of(cls, query: Mapping[str, str], now: datetime) -> Period:
        """The period that an address asks for; the last 24 hours where it asks for none that there is."""
        span = next((each for each in SPANS if each.name == query.get("period")), DEFAULT)
        until = floor(now, span.step) + span.step
        return cls(span, until - span.length, until)

    def before(self) -> Period:
        """The period of the same length that ended when this one began."""
        return Period(self.span, self.since - self.span.length, self.since)

    def steps(self) -> list[datetime]:
        """The beginning of each step."""
        return [self.since + index * self.span.step for index in range(round(self.span.length / self.span.step))]


def floor(moment: datetime, step: timedelta) -> datetime:
    """The beginning of the step that a moment is in; days begin at midnight UTC."""
    epoch = datetime(1970, 1, 1, tzinfo=UTC)
    return epoch + (moment - epoch) // step * step


def month(now: datetime) -> tuple[datetime, datetime]:
    """The beginning and the end of a moment's calendar month in UTC."""
    first = now.astimezone(UTC).replace(day=1, hour=0, minute=0, second=0, microsecond=0)
    return first, (first + timedelta(days=32)).replace(day=1)
