"""One text for one JSON value, however it was written."""

from __future__ import annotations

import json
from typing import Any


def read_strict(text: str) -> Any:
    """Read one JSON value.

    Raises:
        ValueError: it is not JSON (NaN is not), or nested too deeply.
    """
    try:
        return json.loads(text, parse_constant=_reject)
    except RecursionError:
        raise ValueError("JSON nested too deeply") from None


def canonical(value: Any) -> str:
    """The same for equal values: keys sorted, no spaces, whole numbers without a fraction (1.0 is 1, true is not)."""
    return json.dumps(_plain(value), sort_keys=True, separators=(",", ":"), ensure_ascii=False)


def _plain(value: Any) -> Any:
    match value:
        case dict():
            return {key: _plain(inner) for key, inner in value.items()}
        case list():
            return [_plain(inner) for inner in value]
        case float() if value.is_integer():
            return int(value)
    return value


def _reject(constant: str) -> Any:
    raise ValueError(f"{constant} is not JSON")
