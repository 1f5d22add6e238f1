"""What `when` may say."""

from __future__ import annotations

import re
from typing import Annotated, Any, Final
from zoneinfo import ZoneInfo

from pydantic import AfterValidator, BeforeValidator, Field, WithJsonSchema, model_validator

from turnout.config.flags import FlagCondition
from turnout.config.shares import ShareOfBudget
from turnout.config.values import Duration, ListName, Section, Texts, Wrong, one_or_many

_HOURS: Final = re.compile(r"([0-9]{1,2})(?::00)?(?:\s*-\s*([0-9]{1,2})(?::00)?)?")


class Bounds(Section):
    """A range of numbers, both ends included."""

    min: int | None = Field(None, ge=0, description="At least this many.")
    max: int | None = Field(None, ge=0, description="At most this many.")

    @model_validator(mode="after")
    def _bounded(self) -> Bounds:
        if self.min is None and self.max is None:
            raise Wrong("a range needs a bound.", "Give `min`, `max` or both.")
        return self


class DurationBounds(Section):
    """A range of durations, both ends included."""

    min: Duration | None = Field(None, description="At least this long.")
    max: Duration | None = Field(None, description="At most this long.")

    @model_validator(mode="after")
    def _bounded(self) -> DurationBounds:
        if self.min is None and self.max is None:
            raise Wrong("a range needs a bound.", "Give `min`, `max` or both.")
        return self


class ShareBounds(Section):
    """A range of shares, both ends included."""

    min: ShareOfBudget | None = Field(None, description="At least this share.")
    max: ShareOfBudget | None = Field(None, description="At most this share.")

    @model_validator(mode="after")
    def _bounded(self) -> ShareBounds:
        if self.min is None and self.max is None:
            raise Wrong("a range needs a bound.", "Give `min`, `max` or both: {max: 20%}.")
        return self


def _range(value: Any) -> Any:
    if isinstance(value, int) and not isinstance(value, bool):
        raise Wrong("a range is needed, not a number.", f"Write {{max: {value}}} or {{min: {value}}}.")
    return value


def _presence(value: Any) -> Any:
    """`true` is at least one, `false` is none."""
    if isinstance(value, bool):
        return {"min": 1} if value else {"max": 0}
    return _range(value)


def parse_hours(ranges: list[str]) -> frozenset[int]:
    """The hours, 0 to 23, of ranges like `9-17` (from 09:00 until 16:59) and `22-6` (over midnight)."""
    hours: set[int] = set()
    for text in ranges:
        match = _HOURS.fullmatch(text.strip())
        first = int(match[1]) if match else 24
        end = int(match[2]) if match and match[2] else first + 1
        if first > 23 or end > 24 or first == end:
            raise Wrong("an hour is 0 to 23, or a range of two that differ.", "Write it like 9-17 or 22-6.")
        hours.update(hour % 24 for hour in range(first, end if end > first else end + 24))
    return frozenset(hours)


class Hours(Section):
    """Hours of the day in a time zone."""

    within: Texts = Field(
        alias="in", description="Hours and ranges: `9-17` is 09:00 to 16:59, `22-6` goes over midnight."
    )
    timezone: str = Field("UTC", description="A name of the IANA time zone database, such as Europe/Berlin.")

    @model_validator(mode="before")
    @classmethod
    def _short(cls, value: Any) -> Any:
        return value if isinstance(value, dict) else {"in": value}

    @model_validator(mode="after")
    def _real(self) -> Hours:
        parse_hours(self.within)
        try:
            ZoneInfo(self.timezone)
        except (KeyError, ValueError, OSError):
            raise Wrong(f"unknown time zone '{self.timezone}'.", "Use a name such as UTC or Europe/Berlin.") from None
        return self


def _hour_texts(value: Any) -> Any:
    """Bare hours come as numbers."""
    if isinstance(value, int) and not isinstance(value, bool):
        return str(value)
    if isinstance(value, list):
        return [str(item) if isinstance(item, int) else item for item in value]
    return {**value, "in": _hour_texts(value["in"])} if isinstance(value, dict) and "in" in value else value


def _languages(codes: list[str]) -> list[str]:
    for code in codes:
        if not re.fullmatch(r"[a-z]{2,3}", code):
            raise Wrong("a language is an ISO 639-1 code.", "Write two lower-case letters: en, de, fr.")
    return codes


