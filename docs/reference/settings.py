"""The configuration, mapping by mapping, from its JSON Schema."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import msgspec

from docs.reference.markdown import table
from turnout.config.json_schema import json_schema


def settings() -> str:
    """Every mapping of the configuration with its keys, each before what is in it."""
    return "\n\n".join(_section(path, node) for path, node in every_mapping())


def every_mapping() -> list[tuple[str, dict[str, Any]]]:
    """Where each mapping stands (dotted; `[]` is any item, `NAME` any key, `POLICY` any policy), and its schema."""
    schema = json_schema()
    found = {"turnout.yaml": ("turnout.yaml", schema)}
    _find(schema, "", schema["$defs"], found)
    return list(found.values())


def _section(path: str, node: dict[str, Any]) -> str:
    required = node.get("required", ())
    rows = (
        (f"`{key}`", _type(said), _default(key, said, required), _meaning(said))
        for key, said in node["properties"].items()
    )
    return f"### `{path}`\n\n{_meaning(node)}\n\n{table(('key', 'type', 'default', 'meaning'), rows)}"


def _find(node: Any, path: str, named: dict[str, Any], found: dict[str, tuple[str, dict[str, Any]]]) -> None:
    """Add the mappings that a value may be; each only where it is met first."""
    if not isinstance(node, dict):
        return
    if _is_policy(node):
        node, path = _one_policy(node, named), "POLICY"
        name: str | None = "POLICY"
    else:
        name = node["$ref"].rpartition("/")[2] if "$ref" in node else None
        node = node if name is None else named[name]
    if name is not None and "properties" in node:
        if name in found:
            return
        found[name] = (path, node)
    for key, said in node.get("properties", {}).items():
        _find(said, f"{path}.{key}".lstrip("."), named, found)
    for one in (*node.get("anyOf", ()), *node.get("oneOf", ())):
        _find(one, path, named, found)
    _find(node.get("items"), f"{path}[]", named, found)
    _find(node.get("additionalProperties"), f"{path}.NAME", named, found)


def _kinds(node: dict[str, Any]) -> list[str]:
    """The names of the definitions that a value may be."""
    return [one["$ref"].rpartition("/")[2] for one in (node, *node.get("oneOf", ())) if "$ref" in one]


def _is_policy(node: dict[str, Any]) -> bool:
    return "RulesSpec" in _kinds(node)


def _one_policy(node: dict[str, Any], named: dict[str, Any]) -> dict[str, Any]:
    """A policy as one mapping: its kinds are the keys, of which it has exactly one."""
    keys = {
        key: {**said, "description": " ".join(named[kind]["description"].split())}
        for kind in _kinds(node)
        for key, said in named[kind].get("properties", {}).items()
    }
    told = "A policy that is neither a target's name nor a list has exactly one of these keys."
    return {"description": told, "properties": keys}


def _type(node: dict[str, Any]) -> str:
    """What a value may be, in words."""
    if _is_policy(node):
        return "policy"
    several = [*node.get("anyOf", ()), *node.get("oneOf", ())]
    if several:
        kinds = dict.fromkeys(_type(one) for one in several if one != {"type": "null"})
        return " or ".join(kinds)
    if "$ref" in node:
        name = node["$ref"].rpartition("/")[2]
        return {"Need": "need", "When": "condition"}.get(name, "mapping")
    if "enum" in node:
        return " or ".join(f"`{value}`" for value in node["enum"])
    if "pattern" in node and "ms" in node["pattern"]:
        return "duration"
    if "pattern" in node and "GiB" in node["pattern"]:
        return "size"
    match node.get("type"):
        case "array":
            return f"list of {_type(node['items'])}"
        case "object":
            inner = node.get("additionalProperties")
            return f"mapping of names to {_type(inner)}" if isinstance(inner, dict) else "mapping"
        case "string":
            return "secret" if node.get("format") == "password" else "text"
        case list() as several_kinds:
            return " or ".join(_type({"type": kind}) for kind in several_kinds)
        case kind:
            return {"integer": "whole number", "boolean": "true or false"}.get(str(kind), str(kind))


def _default(key: str, node: dict[str, Any], required: Iterable[str]) -> str:
    if key in required:
        return "required"
    value = node.get("default")
    if value is None:
        return "–"
    return f"`{value if isinstance(value, str) else msgspec.json.encode(value).decode()}`"


def _meaning(node: dict[str, Any]) -> str:
    if "description" not in node and "$ref" in node:
        return _meaning(json_schema()["$defs"][node["$ref"].rpartition("/")[2]])
    return " ".join(node["description"].split())
