"""A value keeps a schema, or breaks it, as a complete implementation says; and hostile schemas cost little."""

from __future__ import annotations

import time
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from jsonschema import Draft202012Validator

from turnout.confidence.signals.json_schema import violates

NAMES = st.sampled_from(["a", "b", "c"])
VALUES = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-3, 12)
    | st.sampled_from([0.5, 2.0, -1.5])
    | st.sampled_from(["", "a", "abc"]),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(NAMES, inner, max_size=3),
    max_leaves=6,
)
KINDS = st.sampled_from(["object", "array", "string", "number", "integer", "boolean", "null"])
COUNTS = st.integers(0, 3)


def combined(inner: st.SearchStrategy[Any]) -> st.SearchStrategy[Any]:
    some = st.lists(inner, min_size=1, max_size=3)
    named = st.dictionaries(NAMES, inner, max_size=2)
    return st.fixed_dictionaries(
        {},
        optional={
            "type": KINDS | st.lists(KINDS, min_size=1, max_size=2, unique=True),
            "properties": named,
            "required": st.lists(NAMES, max_size=2, unique=True),
            "additionalProperties": inner,
            "propertyNames": inner,
            "dependentRequired": st.dictionaries(NAMES, st.lists(NAMES, max_size=2, unique=True), max_size=2),
            "dependentSchemas": named,
            "items": inner,
            "prefixItems": some,
            "contains": inner,
            "minContains": COUNTS,
            "maxContains": COUNTS,
            "anyOf": some,
            "allOf": some,
            "oneOf": some,
            "not": inner,
            "if": inner,
            "then": inner,
            "else": inner,
            "$ref": st.just("#/$defs/other"),
        },
    )


PLAIN = st.booleans() | st.fixed_dictionaries(
    {},
    optional={
        "type": KINDS,
        "enum": st.lists(VALUES, min_size=1, max_size=3),
        "const": VALUES,
        "minimum": st.integers(-3, 12),
        "maximum": st.integers(-3, 12),
        "exclusiveMinimum": st.integers(-3, 12),
        "exclusiveMaximum": st.integers(-3, 12),
        "multipleOf": st.sampled_from([1, 2, 0.5]),
        "minLength": COUNTS,
        "maxLength": COUNTS,
        "minItems": COUNTS,
        "maxItems": COUNTS,
        "minProperties": COUNTS,
        "maxProperties": COUNTS,
        "uniqueItems": st.booleans(),
        "title": st.just("ignored"),
    },
)
SCHEMAS = st.recursive(PLAIN, combined, max_leaves=5)


@given(schema=SCHEMAS, other=PLAIN, value=VALUES)
def test_it_agrees_with_a_complete_implementation(schema: Any, other: Any, value: Any) -> None:
    whole = schema if isinstance(schema, bool) else {**schema, "$defs": {"other": other}}
    assert violates(whole, value) is not Draft202012Validator(whole).is_valid(value)


@pytest.mark.parametrize(
    ("schema", "value", "broken"),
    [
        ({"items": [{"type": "string"}], "additionalItems": False}, ["a"], False),
        ({"items": [{"type": "string"}], "additionalItems": False}, ["a", 1], True),
        ({"properties": {"a/b~": {"type": "string"}}, "allOf": [{"$ref": "#/properties/a~1b~0"}]}, 7, True),
        ({"allOf": [{"type": "string"}, {"$ref": "#/allOf/0"}]}, "a", False),
        ({"pattern": "^x"}, "y", False),
        ({"patternProperties": {"^x": {}}, "additionalProperties": False}, {"y": 1}, False),
        ({"enum": [1, "1"]}, 1.0, False),
        ({"enum": [1]}, True, True),
        ({"uniqueItems": True}, [{"a": 1, "b": 2}, {"b": 2.0, "a": 1}], True),
    ],
)
def test_what_is_written_in_other_ways_is_read_too(schema: Any, value: Any, broken: bool) -> None:
    assert violates(schema, value) is broken


@pytest.mark.parametrize(
    "schema",
    [
        {"$ref": "https://example.org/schema.json"},
        {"$ref": "#/$defs/none"},
        {"$ref": "#"},
        {"$dynamicRef": "#node"},
        {"not": {"pattern": "^x"}},
        {"type": "text"},
        {"type": 7},
        {"required": 7},
        {"properties": []},
        {"minimum": "a"},
        {"multipleOf": 0},
        [],
        "schema",
    ],
)
def test_a_schema_that_cannot_be_checked_says_nothing(schema: Any) -> None:
    assert (
        violates(schema, {"a": 1} if schema == {"properties": []} else 7 if schema != {"required": 7} else {}) is None
    )


@pytest.mark.parametrize(
    ("schema", "value"),
    [
        ({"allOf": [{"anyOf": [{"not": {}}] * 300}] * 300}, 1),
        ({"anyOf": [{"$ref": "#"}, {"$ref": "#"}]}, 1),
        ({"items": {"enum": [f"x{n}" for n in range(5_000)]}}, ["y"] * 5_000),
        ({"items": {"properties": {f"x{n}": {} for n in range(5_000)}}}, [{}] * 5_000),
        ({"allOf": [{"uniqueItems": True}] * 5_000}, list(range(5_000))),
        ({"allOf": [{"const": "x" * 50_000}] * 5_000}, "x" * 50_000),
        ({"pattern": "(a+)+$"}, "a" * 40 + "b"),
    ],
)
def test_a_hostile_schema_takes_no_longer_than_others(schema: Any, value: Any) -> None:
    began = time.process_time()
    violates(schema, value)
    assert time.process_time() - began < 5
