"""A caller's own body for a provider of the same dialect."""

from __future__ import annotations

from typing import Any

from turnout.wire.event_json import encode_json
from turnout.wire.raw_body import is_true, raw_body


def prepare(raw: bytes, model: str | None, *, stream: bool, ask_usage: bool) -> bytes:
    """Swap the model and set `stream`; what is not touched stays byte for byte. Usage comes unasked.

    Raises:
        InvalidRequest: the body is not a JSON object.
    """
    del ask_usage
    body = raw_body(raw)
    changed: dict[str, Any] = {}
    if model is not None:
        changed["model"] = model
    streams = is_true(body.get("stream"))
    if streams != stream:
        changed["stream"] = stream
        if streams:
            body.pop("stream_options", None)  # refused where nothing is streamed
    return encode_json(body | changed) if changed else raw
