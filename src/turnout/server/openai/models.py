"""`GET /v1/models` as OpenAI answers it."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any


def model_list(names: Iterable[str]) -> dict[str, Any]:
    """Every route and target as a model."""
    return {"object": "list", "data": [model(name) for name in names]}


def model(name: str) -> dict[str, Any]:
    """One route or target as a model."""
    return {"id": name, "object": "model", "created": 0, "owned_by": "turnout"}
