"""The small values of a configuration: durations, sizes, names that must be known."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from difflib import get_close_matches
from pathlib import Path
from typing import Annotated, Any, Final

from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    PlainSerializer,
    ValidationInfo,
    WithJsonSchema,
)

from turnout.config.durations import AGE_PATTERN, FOREVER, PATTERN, format_age, format_duration, parse_duration
from turnout.providers.known import KNOWN_PROVIDERS
from turnout.types.request import LONGEST_NAME

_SIZE: Final = re.compile(r"([0-9]+(?:\.[0-9]+)?)\s*(B|kB|KB|MB|GB|KiB|MiB|GiB)")
_BYTES: Final = {
    "B": 1,
    "kB": 10**3,
    "KB": 10**3,
    "MB": 10**6,
    "GB": 10**9,
    "KiB": 2**10,
    "MiB": 2**20,
    "GiB": 2**30,
}


class Section(BaseModel):
    """A part of the configuration: it takes no key that it does not know, and never changes once read."""

    # Building the validators takes longer than all other imports; who only imports turnout does not wait for it.
    model_config = ConfigDict(
        extra="forbid", frozen=True, populate_by_name=True, hide_input_in_errors=True, defer_build=True
    )


@dataclass(slots=True)
class Names:
    """What a reference may name, handed to the validators.

    Attributes:
        providers, targets: the names that the file gives.
        lists: the phrase lists of the route that is being read.
        tenants: the names that the file gives; None where it does not have them.
        flags: each feature flag's variants.
        directory: where a phrase list's file is looked for.
    """

    providers: frozenset[str] = frozenset()
    targets: frozenset[str] = frozenset()
    lists: frozenset[str] = field(default=frozenset())
    flags: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    directory: Path = field(default_factory=Path)
    tenants: frozenset[str] | None = None


class Wrong(ValueError):
    """What a validator finds.

    Args:
        problem: what is wrong, in one sentence.
        fix: what to change.
    """

    def __init__(self, problem: str, fix: str = "") -> None:
        self.problem = problem
        self.fix = fix
        super().__init__(problem)


def did_you_mean(name: str, known: Iterable[str], *, kind: str = "") -> str:
    """A suggestion: the known name nearest to `name`, or else all of them."""
    names = sorted(known)
    near = get_close_matches(name, names, n=1)
    if near:
        return f"Did you mean '{near[0]}'?"
    if not names:
        return f"There is no {kind} yet." if kind else ""
    return f"Known: {', '.join(names)}."


def _duration(value: Any) -> float:
    try:
        return parse_duration(value if isinstance(value, str) else "")
    except ValueError as error:
        number = isinstance(value, int | float) and not isinstance(value, bool)
        example = f"{value:g}s" if number and value > 0 else "5s"
        raise Wrong(str(error), f"Write it like {example} or 800ms.") from None


def parse_size(value: Any) -> int:
    """Bytes of `32MB`, `512KiB`; a bare number is bytes."""
    if isinstance(value, int) and not isinstance(value, bool) and value > 0:
        return value
    match = _SIZE.fullmatch(value.strip()) if isinstance(value, str) else None
    size = int(float(match[1]) * _BYTES[match[2]]) if match else 0
    if size <= 0:
        raise Wrong("a size is a number of bytes with a unit (kB, MB, GB, KiB, MiB, GiB).", "Write it like 32MB.")
    return size


def _known_provider(name: str, info: ValidationInfo) -> str:
    names: Names | None = info.context
    if names is not None and name not in names.providers:
        if name in KNOWN_PROVIDERS:
            raise Wrong(f"unknown provider '{name}'.", f"Add `{name}: {{}}` under providers.")
        raise Wrong(f"unknown provider '{name}'.", did_you_mean(name, names.providers, kind="provider"))
    return name


def _known_target(name: str, info: ValidationInfo) -> str:
    names: Names | None = info.context
    if names is not None and name not in names.targets:
        raise Wrong(f"unknown target '{name}'.", did_you_mean(name, names.targets, kind="target"))
    return name


def _known_list(name: str, info: ValidationInfo) -> str:
    names: Names | None = info.context
    if names is not None and name not in names.lists:
        raise Wrong(f"unknown phrase list '{name}'.", did_you_mean(name, names.lists, kind="list in this route"))
    return name


def one_or_many(value: Any) -> Any:
    """A list of one for what may be given alone."""
    return [value] if isinstance(value, str | int | float) and not isinstance(value, bool) else value


Label = Annotated[str, Field(min_length=1, max_length=LONGEST_NAME, pattern=r"\S")]
"""A name that somebody gives, for records and reports."""
Duration = Annotated[
    float,
    BeforeValidator(_duration),
    PlainSerializer(format_duration, return_type=str),
    WithJsonSchema({"type": "string", "pattern": PATTERN, "examples": ["5s", "800ms"]}),
]
Size = Annotated[
    int,
    BeforeValidator(parse_size),
    WithJsonSchema(
        {
            "anyOf": [
                {"type": "integer", "exclusiveMinimum": 0},
                {"type": "string", "pattern": r"^[0-9]+(\.[0-9]+)?\s*(B|kB|KB|MB|GB|KiB|MiB|GiB)$"},
            ]
        }
    ),
]
Age = Annotated[
    float | None,
    BeforeValidator(lambda value: None if value == FOREVER else _duration(value)),
    PlainSerializer(format_age, return_type=str),
    WithJsonSchema({"type": "string", "pattern": AGE_PATTERN, "examples": ["90d", FOREVER]}),
]
"""A duration, or `forever`, which is None."""
ProviderName = Annotated[str, AfterValidator(_known_provider)]
TargetName = Annotated[str, AfterValidator(_known_target)]
ListName = Annotated[str, AfterValidator(_known_list)]
Texts = Annotated[
    list[str],
    BeforeValidator(one_or_many),
    WithJsonSchema({"anyOf": [{"type": "string"}, {"type": "array", "items": {"type": "string"}, "minItems": 1}]}),
]
