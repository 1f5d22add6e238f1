"""The periods of budgets: from when until when the one lasts that a moment falls into."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import NamedTuple
from zoneinfo import ZoneInfo

from turnout.types.tenant import Period


class Span(NamedTuple):
    """A period: from its first moment to the first of the next, both aware. `TOTAL` has neither."""

    begins: datetime | None = None
    ends: datetime | None = None


def span_of(period: Period, zone: ZoneInfo, at: datetime) -> Span:
    """The period that `at` falls into, as the clocks on the walls of `zone` show it.

    The last moment of a period is the first of the next, whatever a change of summer time does to its length.
    """
    if period is Period.TOTAL:
        return Span()
    local = at.astimezone(zone)
    if period is Period.HOUR:
        begins = local.replace(minute=0, second=0, microsecond=0)
        return Span(begins, (begins.astimezone(UTC) + timedelta(hours=1)).astimezone(zone))
    today = datetime(local.year, local.month, local.day, tzinfo=zone)
    if period is Period.DAY:
        return Span(today, _midnight(today, 1))
    if period is Period.WEEK:
        return Span(_midnight(today, -local.weekday()), _midnight(today, 7 - local.weekday()))
    following = today.replace(day=1) + timedelta(days=32)
    return Span(today.replace(day=1), following.replace(day=1))


def _midnight(today: datetime, days: int) -> datetime:
    """Of a day before or after: arithmetic within one zone is that of calendars."""
    return today + timedelta(days=days)
