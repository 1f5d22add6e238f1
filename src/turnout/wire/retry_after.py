"""How long a provider asks to be left alone."""

from __future__ import annotations

import math
from collections.abc import Mapping
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import Final

LONGEST_S: Final = 300.0
"""A longer wait is cut to this: one probe in five minutes is no burden, and nonsense must not close a target."""


def retry_after_s(headers: Mapping[str, str], now: datetime | None = None) -> float | None:
    """Read `retry-after-ms` or, failing that, `retry-after` as seconds or as an HTTP date (RFC 9110, section 10.2.3).

    Args:
        headers: the answer's headers, lower-case names.
        now: aware; what a date is relative to where the answer has no `date` of its own. None means the wall time.

    Returns:
        Seconds, at most `LONGEST_S`; None where nothing usable is said.
    """
    told = _number(headers.get("retry-after-ms"), 1000) or _number(headers.get("retry-after"), 1)
    if told is None and (at := _date(headers.get("retry-after"))) is not None:
        told = (at - (_date(headers.get("date")) or now or datetime.now(UTC))).total_seconds()
    return min(told, LONGEST_S) if told is not None and told >= 0 else None


def _number(value: str | None, per_second: int) -> float | None:
    try:
        told = float(value or "") / per_second
    except ValueError:
        return None
    return told if math.isfinite(told) else None


def _date(value: str | None) -> datetime | None:
    try:
        at = parsedate_to_datetime(value or "")
    except (ValueError, OverflowError, IndexError, TypeError):
        return None
    return at if at.tzinfo else at.replace(tzinfo=UTC)
