"""From when until when a budget's period lasts, by the clocks and calendars of its time zone."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from turnout.tenancy.periods import Span, span_of
from turnout.types.tenant import Period

BERLIN = ZoneInfo("Europe/Berlin")
ZONES = st.sampled_from(["UTC", "Europe/Berlin", "America/New_York", "Asia/Kolkata", "Pacific/Apia"]).map(ZoneInfo)
MOMENTS = st.integers(946_684_800, 2_208_988_800).map(lambda seconds: datetime.fromtimestamp(seconds, UTC))
ENDING = st.sampled_from([each for each in Period if each is not Period.TOTAL])


@given(ENDING, ZONES, MOMENTS)
def test_every_moment_is_in_its_period_and_the_next_begins_where_it_ends(
    period: Period, zone: ZoneInfo, at: datetime
) -> None:
    span = span_of(period, zone, at)
    assert span.begins is not None
    assert span.ends is not None
    assert span.begins <= at < span.ends
    assert span_of(period, zone, span.ends.astimezone(UTC)).begins == span.ends
    assert span_of(period, zone, span.begins.astimezone(UTC)) == span


@pytest.mark.parametrize(
    ("period", "begins", "hours"),
    [
        (Period.DAY, datetime(2026, 3, 29, tzinfo=BERLIN), 23),
        (Period.DAY, datetime(2026, 10, 25, tzinfo=BERLIN), 25),
        (Period.WEEK, datetime(2026, 3, 23, tzinfo=BERLIN), 7 * 24 - 1),
        (Period.MONTH, datetime(2026, 2, 1, tzinfo=BERLIN), 28 * 24),
        (Period.HOUR, datetime(2026, 3, 29, 1, tzinfo=BERLIN), 1),
    ],
)
def test_summer_time_makes_days_shorter_and_longer(period: Period, begins: datetime, hours: int) -> None:
    span = span_of(period, BERLIN, begins)
    assert span.begins == begins
    assert span.ends is not None
    assert span.ends.astimezone(UTC) - begins.astimezone(UTC) == timedelta(hours=hours)


def test_a_total_has_neither_a_beginning_nor_an_end() -> None:
    assert span_of(Period.TOTAL, BERLIN, datetime(2026, 3, 1, tzinfo=UTC)) == Span()
