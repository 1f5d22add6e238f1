"""Does a JSON value keep a JSON Schema? As much of draft 2020-12 as structured answers use, in bounded time.

Schemas come with requests, so that nothing in one may cost much: regular expressions are not run (one can take for
ever), nothing is fetched, and a check that takes too many steps is given up. What is not checked passes.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from fractions import Fraction
from typing import Any, Final

from turnout.confidence.signals.canonical import canonical

_MOST_STEPS: Final = 100_000
_CHARS_A_STEP: Final = 32
_DEEPEST: Final = 60
_UNCHECKED: Final = frozenset({"pattern", "patternProperties", "unevaluatedItems", "unevaluatedProperties"})


class _Unknown(Exception):
    """It cannot be told whether the value keeps the schema."""


def violates(schema: Any, value: Any) -> bool | None:
    """Whether a value breaks a schema; None where that cannot be told.

    Args:
        schema: a JSON Schema, as it came.
        value: a JSON value.
    """
    try:
        return not _Check(schema).keeps(schema, value)
    except (_Unknown, ArithmeticError, AttributeError, LookupError, RecursionError, TypeError, ValueError):
        return None  # no schema that anybody could check


class _Check:
    """One check: the whole schema, and how much has been done."""

    def __init__(self, root: Any) -> None:
        self._root = root
        self._steps = 0
        self._depth = 0
        self._strict = 0
        """Above 0, a part that passes unchecked would make the whole fail: then nothing can be told."""

    def keeps(self, schema: Any, value: Any) -> bool:
        self._spend(1)
        if isinstance(schema, bool):
            return schema
        if self._depth >= _DEEPEST or (self._strict and schema.keys() & _UNCHECKED):
            raise _Unknown
        self._depth += 1
        kept = all(self._keyword(word, told, value, schema) for word, told in schema.items() if word in _KEYWORDS)
        self._depth -= 1
        return kept

    def _keyword(self, word: str, told: Any, value: Any, schema: Mapping[str, Any]) -> bool:
        self._spend(len(told) if isinstance(told, list | dict) else 1)
        return _KEYWORDS[word](self, told, value, schema)

    def exactly(self, schema: Any, value: Any) -> bool:
        """The same where "no" counts as much as "yes"."""
        self._strict += 1
        kept = self.keeps(schema, value)
        self._strict -= 1
        return kept

    def text(self, value: Any) -> str:
        """A value as text, the same for equal ones."""
        told = canonical(value)
        self._spend(1 + len(told) // _CHARS_A_STEP)
        return told

    def _spend(self, steps: int) -> None:
        self._steps += steps
        if self._steps > _MOST_STEPS:
            raise _Unknown

    def at(self, pointer: str) -> Any:
        """What a reference within the schema points to (RFC 6901)."""
        if pointer != "#" and not pointer.startswith("#/"):
            raise _Unknown
        found = self._root
        for step in pointer.split("/")[1:]:
            name = step.replace("~1", "/").replace("~0", "~")
            found = found[int(name)] if isinstance(found, list) else found[name]
        return found


_Keyword = Callable[[_Check, Any, Any, Mapping[str, Any]], bool]


def _is_of(kind: Any, value: Any) -> bool:
    match kind:
        case "object":
            return isinstance(value, dict)
        case "array":
            return isinstance(value, list)
        case "string":
            return isinstance(value, str)
        case "boolean":
            return isinstance(value, bool)
        case "null":
            return value is None
        case "number":
            return _is_number(value)
        case "integer":
            return _is_number(value) and (isinstance(value, int) or value.is_integer())
    raise _Unknown


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


def _type(_: _Check, told: Any, value: Any, __: Mapping[str, Any]) -> bool:
    return any(_is_of(kind, value) for kind in (told if isinstance(told, list) else [told]))


def _enum(check: _Check, told: Any, value: Any, _: Mapping[str, Any]) -> bool:
    text = check.text(value)
    return any(text == check.text(each) for each in told)


def _const(check: _Check, told: Any, value: Any, _: Mapping[str, Any]) -> bool:
    return check.text(value) == check.text(told)


def _properties(check: _Check, told: Any, value: Any, _: Mapping[str, Any]) -> bool:
    if not isinstance(value, dict):
        return True
    return all(check.keeps(inner, value[name]) for name, inner in told.items() if name in value)


def _additional(check: _Check, told: Any, value: Any, schema: Mapping[str, Any]) -> bool:
    if not isinstance(value, dict) or "patternProperties" in schema:
        return True
    named = schema.get("properties", {})
    return all(check.keeps(told, inner) for name, inner in value.items() if name not in named)


def _required(_: _Check, told: Any, value: Any, __: Mapping[str, Any]) -> bool:
    return not isinstance(value, dict) or all(name in value for name in told)


def _property_names(check: _Check, told: Any, value: Any, _: Mapping[str, Any]) -> bool:
    return not isinstance(value, dict) or all(check.keeps(told, name) for name in value)


def _dependent_required(_: _Check, told: Any, value: Any, __: Mapping[str, Any]) -> bool:
    if not isinstance(value, dict):
        return True
    return all(other in value for name, others in told.items() if name in value for other in others)


def _dependent_schemas(check: _Check, told: Any, value: Any, _: Mapping[str, Any]) -> bool:
    if not isinstance(value, dict):
        return True
    return all(check.keeps(inner, value) for name, inner in told.items() if name in value)


def _prefix_items(check: _Check, told: Any, value: Any, _: Mapping[str, Any]) -> bool:
    if not isinstance(value, list):
        return True
    return all(check.keeps(inner, each) for inner, each in zip(told, value, strict=False))


def _items(check: _Check, told: Any, value: Any, schema: Mapping[str, Any]) -> bool:
    if not isinstance(value, list):
        return True
    if isinstance(told, list):  # as drafts up to 2019-09 wrote `prefixItems`
        rest = schema.get("additionalItems", True)
        return _prefix_items(check, told, value, schema) and all(check.keeps(rest, each) for each in value[len(told) :])
    return all(check.keeps(told, each) for each in value[len(schema.get("prefixItems", ())) :])


def _contains(check: _Check, told: Any, value: Any, schema: Mapping[str, Any]) -> bool:
    if not isinstance(value, list):
        return True
    found = sum(check.exactly(told, each) for each in value)
    return bool(schema.get("minContains", 1) <= found <= schema.get("maxContains", found))


def _unique(check: _Check, told: Any, value: Any, _: Mapping[str, Any]) -> bool:
    return not told or not isinstance(value, list) or len({check.text(each) for each in value}) == len(value)


def _multiple(_: _Check, told: Any, value: Any, __: Mapping[str, Any]) -> bool:
    if not _is_number(value) or not math.isfinite(value):
        return True
    return (Fraction(str(value)) / Fraction(str(told))).denominator == 1


def _ref(check: _Check, told: Any, value: Any, _: Mapping[str, Any]) -> bool:
    return check.keeps(check.at(told), value)


def _dynamic(*_: Any) -> bool:
    raise _Unknown


def _all(check: _Check, told: Any, value: Any, _: Mapping[str, Any]) -> bool:
    return all(check.keeps(inner, value) for inner in told)


def _any(check: _Check, told: Any, value: Any, _: Mapping[str, Any]) -> bool:
    return any(check.keeps(inner, value) for inner in told)


def _one(check: _Check, told: Any, value: Any, _: Mapping[str, Any]) -> bool:
    return sum(check.exactly(inner, value) for inner in told) == 1


def _not(check: _Check, told: Any, value: Any, _: Mapping[str, Any]) -> bool:
    return not check.exactly(told, value)


def _if(check: _Check, told: Any, value: Any, schema: Mapping[str, Any]) -> bool:
    return check.keeps(schema.get("then" if check.exactly(told, value) else "else", True), value)


def _bound(measured: Callable[[Any], Any], fits: Callable[[Any, Any], bool]) -> _Keyword:
    """A keyword that bounds a number, or how many there are of something; None is measured of what it is not about."""

    def keeps(_: _Check, told: Any, value: Any, __: Mapping[str, Any]) -> bool:
        size = measured(value)
        return size is None or fits(size, told)

    return keeps


def _number(value: Any) -> Any:
    return value if _is_number(value) else None


def _length_of(kind: type[list[Any] | dict[str, Any] | str]) -> Callable[[Any], Any]:
    return lambda value: len(value) if isinstance(value, kind) else None


_KEYWORDS: Final[Mapping[str, _Keyword]] = {
    "$ref": _ref,
    "$dynamicRef": _dynamic,
    "additionalProperties": _additional,
    "allOf": _all,
    "anyOf": _any,
    "const": _const,
    "contains": _contains,
    "dependentRequired": _dependent_required,
    "dependentSchemas": _dependent_schemas,
    "enum": _enum,
    "exclusiveMaximum": _bound(_number, lambda size, told: size < told),
    "exclusiveMinimum": _bound(_number, lambda size, told: size > told),
    "if": _if,
    "items": _items,
    "maxItems": _bound(_length_of(list), lambda size, told: size <= told),
    "maxLength": _bound(_length_of(str), lambda size, told: size <= told),
    "maxProperties": _bound(_length_of(dict), lambda size, told: size <= told),
    "maximum": _bound(_number, lambda size, told: size <= told),
    "minItems": _bound(_length_of(list), lambda size, told: size >= told),
    "minLength": _bound(_length_of(str), lambda size, told: size >= told),
    "minProperties": _bound(_length_of(dict), lambda size, told: size >= told),
    "minimum": _bound(_number, lambda size, told: size >= told),
    "multipleOf": _multiple,
    "not": _not,
    "oneOf": _one,
    "prefixItems": _prefix_items,
    "properties": _properties,
    "propertyNames": _property_names,
    "required": _required,
    "type": _type,
    "uniqueItems": _unique,
}
