"""The object that an answer is, and that a stream tells at its beginning and its end."""

from __future__ import annotations

import time
from collections.abc import Mapping
from types import MappingProxyType
from typing import Any, Final

_REPEATED: Final[Mapping[str, Any]] = MappingProxyType(
    {
        "background": False,
        "instructions": None,
        "max_output_tokens": None,
        "max_tool_calls": None,
        "metadata": {},
        "parallel_tool_calls": True,
        "previous_response_id": None,
        "prompt_cache_key": None,
        "safety_identifier": None,
        "service_tier": "default",
        "temperature": 1.0,
        "tool_choice": "auto",
        "tools": [],
        "top_logprobs": 0,
        "top_p": 1.0,
        "truncation": "disabled",
        "user": None,
    }
)
"""Fields of the request that its answer repeats, and what it says where the request said nothing."""

_WITHIN: Final[Mapping[str, Mapping[str, Any]]] = MappingProxyType(
    {
        "reasoning": {"effort": None, "summary": None},
        "text": {"format": {"type": "text"}, "verbosity": "medium"},
    }
)
"""The same for fields that are objects."""


def response(body: Mapping[str, Any], *, answer_id: str, model: str, created: int | None) -> dict[str, Any]:
    """A response that has just begun.

    Args:
        body: the caller's request.
        answer_id: the answer's id.
        model: the model that answers.
        created: when it began, in seconds since 1970; None means now.
    """
    repeated = {field: usual if body.get(field) is None else body[field] for field, usual in _REPEATED.items()}
    within = {field: {**usual, **_told(body.get(field))} for field, usual in _WITHIN.items()}
    return {
        "id": answer_id,
        "object": "response",
        "created_at": int(time.time()) if created is None else created,
        "status": "in_progress",
        "error": None,
        "incomplete_details": None,
        "model": model,
        "output": [],
        "store": False,  # by nobody: what another dialect's provider answers cannot be asked for again
        "usage": None,
        **repeated,
        **within,
    }


def _told(value: Any) -> dict[str, Any]:
    return {field: told for field, told in value.items() if told is not None} if isinstance(value, dict) else {}
