"""The configuration's JSON Schema, for editors, for the reference manual, and for what an error suggests."""

from __future__ import annotations

from collections.abc import Iterator
from functools import cache
from typing import Any

from turnout.config.document import Path
from turnout.config.durations import AGE_PATTERN, PATTERN, format_age
from turnout.config.schema import Config


def json_schema() -> dict[str, Any]:
    """The JSON Schema (draft 2020-12) of `turnout.yaml`."""
    schema = Config.model_json_schema()
    for definition in schema["$defs"].values():
        for field in definition.get("properties", {}).values():
            field.pop("title", None)
            # A default is given in seconds inside, and has a unit in a file.
            if field.get("pattern") in (PATTERN, AGE_PATTERN) and "default" in field:
                field["default"] = format_age(field["default"])
    return {"$schema": "https://json-schema.org/draft/2020-12/schema", **schema, "title": "turnout.yaml"}


def known_keys(path: Path) -> list[str]:
    """The keys that the mapping at `path` takes; none where any will do, or where there is no mapping."""
    return sorted({key for plain in _at(path) for key in plain.get("properties", {})})


def is_secret(path: Path) -> bool:
    """Whether the value at `path` is a key, or may hold one."""
    return any(plain.get("writeOnly", False) for plain in _at(path))


def _at(path: Path) -> list[dict[str, Any]]:
    """What may stand at `path`: each of the alternatives."""
    nodes = [_schema()]
    for part in path:
        nodes = [inner for node in nodes for inner in _inner(_flat(node), part)]
    return [plain for node in nodes for plain in _flat(node)]


@cache
def _schema() -> dict[str, Any]:
    return json_schema()


def _flat(node: dict[str, Any]) -> list[dict[str, Any]]:
    """`node`, or what it refers to, or each of its alternatives."""
    if "$ref" in node:
        return _flat(_schema()["$defs"][node["$ref"].rpartition("/")[2]])
    several = [*node.get("anyOf", []), *node.get("oneOf", [])]
    return [plain for one in several for plain in _flat(one)] if several else [node]


def _inner(nodes: list[dict[str, Any]], part: str | int) -> Iterator[dict[str, Any]]:
    for node in nodes:
        if isinstance(part, int):
            inner = node.get("items")
        else:
            inner = node.get("properties", {}).get(part) or node.get("additionalProperties")
        if isinstance(inner, dict):
            yield inner
