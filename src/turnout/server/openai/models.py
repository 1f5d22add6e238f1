"""`GET /v1/models` as OpenAI answers it."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from turnout.server.listed import Listed


def model_list(listed: Iterable[Listed]) -> dict[str, Any]:
    """Every route and target as a model."""
    return {"object": "list", "data": [model(each) for each in listed]}


def model(each: Listed) -> dict[str, Any]:
    """One route or target as a model."""
    return {"id": each.name, "object": "model", "created": 0, "owned_by": "turnout"}
