"""From a condition as the configuration writes it to one that judges requests."""

from __future__ import annotations

from typing import Any

from turnout.config.conditions import Bounds, DurationBounds, Hours, ShareBounds, When, parse_hours
from turnout.policy.when import AllOf, AnyOf, Condition, FlagIs, Header, HourIn, Matches, Named, Not, Within


def compile_when(when: When) -> Condition:
    """The condition that `when` describes; a single part stands for itself."""
    parts: list[Condition] = []
    for name in type(when).model_fields:  # not as written: a file and its digest mean the same in any order
        value = getattr(when, name)
        if value is not None:
            parts.append(_condition(name, value))
    return parts[0] if len(parts) == 1 else AllOf(tuple(parts))


def _condition(name: str, value: Any) -> Condition:
    match name, value:
        case _, Bounds(min=low, max=high) | DurationBounds(min=low, max=high) | ShareBounds(min=low, max=high):
            return Within(name, low, high)
        case "matches", list():
            return Matches(tuple(value))
        case "header", dict():
            headers = [Header(header.lower(), tuple(values)) for header, values in value.items()]
            return headers[0] if len(headers) == 1 else AllOf(tuple(headers))
        case "flag", dict():
            flags = [FlagIs(flag, tuple(variants)) for flag, variants in value.items()]
            return flags[0] if len(flags) == 1 else AllOf(tuple(flags))
        case "hour", Hours():
            return HourIn(parse_hours(value.within), value.timezone, " or ".join(value.within))
        case "any_", list():
            return AnyOf(tuple(compile_when(part) for part in value))
        case "all_", list():
            return AllOf(tuple(compile_when(part) for part in value))
        case "not_", When():
            return Not(compile_when(value))
    return Named(name, tuple(value))