Count = Annotated[Bounds, BeforeValidator(_range)]
Presence = Annotated[
    Bounds,
    BeforeValidator(_presence),
    WithJsonSchema(
        {
            "anyOf": [
                {"type": "boolean"},
                {
                    "type": "object",
                    "properties": {"min": {"type": "integer", "minimum": 0}, "max": {"type": "integer", "minimum": 0}},
                    "minProperties": 1,
                    "additionalProperties": False,
                },
            ]
        }
    ),
]
_HoursValue = Annotated[
    Hours,
    BeforeValidator(_hour_texts),
    WithJsonSchema(
        {
            "anyOf": [
                {"type": ["string", "integer"]},
                {"type": "array", "items": {"type": ["string", "integer"]}, "minItems": 1},
                {
                    "type": "object",
                    "properties": {
                        "in": {"type": ["string", "integer", "array"]},
                        "timezone": {"type": "string", "default": "UTC"},
                    },
                    "required": ["in"],
                    "additionalProperties": False,
                },
            ]
        }
    ),
]
_Lists = Annotated[
    list[ListName],
    BeforeValidator(one_or_many),
    WithJsonSchema({"anyOf": [{"type": "string"}, {"type": "array", "items": {"type": "string"}}]}),
]


class When(Section):
    """A condition. Several keys in one condition must all hold; names may be globs (`support-*`)."""

    tokens: Count | None = Field(None, description="Estimated tokens of the query (the last thing the user said).")
    chars: Count | None = Field(None, description="Characters of the query.")
    turns: Count | None = Field(None, description="The user's turns so far.")
    context_tokens: Count | None = Field(
        None, description="Estimated tokens of the whole input: system prompt, history, tools and images."
    )
    matches: _Lists | None = Field(None, description="A phrase list, or several: the query holds a phrase of one.")
    source: Texts | None = Field(None, description="The calling program, from `x-turnout-source`.")
    user: Texts | None = Field(None, description="The end user, from `x-turnout-user` or the dialect's own field.")
    tenant: Texts | None = Field(None, description="The tenant; `default` until keys name others.")
    tier: Texts | None = Field(None, description="What the tenant has bought, as `tenants` say.")
    project: Texts | None = Field(None, description="What the caller's key was given out for.")
    tools: Presence | None = Field(None, description="Whether tools are offered, or how many.")
    images: Presence | None = Field(None, description="Whether there are images, or how many.")
    language: Annotated[Texts, AfterValidator(_languages)] | None = Field(
        None, description="The query's language as an ISO 639-1 code. Needs the extra `language`."
    )
    header: dict[str, Texts] | None = Field(None, description="Headers of the request, each with a value or values.")
    latency_budget: DurationBounds | None = Field(
        None, description="The wait that the caller allows, from `x-turnout-latency-budget`; fails where none is given."
    )
    budget_left: ShareBounds | None = Field(
        None,
        description="What is left of the budget of which least is left, of those that the request falls under: "
        "{max: 20%}; fails where it falls under none.",
    )
    hour: _HoursValue | None = Field(
        None,
        description="Hours of the day: `9-17`, `22-6`, a list of them, or {in: ..., timezone: ...}. UTC by default.",
    )
    flag: FlagCondition | None = Field(
        None,
        description="A feature flag that is on, by its name, or flags each with a variant or several: {style: terse}.",
    )
    any_: list[When] | None = Field(None, alias="any", description="At least one of these conditions holds.")
    all_: list[When] | None = Field(None, alias="all", description="All of these conditions hold.")
    not_: When | None = Field(None, alias="not", description="This condition does not hold.")

    def parts(self) -> list[When]:
        """The conditions directly within this one."""
        return [*(self.any_ or ()), *(self.all_ or ()), *([self.not_] if self.not_ is not None else [])]

    def lists(self) -> set[str]:
        """The phrase lists that it asks for, at any depth."""
        return {*(self.matches or ()), *(name for part in self.parts() for name in part.lists())}

    def flags(self) -> set[str]:
        """The feature flags that it asks for, at any depth."""
        return {*(self.flag or ()), *(name for part in self.parts() for name in part.flags())}

    def asks_budgets(self) -> bool:
        """Whether it asks what is left of budgets, at any depth."""
        return self.budget_left is not None or any(part.asks_budgets() for part in self.parts())

    def asks_language(self) -> bool:
        """Whether it asks for the query's language, at any depth."""
        return self.language is not None or any(part.asks_language() for part in self.parts())
