"""`GET /v1/models` as Anthropic answers it."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, Final

_CREATED: Final = "1970-01-01T00:00:00Z"
"""A route has no birthday; the API asks for one and documents the epoch for "unknown"."""


def model_list(names: Iterable[str]) -> dict[str, Any]:
    """Every route and target as a model."""
    models = [model(name) for name in names]
    return {
        "data": models,
        "has_more": False,
        "first_id": models[0]["id"] if models else None,
        "last_id": models[-1]["id"] if models else None,
    }


def model(name: str) -> dict[str, Any]:
    """One route or target as a model."""
    return {"type": "model", "id": name, "display_name": name, "created_at": _CREATED}
