"""A caller's own body for a provider of the same dialect."""

from __future__ import annotations

from typing import Any

import msgspec

from turnout.wire.event_json import encode_json
from turnout.wire.raw_body import TRUE, is_true, raw_body, raw_object


def prepare(raw: bytes, model: str | None, *, stream: bool, ask_usage: bool) -> bytes:
    """Swap the model, set `stream` and ask for usage; what is not touched stays byte for byte.

    Raises:
        InvalidRequest: the body is not a JSON object.
    """
    body = raw_body(raw)
    changed: dict[str, Any] = {}
    if model is not None:
        changed["model"] = model
    streams = is_true(body.get("stream"))
    if streams != stream:
        changed["stream"] = stream
        if streams:
            body.pop("stream_options", None)  # refused where nothing is streamed
    if stream and ask_usage:
        changed |= _asking_usage(body.get("stream_options"))
    if not changed:
        return raw
    return encode_json(body | changed)


def _asking_usage(options: msgspec.Raw | None) -> dict[str, Any]:
    """The `stream_options` that ask for usage; nothing where they do, or are what the provider will refuse."""
    told = raw_object(options)
    if told is None or is_true(told.get("include_usage")):
        return {}
    return {"stream_options": told | {"include_usage": TRUE}}
