"""From a record's fields to the columns that are filtered and summed."""

from __future__ import annotations

from datetime import datetime


def milliseconds(timestamp: str) -> int:
    """Milliseconds since 1970 in UTC; 0 for what is no time, since a record is never refused for a detail."""
    try:
        return round(datetime.fromisoformat(timestamp).timestamp() * 1000)
    except (ValueError, OverflowError):
        return 0
