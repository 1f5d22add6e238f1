"""A request's body of which only the outermost fields are read."""

from __future__ import annotations

from typing import Final

import msgspec

from turnout.errors import InvalidRequest

TRUE: Final = msgspec.Raw(b"true")

_decode = msgspec.json.Decoder(dict[str, msgspec.Raw]).decode


def raw_body(raw: bytes) -> dict[str, msgspec.Raw]:
    """The fields of a body, each value as the bytes it came in; of a field that comes twice, the last.

    Raises:
        InvalidRequest: it is not a JSON object.
    """
    try:
        return _decode(raw)
    except (ValueError, RecursionError):
        raise InvalidRequest("The body must be a JSON object.") from None


def raw_object(value: msgspec.Raw | None) -> dict[str, msgspec.Raw] | None:
    """The members of a value that is an object; empty where there is none, None where it is something else."""
    if value is None or bytes(value) == b"null":
        return {}
    try:
        return _decode(value)
    except (ValueError, RecursionError):
        return None


def is_true(value: msgspec.Raw | None) -> bool:
    """Whether a value is `true`."""
    return value is not None and bytes(value) == b"true"
