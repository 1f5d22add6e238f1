"""Budgets in a configuration: what they mean, and what is wrong with them."""

from __future__ import annotations

from datetime import UTC, datetime
from decimal import Decimal
from textwrap import indent

import pytest

from tests.config.configs import ENV, with_routes
from tests.config.test_errors import errors_of
from turnout.config.budgets import budgets_of
from turnout.config.load import load_config_text
from turnout.config.spending import budgeted
from turnout.state.memory_counters import MemoryCounters
from turnout.testing import FrozenClock
from turnout.types.request import Caller
from turnout.types.tenant import Budget, Period

ROUTE = "r: {policy: haiku}"


def written(text: str) -> str:
    return with_routes(ROUTE) + text


def test_a_budget_is_an_amount_and_a_period_and_named_after_what_it_is_for() -> None:
    text = written(
        "budgets:\n"
        "  - {usd: 500, of: provider, only: openai}\n"
        "  - {usd: 2.50, per: day, of: user, timezone: Europe/Berlin, hard: false, alone: 25%, name: daily}\n"
    )
    assert budgets_of(load_config_text(text, ENV).config.budgets) == (
        Budget(name="provider-openai-month", usd=Decimal(500), per=Period.MONTH, of="provider", only="openai"),
        Budget(
            name="daily",
            usd=Decimal("2.50"),
            per=Period.DAY,
            timezone="Europe/Berlin",
            hard=False,
            of="user",
            alone=0.25,
        ),
    )


def test_a_tenants_budgets_bear_its_name() -> None:
    text = written("tenants: {acme: {budgets: [{usd: 50, per: day}]}}\n")
    tenants = load_config_text(text, ENV).config.tenants
    assert isinstance(tenants, dict)
    assert [budget.name for budget in tenants["acme"].named("acme").budgets] == ["acme/tenant-day"]


def test_what_a_tenant_pays_is_for_the_month_of_its_budget() -> None:
    tenant = "{revenue: 100, budgets: [{usd: 5, per: day}, {usd: 50, timezone: Asia/Tokyo}]}"
    loaded = load_config_text(written(f"tenants: {{acme: {tenant}, other: {{revenue: 1}}}}\n"), ENV)
    assert isinstance(loaded.config.tenants, dict)
    tenants = {name: each.named(name) for name, each in loaded.config.tenants.items()}
    clock = FrozenClock(datetime(2026, 3, 31, 16, 0, tzinfo=UTC))  # 1 April in Tokyo
    budgets = budgeted(loaded, MemoryCounters(clock), clock, tenants.get)
    assert budgets is not None
    for name, began in (("acme", "2026-04-01T00:00:00+09:00"), ("other", "2026-03-01T00:00:00+00:00")):
        (revenue,) = (each for each in budgets.glance(Caller(tenant=name), "r") if each.revenue)
        assert revenue.began == datetime.fromisoformat(began)


@pytest.mark.parametrize(
    ("budget", "told"),
    [
        ("{usd: -1}", "greater than or equal to 0"),
        ("{usd: 1, timezone: Mars/Olympus}", "unknown time zone 'Mars/Olympus'. Use a name such as UTC"),
        ("{usd: 1, alone: 120%}", "it is no share of the budget. Write a percentage"),
        ("{usd: 1, per: fortnight}", "'month' or 'total'"),
        ("{usd: 1, of: all, only: acme}", "`only` names one of many. Remove one of the two."),
        ("{usd: 1}\n- {usd: 2}", "two budgets are called 'tenant-month'. Give one of them another `name`."),
    ],
)
def test_a_mistake_is_told_with_its_fix(budget: str, told: str) -> None:
    errors = errors_of(written("budgets:\n" + indent(f"- {budget}", "  ") + "\n"))
    assert len(errors) == 1
    assert told in errors[0][2]


@pytest.mark.parametrize(
    ("state", "told"),
    [
        ("{store: valkey}", "needs its address. Give `url: redis://HOST:6379/0`."),
        ("{url: 'redis://x'}", "is the address of Valkey, which is not in use."),
    ],
)
def test_valkey_needs_an_address_and_an_address_needs_valkey(state: str, told: str) -> None:
    ((_, _, said),) = errors_of(written(f"state: {state}\n"))
    assert told in said
