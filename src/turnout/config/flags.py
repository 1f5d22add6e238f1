"""What a configuration says of feature flags."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import Annotated, Any, Final, Literal

from pydantic import (
    AfterValidator,
    AwareDatetime,
    BeforeValidator,
    Field,
    PlainSerializer,
    ValidationInfo,
    WithJsonSchema,
    field_validator,
    model_validator,
)

from turnout.config.values import Duration, Names, Section, Wrong, did_you_mean, one_or_many
from turnout.types.flag import OFF, ON, Audience, Flag, FlagMode, Setting, StickyBy
from turnout.types.flag_change import fault

PLAIN: Final = (OFF, ON)
_SHARE: Final = re.compile(r"([0-9]{1,3}(?:\.[0-9]{1,4})?)\s*%")
_NAME: Final = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.-]{0,63}")


def parse_share(value: Any) -> float:
    """The share, 0 to 1, of `30%`."""
    match = _SHARE.fullmatch(value.strip()) if isinstance(value, str) else None
    share = float(match[1]) / 100 if match else 2.0
    if share > 1:
        raise Wrong("it is no share of the callers.", "Write a percentage from 0 % to 100 %, like 30%.")
    return share


Percentage = Annotated[
    float,
    BeforeValidator(parse_share),
    PlainSerializer(lambda share: f"{share * 100:g}%", return_type=str),
    WithJsonSchema({"type": "string", "pattern": r"^[0-9]+(\.[0-9]+)?\s*%$", "examples": ["30%"]}),
]
_OneOrMany = Annotated[
    list[str],
    BeforeValidator(one_or_many),
    WithJsonSchema({"anyOf": [{"type": "string"}, {"type": "array", "items": {"type": "string"}}]}),
]


class AudienceConfig(Section):
    """Who is named."""

    users: _OneOrMany = Field(default_factory=list, description="Users, as `x-turnout-user` names them.")
    tenants: _OneOrMany = Field(default_factory=list, description="Tenants.")


class FlagConfig(Section):
    """A feature flag. Without a share or a list it is its default for everybody, until it is changed at run time."""

    description: str | None = Field(None, description="What it is for.")
    variants: list[Annotated[str, Field(min_length=1, max_length=64)]] = Field(
        default_factory=lambda: [*PLAIN], min_length=2, description="What it may be."
    )
    default: str | None = Field(
        None,
        description="What it is where nothing says otherwise, when it is off or killed, and where it cannot be "
        "evaluated; by default the first variant.",
    )
    by: StickyBy = Field(
        "user",
        description="Who stays on one side of a share: a `user`, a `tenant`, or nobody (`request`). A request that "
        "names no user counts for itself.",
    )
    share: Annotated[
        dict[str, Percentage],
        WithJsonSchema(
            {
                "anyOf": [
                    {"type": "string", "pattern": r"^[0-9]+(\.[0-9]+)?\s*%$"},
                    {"type": "object", "additionalProperties": {"type": "string"}},
                ]
            }
        ),
    ] = Field(
        default_factory=dict,
        description="The share of callers that gets a variant: `30%` of `on`, or a share for each of several variants.",
        examples=["30%"],
    )
    lists: dict[str, AudienceConfig] = Field(
        default_factory=dict, description="Who gets a variant in any case; a user's own place goes before its tenant's."
    )
    from_: AwareDatetime | None = Field(
        None,
        alias="from",
        description="Before then it is its default. With a time zone.",
        examples=["2026-12-01T09:00Z"],
    )
    until: AwareDatetime | None = Field(None, description="From then on it is its default. With a time zone.")
    mode: FlagMode = Field(
        FlagMode.ON,
        description="`on`; `off`, the default for everybody; `observe`: evaluated and recorded, but not applied.",
    )
    source: Literal["turnout", "openfeature"] = Field(
        "turnout", description="Who evaluates it: turnout, or the provider of your own that `openfeature` names."
    )

    @model_validator(mode="before")
    @classmethod
    def _short(cls, value: Any) -> Any:
        if value is None:
            return {}
        if isinstance(value, dict) and isinstance(value.get("share"), str | int | float):
            variants = value.get("variants")
            if isinstance(variants, list) and set(map(str, variants)) != {*PLAIN}:
                raise Wrong("which variant is the share of?", f"Write share: {{{variants[-1]}: {value['share']}}}.")
            return {**value, "share": {ON: value["share"]}}
        return value

    @field_validator("from_", "until", mode="before")
    @classmethod
    def _moment(cls, value: Any) -> Any:
        try:
            moment = datetime.fromisoformat(value) if isinstance(value, str) else None
        except ValueError:
            moment = None
        if value is not None and (moment is None or moment.tzinfo is None):
            raise Wrong("it is no moment with a time zone.", "Write it like 2026-12-01T09:00Z.")
        return moment

    @model_validator(mode="after")
    def _sound(self) -> FlagConfig:
        if len({*self.variants}) < len(self.variants):
            raise Wrong("a variant is named twice.", "Name each once.")
        if self.default is not None and self.default not in self.variants:
            raise Wrong(f"the default '{self.default}' is no variant.", did_you_mean(self.default, self.variants))
        itself = self.flag("itself")
        wrong = fault(itself, itself.setting)
        if wrong is not None:
            raise Wrong(wrong)
        if self.source == "openfeature" and (self.share or self.lists or self.from_ or self.until):
            raise Wrong("your own provider evaluates it.", "Give share, lists and times there.")
        return self

    def flag(self, name: str) -> Flag:
        """The flag of that name."""
        lists = {
            variant: Audience(frozenset(given.users), frozenset(given.tenants)) for variant, given in self.lists.items()
        }
        return Flag(
            name=name,
            variants=tuple(self.variants),
            default=self.default or self.variants[0],
            by=self.by,
            description=self.description,
            elsewhere=self.source == "openfeature",
            setting=Setting(mode=self.mode, share=self.share, lists=lists, from_=self.from_, until=self.until),
        )


class OpenFeatureConfig(Section):
    """A provider of feature flags of your own, behind OpenFeature. Takes the extra `flags`."""

    provider: str | None = Field(
        None,
        description="`flagd`, or `module:name` of whatever makes the provider: a class or a function. Without it the "
        "one that your program has given OpenFeature.",
        examples=["flagd", "acme.flags:make_provider"],
    )
    options: dict[str, Any] = Field(default_factory=dict, description="What it is called with, by name.")
    timeout: Duration = Field(
        0.05, description="How long a request waits for it; then its flags are at their defaults, and it rests for 5 s."
    )


def declared(given: Mapping[str, FlagConfig]) -> dict[str, Flag]:
    """The flags of a configuration."""
    return {name: config.flag(name) for name, config in given.items()}


def variants_given(data: Mapping[str, Any]) -> dict[str, tuple[str, ...]]:
    """The flags that a file names, with their variants, before anybody knows whether it is sound."""
    flags = data.get("flags")
    found: dict[str, tuple[str, ...]] = {}
    for name, given in flags.items() if isinstance(flags, dict) else ():
        variants = given.get("variants") if isinstance(given, dict) else None
        found[name] = tuple(map(str, variants)) if isinstance(variants, list) else PLAIN
    return found


def _named(name: str) -> str:
    if not _NAME.fullmatch(name):
        raise Wrong(f"'{name}' is no name for a flag.", "Take letters, digits, - _ and . (64 of them at most).")
    return name


NewFlagName = Annotated[str, AfterValidator(_named)]


def known_variants(name: str, info: ValidationInfo) -> tuple[str, ...]:
    """The variants of the flag of that name. Raises `Wrong` where there is no such flag."""
    names: Names | None = info.context
    if names is None:
        return PLAIN
    if name not in names.flags:
        raise Wrong(f"unknown flag '{name}'.", did_you_mean(name, names.flags) or "Declare it under `flags`.")
    return names.flags[name]


def check_variants(name: str, given: Iterable[str], info: ValidationInfo) -> None:
    """That a flag has the variants that are asked of it. Raises `Wrong`."""
    known = known_variants(name, info)
    unknown = next((variant for variant in given if variant not in known), None) if info.context else None
    if unknown is not None:
        raise Wrong(f"the flag '{name}' has no variant '{unknown}'.", did_you_mean(unknown, known))


def _asked(value: Any, info: ValidationInfo) -> Any:
    """A name alone asks whether the flag is on."""
    if not isinstance(value, str):
        return value
    known = known_variants(value, info)
    if ON not in known:
        raise Wrong(f"which variant of the flag '{value}'?", f"Write flag: {{{value}: {known[-1]}}}.")
    return {value: [ON]}


def _asked_known(value: dict[str, list[str]], info: ValidationInfo) -> dict[str, list[str]]:
    for name, variants in value.items():
        check_variants(name, variants, info)
    return value


FlagCondition = Annotated[
    dict[str, _OneOrMany],
    BeforeValidator(_asked),
    AfterValidator(_asked_known),
    WithJsonSchema(
        {
            "anyOf": [
                {"type": "string"},
                {
                    "type": "object",
                    "additionalProperties": {
                        "anyOf": [{"type": "string"}, {"type": "array", "items": {"type": "string"}}]
                    },
                    "minProperties": 1,
                },
            ]
        }
    ),
]
"""`haiku-first` (it is on), or `{style: terse}`, or `{style: [terse, long]}`."""
