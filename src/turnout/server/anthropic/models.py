"""`GET /v1/models` as Anthropic answers it."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, Final

from turnout.server.listed import Listed

_CREATED: Final = "1970-01-01T00:00:00Z"
"""A route has no birthday; the API asks for one and documents the epoch for "unknown"."""


def model_list(listed: Iterable[Listed]) -> dict[str, Any]:
    """Every route and target as a model."""
    models = [model(each) for each in listed]
    return {
        "data": models,
        "has_more": False,
        "first_id": models[0]["id"] if models else None,
        "last_id": models[-1]["id"] if models else None,
    }


def model(each: Listed) -> dict[str, Any]:
    """One route or target as a model. What it can do depends on where a request goes, so that none of it is told."""
    return {
        "type": "model",
        "id": each.name,
        "display_name": each.name,
        "created_at": _CREATED,
        "lifecycle": "active",
        "max_input_tokens": each.input_tokens,
        "max_tokens": each.output_tokens,
    }
