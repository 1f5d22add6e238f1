"""Fields of a caller's request, read without trusting their types.

Every function returns the value if it is of the type that its name says.

Raises:
    InvalidRequest: it is not; the message names the field and the fix.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar

from turnout.errors import InvalidRequest

_T = TypeVar("_T")

_INT64 = 2**63


def text(value: Any, param: str) -> str:
    """A string."""
    if type(value) is not str:
        raise _wrong(value, param, "a string")
    return value


def truth(value: Any, param: str) -> bool:
    """A boolean."""
    if type(value) is not bool:
        raise _wrong(value, param, "true or false")
    return value


def whole(value: Any, param: str) -> int:
    """An integer that fits into 64 bits."""
    if type(value) is not int or not -_INT64 <= value < _INT64:
        raise _wrong(value, param, "an integer")
    return value


def number(value: Any, param: str) -> float:
    """A number; an integer stays one."""
    if type(value) is float:
        return value
    if type(value) is not int or not -_INT64 <= value < _INT64:
        raise _wrong(value, param, "a number")
    return value


def items(value: Any, param: str) -> list[Any]:
    """A list."""
    if type(value) is not list:
        raise _wrong(value, param, "a list")
    return value


def record(value: Any, param: str) -> dict[str, Any]:
    """An object."""
    if type(value) is not dict:
        raise _wrong(value, param, "an object")
    return value


def maybe(read: Callable[[Any, str], _T], value: Any, param: str) -> _T | None:
    """What `read` makes of the value; None where there is none: null means absent in both dialects."""
    return None if value is None else read(value, param)


def one_of(words: tuple[str, ...], value: Any, param: str) -> str:
    """One of a few words."""
    if type(value) is not str or value not in words:
        raise InvalidRequest(f"`{param}` must be one of {', '.join(map(repr, words))}.", param=param)
    return value


def _wrong(value: Any, param: str, expected: str) -> InvalidRequest:
    if value is None:
        return InvalidRequest(f"`{param}` is missing: it must be {expected}.", param=param)
    return InvalidRequest(f"`{param}` must be {expected}.", param=param)
