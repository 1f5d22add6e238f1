"""A small value that satisfies a JSON schema: what a model would answer when made to."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from typing import Any

Schema = Mapping[str, Any]
Maker = Callable[[Schema, Any, int], Any]
_DEPTH = 12


def example(schema: Any) -> Any:
    """A value valid under `schema`, and the same for the same schema.

    Knows what providers accept in structured output and tools: types, properties, `enum`, `const`, `anyOf`, `oneOf`,
    `allOf`, local `$ref`, bounds, lengths and the common formats. Optional properties are filled in down to a few
    levels and left out below, so that a recursive schema ends.
    """
    return _value(schema, schema, 0)


def _value(schema: Any, root: Any, depth: int) -> Any:
    if not isinstance(schema, Mapping):
        return "text"
    schema = _resolved(schema, root)
    for key in ("const", "default"):
        if key in schema:
            return schema[key]
    if schema.get("enum"):
        return schema["enum"][0]
    for key in ("anyOf", "oneOf"):
        if schema.get(key):
            return _value(_simplest(schema[key], root, depth), root, depth + 1)
    make: Maker = _MAKERS.get(_type(schema), _text)
    return make(schema, root, depth)


def _resolved(schema: Schema, root: Any) -> Schema:
    seen: set[str] = set()
    while (reference := schema.get("$ref")) and reference not in seen:
        seen.add(reference)
        target = root
        for part in str(reference).removeprefix("#").strip("/").split("/"):
            target = target.get(part.replace("~1", "/").replace("~0", "~"), {}) if part else target
        schema = {**target, **{key: value for key, value in schema.items() if key != "$ref"}}
    for part in schema.get("allOf", ()):
        schema = _merged(schema, _resolved(part, root))
    return schema


def _merged(one: Schema, other: Schema) -> Schema:
    merged = {**one, **other}
    merged["properties"] = {**one.get("properties", {}), **other.get("properties", {})}
    merged["required"] = [*one.get("required", ()), *other.get("required", ())]
    return {key: value for key, value in merged.items() if value or key not in {"properties", "required"}}


def _simplest(options: list[Any], root: Any, depth: int) -> Any:
    """The first option; deep inside, one that ends."""
    if depth < _DEPTH // 2:
        return options[0]
    ends = [option for option in options if _type(_resolved(option, root)) not in {"object", "array"}]
    return (ends or options)[0]


def _type(schema: Schema) -> str:
    kind = schema.get("type")
    if isinstance(kind, list):
        kind = next((each for each in kind if each != "null"), "null")
    if kind is None:
        kind = "object" if "properties" in schema else "array" if "items" in schema else "string"
    return str(kind)


def _object(schema: Schema, root: Any, depth: int) -> dict[str, Any]:
    required = set(schema.get("required", ()))
    properties = schema.get("properties", {})
    wanted = properties if depth < _DEPTH // 4 else [name for name in properties if name in required]
    if depth >= _DEPTH:
        return {}
    filled = {name: _value(properties[name], root, depth + 1) for name in wanted}
    return filled | dict.fromkeys(sorted(required - set(properties)), "text")


def _array(schema: Schema, root: Any, depth: int) -> list[Any]:
    least = int(schema.get("minItems", 0))
    count = max(least, 1 if depth < _DEPTH // 4 and schema.get("maxItems", 1) else 0)
    return [_value(schema.get("items", {}), root, depth + 1) for _ in range(count)]


def _integer(schema: Schema, _root: Any = None, _depth: int = 0) -> int:
    step = schema.get("multipleOf", 1)
    low = max(schema.get("minimum", -math.inf), schema.get("exclusiveMinimum", -math.inf) + 1)
    high = min(schema.get("maximum", math.inf), schema.get("exclusiveMaximum", math.inf) - 1)
    start = min(max(1, low), high)
    up = math.ceil(start / step) * step
    return int(up if up <= high else math.floor(start / step) * step)


def _number(schema: Schema, _root: Any = None, _depth: int = 0) -> float:
    if "multipleOf" in schema:
        return _integer(schema)
    low = max(schema.get("minimum", -math.inf), schema.get("exclusiveMinimum", -math.inf))
    high = min(schema.get("maximum", math.inf), schema.get("exclusiveMaximum", math.inf))
    if low < 1.5 < high:
        return 1.5
    if math.isinf(low) or math.isinf(high):
        return float(high - 1 if math.isinf(low) else low + 1)
    return float((low + high) / 2)


_FORMATS = {
    "date": "2026-03-01",
    "date-time": "2026-03-01T09:30:00Z",
    "duration": "PT5S",
    "email": "someone@example.org",
    "hostname": "example.org",
    "ipv4": "127.0.0.1",
    "ipv6": "::1",
    "time": "09:30:00Z",
    "uri": "https://example.org/",
    "uuid": "01234567-89ab-7def-8123-456789abcdef",
}


def _text(schema: Schema, _root: Any = None, _depth: int = 0) -> str:
    text = _FORMATS.get(schema.get("format", ""), "Paris")
    text = text.ljust(int(schema.get("minLength", 0)), "x")
    return text[: int(schema.get("maxLength", len(text)))]


_MAKERS: dict[str, Maker] = {
    "array": _array,
    "boolean": lambda _schema, _root, _depth: True,
    "integer": _integer,
    "null": lambda _schema, _root, _depth: None,
    "number": _number,
    "object": _object,
    "string": _text,
}
