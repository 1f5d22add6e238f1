"""Budgets, as a configuration writes them: `{usd: 50, per: day}`."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from decimal import Decimal
from typing import Annotated, Any, Final, Literal
from zoneinfo import ZoneInfo

from pydantic import AfterValidator, Field, ValidationError, ValidationInfo

from turnout.config.shares import ShareOfBudget
from turnout.config.values import Section, Wrong
from turnout.types.tenant import Budget, Period

_MOST: Final = 4_000_000


def _zone(value: str) -> str:
    try:
        ZoneInfo(value)
    except (KeyError, ValueError, OSError):
        raise Wrong(f"unknown time zone '{value}'.", "Use a name such as UTC or Europe/Berlin.") from None
    return value


def _one(value: str | None, given: ValidationInfo) -> str | None:
    if value is not None and given.data.get("of") == "all":
        raise Wrong("`of: all` is one budget of everybody, and `only` names one of many.", "Remove one of the two.")
    return value


class BudgetConfig(Section):
    """What may be spent in a period."""

    usd: Annotated[Decimal, Field(ge=0, le=_MOST, allow_inf_nan=False)] = Field(
        description="The most that may be spent in a period, in USD."
    )
    per: Literal["hour", "day", "week", "month", "total"] = Field(
        "month", description="The period; it begins on the clock or the calendar of `timezone`, a week on Monday."
    )
    timezone: Annotated[str, AfterValidator(_zone)] = Field(
        "UTC", description="A name of the IANA time zone database, such as Europe/Berlin."
    )
    hard: bool = Field(
        default=True,
        description="Whether a call that does not fit is not made; a soft budget is only counted and shown.",
    )
    of: Literal["all", "tenant", "user", "project", "route", "provider"] = Field(
        "tenant", description="What it is counted for: each tenant, user, ... has the whole of it; `all` share it."
    )
    only: Annotated[str | None, AfterValidator(_one)] = Field(
        None, min_length=1, description="The one tenant, user, ... that it holds for; not with `of: all`."
    )
    name: str | None = Field(
        None,
        min_length=1,
        max_length=100,
        pattern=r"^[^\s:]+$",
        description="What refusals and reports call it; by default made of the others (`tenant-month`).",
    )
    alone: ShareOfBudget = Field(
        0.1,
        description="The share that each gateway may spend by itself while the shared counts (`state.store`) cannot be "
        "reached; `0%` refuses (503) until they can.",
    )


def budgets_of(given: Iterable[BudgetConfig], tenant: str | None = None) -> tuple[Budget, ...]:
    """What the budgets of a configuration mean; those of `tenant`, where one is named.

    Raises:
        Wrong: two have the same name.
    """
    budgets = tuple(_budget(each, tenant) for each in given)
    names = [budget.name for budget in budgets]
    for name in names:
        if names.count(name) > 1:
            raise Wrong(f"two budgets are called '{name}'.", "Give one of them another `name`.")
    return budgets


def budgets_given(given: Iterable[Mapping[str, Any]], tenant: str) -> tuple[Budget, ...]:
    """The same for settings that come from elsewhere than a configuration.

    Raises:
        Wrong: one of them cannot be understood, or two have the same name.
    """
    try:
        return budgets_of([BudgetConfig.model_validate(each) for each in given], tenant)
    except ValidationError as error:
        first = error.errors()[0]
        place, cause = ".".join(str(part) for part in first["loc"]), first.get("ctx", {}).get("error")
        fix = cause.fix if isinstance(cause, Wrong) else ""
        raise Wrong(f"a budget's `{place}`: {cause or first['msg']}".rstrip(".") + ".", fix) from None


def _budget(given: BudgetConfig, tenant: str | None) -> Budget:
    made = "-".join(filter(None, (given.of, given.only, given.per)))
    name = (given.name or made).replace(":", "_")
    return Budget(
        name=name if tenant is None else f"{tenant}/{name}",
        usd=given.usd,
        per=Period(given.per),
        timezone=given.timezone,
        hard=given.hard,
        of=given.of,
        only=given.only,
        alone=given.alone,
    )


def _named(given: list[BudgetConfig]) -> list[BudgetConfig]:
    budgets_of(given)
    return given


BudgetList = Annotated[list[BudgetConfig], AfterValidator(_named)]
