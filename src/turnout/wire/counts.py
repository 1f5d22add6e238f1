"""Numbers that a provider reports, read without trusting it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping


def count(record: Mapping[str, Any], key: str) -> int:
    """A count of tokens; 0 where it is absent, null, negative or no number."""
    value = record.get(key)
    return value if type(value) is int and value > 0 else 0


def section(record: Mapping[str, Any], key: str) -> Mapping[str, Any]:
    """An object inside an object; empty where it is absent, null or no object."""
    value = record.get(key)
    return value if isinstance(value, dict) else {}
