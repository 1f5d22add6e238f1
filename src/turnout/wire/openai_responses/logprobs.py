"""Log-probabilities that the caller did not ask for: asked for, and taken out again."""

from __future__ import annotations

from typing import Any

import msgspec

from turnout.wire.event_json import encode_json
from turnout.wire.openai_responses.limits import LOGPROBS
from turnout.wire.raw_body import raw_body

_NAME = "logprobs"
_DEPTH = "top_logprobs"


def ask_logprobs(raw: bytes, alternatives: int) -> bytes:
    """See `turnout.wire.dialect.CallerDialect`."""
    body = raw_body(raw)
    included = _included(body.get("include"))
    if LOGPROBS in included:
        return raw
    return encode_json(body | {"include": [*included, LOGPROBS], _DEPTH: alternatives})


def hide_logprobs(told: dict[str, Any]) -> None:
    """See `turnout.wire.dialect.CallerDialect`. An event holds parts of an answer at several depths."""
    _hide(told)


def _included(value: msgspec.Raw | None) -> list[Any]:
    listed = msgspec.json.decode(value) if value is not None else None
    return listed if isinstance(listed, list) else []


def _hide(value: Any) -> None:
    if isinstance(value, list):
        for each in value:
            _hide(each)
    elif isinstance(value, dict):
        if isinstance(value.get(_NAME), list):
            value[_NAME] = []
        if value.get("object") == "response" and _DEPTH in value:
            value[_DEPTH] = 0
        for each in value.values():
            _hide(each)
