"""The JSON object in an event."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any, TypeVar

import msgspec

_T = TypeVar("_T", dict[str, Any], list[Any], str, int)
_JSON_NAMES = {dict: "an object", list: "a list", str: "a string", int: "an integer"}

decode_json = msgspec.json.Decoder().decode
encode_json = msgspec.json.Encoder().encode


def read_object(data: bytes) -> dict[str, Any]:
    """Read one JSON object, as `read_json` does.

    Raises:
        ValueError: it is not UTF-8, not JSON, or no object.
    """
    return expect(dict, read_json(data), "the event")


def read_json(data: bytes) -> Any:
    """Read one JSON value.

    What Python's own parser takes and a strict one does not (NaN, half a surrogate pair that a server cut in two)
    is taken too: the official SDKs read it, so it is not ours to refuse.

    Raises:
        ValueError: it is not UTF-8, or not JSON.
    """
    try:
        return decode_json(data)
    except (msgspec.DecodeError, UnicodeDecodeError):
        return _read_leniently(data)
    except RecursionError:
        raise ValueError("JSON nested too deeply") from None


def expect(kind: type[_T], value: Any, what: str) -> _T:
    """The value, if it is of its kind.

    Raises:
        ValueError: it is not.
    """
    if not isinstance(value, kind):
        raise ValueError(f"{what} is not {_JSON_NAMES[kind]}")  # noqa: TRY004 - what no dialect says is one error
    return value


def index_of(event: Mapping[str, Any], field: str) -> int | None:
    """Which part of the answer an event is about; None where it does not say. Raises `ValueError`."""
    index = event.get(field)
    return None if index is None else expect(int, index, field)


def is_whole_object(text: str) -> bool:
    """Whether a text that comes in pieces is a JSON object by now; nothing can follow one."""
    try:
        read_object(text.encode("utf-8", "surrogatepass"))
    except ValueError:
        return False
    return True


def _read_leniently(data: bytes) -> Any:
    try:
        return json.loads(data.decode())
    except RecursionError:
        raise ValueError("JSON nested too deeply") from None
