"""What a provider says, spoilt: by the byte, by the event, and in the values of its JSON."""

from __future__ import annotations

import json
import random
import re
from collections.abc import Callable
from typing import Any, Final

_VALUES: Final[tuple[Any, ...]] = (
    None, True, False, 0, -1, 2**70, 1.5, 1e308, "", "x" * 3000, "\u0000", "\U0001f682", [], {}, [None], [[]],
    {"a": None}, [{}], "stop", "tool_calls", "0",
)  # fmt: skip


def spoilt(body: bytes, draw: random.Random) -> bytes:
    """A stream or a whole answer, spoilt in one to three ways."""
    for _ in range(draw.randint(1, 3)):
        body = draw.choice(_WAYS)(body, draw)
    return body


def cut(body: bytes, draw: random.Random) -> list[bytes]:
    """In pieces, anywhere."""
    bounds = sorted(draw.randrange(len(body) + 1) for _ in range(draw.randint(0, 6)))
    return [body[start:end] for start, end in zip([0, *bounds], [*bounds, len(body)], strict=True)]


def _byte(body: bytes, draw: random.Random) -> bytes:
    at = draw.randrange(len(body) + 1)
    return body[:at] + draw.randbytes(draw.randint(0, 3)) + body[at + draw.randint(0, 3) :]


def _truncated(body: bytes, draw: random.Random) -> bytes:
    return body[: draw.randrange(len(body) + 1)]


def _events(body: bytes, draw: random.Random) -> bytes:
    """Drop, repeat or swap events."""
    events = re.split(rb"(?<=\n\n)", body)
    at, other = draw.randrange(len(events)), draw.randrange(len(events))
    match draw.randrange(3):
        case 0:
            del events[at]
        case 1:
            events.insert(other, events[at])
        case _:
            events[at], events[other] = events[other], events[at]
    return b"".join(events)


def _value(body: bytes, draw: random.Random) -> bytes:
    """Put something else somewhere into the JSON of an event, or of the body."""
    starts = [found.start() for found in re.finditer(rb"\{.*?(?=\n|$)", body)]
    if not starts:
        return body
    start = draw.choice(starts)
    end = body.find(b"\n", start)
    end = len(body) if end < 0 else end
    try:
        document = json.loads(body[start:end])
    except ValueError:
        return body
    return body[:start] + json.dumps(_replaced(document, draw)).encode() + body[end:]


def _replaced(document: Any, draw: random.Random) -> Any:
    """The document with one node changed or gone."""
    inner: list[Any] = list(document) if isinstance(document, dict) else []
    if isinstance(document, list):
        inner = [*range(len(document))]
    if not inner or draw.random() < 0.15:
        return draw.choice(_VALUES)
    key = draw.choice(inner)
    if draw.random() < 0.15:
        del document[key]
    else:
        document[key] = _replaced(document[key], draw)
    return document


_WAYS: Final[tuple[Callable[[bytes, random.Random], bytes], ...]] = (_byte, _truncated, _events, _value, _value, _value)
