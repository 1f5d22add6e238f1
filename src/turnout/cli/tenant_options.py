"""The options that say what a tenant is to be."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal, InvalidOperation
from typing import Annotated, Any, Final

import typer

from turnout.config.budgets import budgets_given
from turnout.config.values import Wrong
from turnout.types.tenant import Budget

_EXAMPLE: Final = "Write 50/day, 400/month or 5/day,of=user,timezone=Europe/Berlin,hard=false."
_BUDGET: Final = "--budget"


@dataclass(frozen=True, kw_only=True)
class Wanted:
    """The options."""

    tier: Annotated[str | None, typer.Option(help="What it has bought, for rules: `when: {tier: gold}`.")] = None
    tag: Annotated[list[str] | None, typer.Option(help="A label, NAME=VALUE; as often as needed.")] = None
    route: Annotated[
        list[str] | None, typer.Option(help="A route that its keys may ask for, or a glob; as often as needed.")
    ] = None
    revenue: Annotated[str | None, typer.Option(help="What it pays in a month, in USD.")] = None
    budget: Annotated[
        list[str] | None,
        typer.Option(
            help="What it may spend, USD/PERIOD, and further settings of a budget behind commas; as often as needed."
        ),
    ] = None

    def fields(self, tenant: str) -> dict[str, Any]:
        """The fields of `tenant` that are given. An empty text takes away."""
        given: dict[str, Any] = {}
        if self.tier is not None:
            given["tier"] = self.tier or None
        if self.tag is not None:
            given["tags"] = dict(_pair(tag) for tag in self.tag if tag)
        if self.route is not None:
            given["routes"] = tuple(route for route in self.route if route)
        if self.revenue is not None:
            given["revenue_usd"] = _dollars(self.revenue) if self.revenue else None
        if self.budget is not None:
            given["budgets"] = _budgets([budget for budget in self.budget if budget], tenant)
        return given


def _pair(tag: str) -> tuple[str, str]:
    name, equals, value = tag.partition("=")
    if not name or not equals:
        raise typer.BadParameter(f"{tag!r} is no label. Write segment=enterprise.", param_hint="--tag")
    return name, value


def _dollars(given: str) -> Decimal:
    try:
        amount = Decimal(given)
    except InvalidOperation:
        amount = Decimal(-1)
    if not (amount.is_finite() and amount >= 0):
        raise typer.BadParameter(f"{given!r} is no amount in USD. Write 499 or 499.50.", param_hint="--revenue")
    return amount


def _budgets(given: list[str], tenant: str) -> tuple[Budget, ...]:
    try:
        return budgets_given([_budget(words) for words in given], tenant)
    except Wrong as error:
        raise typer.BadParameter(f"{error.problem} {error.fix or _EXAMPLE}", param_hint=_BUDGET) from None


def _budget(words: str) -> dict[str, str]:
    """`5/day,of=user,hard=false`: the amount, the period, and any other setting of a budget."""
    amount, *further = words.split(",")
    usd, slash, per = amount.partition("/")
    pairs = [pair.partition("=") for pair in further]
    if not all(equals for _, equals, _ in pairs):
        raise typer.BadParameter(f"{words!r} is no budget. {_EXAMPLE}", param_hint=_BUDGET)
    period = {"per": per} if slash else {}
    return {"usd": usd, **period, **{name.strip(): value.strip() for name, _, value in pairs}}
