"""`turnout forecast`: what each tenant will have spent by the end of the month, beside its budget and its revenue."""

from __future__ import annotations

import os
from collections.abc import Mapping
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path
from typing import Annotated, Final

import msgspec
import typer
from rich.console import Console
from rich.table import Table
from rich.text import Text

from turnout.cli.decision_words import plain
from turnout.cli.ledger_copy import Ledger
from turnout.cli.ledger_options import Data, opened
from turnout.cli.screen import screen
from turnout.config.load import find_data_directory, find_file, load_config
from turnout.config.tenancy import desk_of
from turnout.insight.amount_words import usd
from turnout.insight.forecast import Forecast, forecasts
from turnout.types.clock import SystemClock
from turnout.types.tenant import Period, Tenant

_NONE: Final = "–"


class Row(msgspec.Struct, frozen=True, kw_only=True):
    """A tenant's forecast, and what it is held against.

    Attributes:
        tenant: its name.
        forecast: the forecast.
        budget_usd: the least of its budgets for a month; None without one.
        revenue_usd: what it pays in a month; None where that is not told.
    """

    tenant: str
    forecast: Forecast
    budget_usd: Decimal | None
    revenue_usd: Decimal | None

    @property
    def verdict(self) -> str:
        """What is to be expected of budget and revenue, in words; empty for nothing."""
        told = (("over budget", self.budget_usd), ("dearer than its revenue", self.revenue_usd))
        return ", ".join(filter(None, (self._beyond(what, bound) for what, bound in told)))

    def _beyond(self, what: str, bound: Decimal | None) -> str:
        expected = self.forecast.usd if self.forecast.usd is not None else self.forecast.spent_usd
        if bound is None or max(expected, self.forecast.high_usd or expected) <= bound:
            return ""
        surely = (self.forecast.low_usd or self.forecast.spent_usd) > bound
        return what if surely else f"likely {what}" if expected > bound else f"possibly {what}"


def forecast(
    tenant: Annotated[str | None, typer.Argument(help="One tenant; all of them if none is given.")] = None,
    *,
    config: Annotated[
        Path | None, typer.Option("--config", "-c", help="The configuration, for budgets and revenue.")
    ] = None,
    data: Data = None,
    ledger: Ledger = None,
    json: Annotated[bool, typer.Option("--json", help="JSON for machines.")] = False,
) -> None:
    """Forecast what each tenant will have spent by the end of the month (UTC), with an interval of 95 %.

    From its last 28 days: the mean of each weekday, times those that are left. Knows of no trend.

    \b
    turnout forecast
    turnout forecast acme --json
    """  # noqa: D301 - \b keeps the lines as they are
    store, now = opened(find_data_directory(data, config=config), ledger, config=config), datetime.now(UTC)
    tenants, found = _tenants(config, data), forecasts(store, now=now)
    rows = [_row(name, each, tenants.get(name)) for name, each in found.items() if tenant in {None, name}]
    rows.sort(key=lambda row: (-(row.forecast.usd or row.forecast.spent_usd), row.tenant))
    if json:
        typer.echo(
            msgspec.json.encode([msgspec.to_builtins(row, enc_hook=str) | {"verdict": row.verdict} for row in rows])
        )
    else:
        _print(screen(), rows, now)


def _tenants(config: Path | None, data: Path | None) -> Mapping[str, Tenant]:
    """The tenants that are known, by name; none without a configuration that has any."""
    if find_file(config, os.environ) is None:
        return {}
    loaded = load_config(config, keyless=True)
    if loaded.config.tenants is None:
        return {}
    return {each.name: each for each in desk_of(loaded, loaded.data_directory(data), SystemClock()).tenants()}


def _row(name: str, found: Forecast, tenant: Tenant | None) -> Row:
    budgets = tenant.budgets if tenant else ()
    monthly = [each.usd for each in budgets if each.per is Period.MONTH and each.of == "tenant" and not each.revenue]
    return Row(
        tenant=name,
        forecast=found,
        budget_usd=min(monthly, default=None),
        revenue_usd=tenant.revenue_usd if tenant else None,
    )


def _print(console: Console, rows: list[Row], now: datetime) -> None:
    if not rows:
        console.print("Nothing was spent this month or in the last 28 days, so that there is nothing to forecast from.")
        return
    console.print(Text(f"{now:%B %Y}, as of {now:%-d %b %H:%M} UTC", "bold"))
    table = Table(box=None, pad_edge=False, header_style="dim")
    for title in ("tenant", "spent", "by the end", "95 %", "budget", "revenue", ""):
        table.add_column(title, justify="left" if title in {"tenant", ""} else "right")
    for row in rows:
        told = row.forecast
        amounts = (told.spent_usd, told.usd, told.low_usd, told.high_usd, row.budget_usd, row.revenue_usd)
        spent, end, low, high, budget, revenue = (_amount(each) for each in amounts)
        span = f"{low} to {high}" if told.low_usd is not None else _NONE
        unknown = " + ?" if told.unpriced else ""
        table.add_row(
            plain(row.tenant), spent + unknown, end + unknown, span, budget, revenue, Text(row.verdict, "yellow")
        )
    console.print(table)
    for line in _caveats(rows):
        console.print(Text(line, "dim"))


def _amount(amount: Decimal | None) -> str:
    """In cents, but for what is less than one."""
    if amount is None:
        return _NONE
    return f"${amount:,.2f}" if amount >= Decimal("0.01") else usd(amount)


def _caveats(rows: list[Row]) -> list[str]:
    told = []
    if any(row.forecast.low_usd is None for row in rows):
        told.append("An interval needs four whole days of a tenant's traffic, a forecast needs one.")
    if any(row.forecast.unpriced for row in rows):
        told.append("Where a question mark stands, requests of unknown cost are in no amount.")
    return told
