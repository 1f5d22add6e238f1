"""Structured answers satisfy the schema that asked for them."""

from __future__ import annotations

from typing import Any

import jsonschema
import pytest
from hypothesis import given
from hypothesis import strategies as st

from turnout.testing.fault_provider.example import example

LEAVES = st.sampled_from(
    [
        {"type": "string"},
        {"type": "string", "minLength": 7},
        {"type": "string", "maxLength": 2},
        {"type": "string", "format": "date"},
        {"type": "integer"},
        {"type": "integer", "minimum": 12, "maximum": 12},
        {"type": "integer", "exclusiveMaximum": -3},
        {"type": "integer", "multipleOf": 7},
        {"type": "number", "exclusiveMinimum": 0, "exclusiveMaximum": 1},
        {"type": "number", "maximum": -2},
        {"type": "number", "minimum": 5},
        {"type": "boolean"},
        {"type": "null"},
        {"type": ["integer", "null"]},
        {"enum": ["low", "high"]},
        {"const": 3},
    ]
)


def objects(inner: st.SearchStrategy[dict[str, Any]]) -> st.SearchStrategy[dict[str, Any]]:
    def closed(properties: dict[str, Any]) -> dict[str, Any]:
        return {
            "type": "object",
            "properties": properties,
            "required": sorted(properties)[::2],
            "additionalProperties": False,
        }

    return st.dictionaries(st.sampled_from("abcd"), inner, max_size=3).map(closed)


SCHEMAS = st.recursive(
    LEAVES,
    lambda inner: (
        objects(inner)
        | st.builds(lambda items, least: {"type": "array", "items": items, "minItems": least}, inner, st.integers(0, 2))
        | st.lists(inner, min_size=1, max_size=3).map(lambda options: {"anyOf": options})
    ),
    max_leaves=8,
)


@given(SCHEMAS)
def test_the_example_is_valid(schema: dict[str, Any]) -> None:
    jsonschema.validate(example(schema), schema)


@pytest.mark.parametrize(
    "schema",
    [
        {
            "type": "object",
            "properties": {"left": {"$ref": "#"}, "name": {"type": "string"}},
            "required": ["name"],
        },
        {
            "$defs": {
                "node": {
                    "type": "object",
                    "properties": {"next": {"anyOf": [{"$ref": "#/$defs/node"}, {"type": "null"}]}},
                    "required": ["next"],
                }
            },
            "$ref": "#/$defs/node",
        },
        {
            "allOf": [
                {"type": "object", "properties": {"a": {"type": "integer"}}, "required": ["a"]},
                {"properties": {"b": {"type": "boolean"}}, "required": ["b"]},
            ]
        },
        {"type": "object", "required": ["unnamed"]},
        {"type": "object"},
    ],
)
def test_references_and_combinations_are_followed_and_end(schema: dict[str, Any]) -> None:
    jsonschema.validate(example(schema), schema)
