"""`turnout reconcile`: a provider's bill held against the ledger."""

from __future__ import annotations

import sys
from dataclasses import dataclass
from datetime import UTC, date, datetime
from decimal import Decimal, InvalidOperation
from pathlib import Path
from typing import Annotated, Any, Final

import msgspec
import typer
from rich.console import Console
from rich.progress import Progress
from rich.table import Table
from rich.text import Text

from turnout.cli.decision_words import plain
from turnout.cli.ledger_copy import Ledger
from turnout.cli.ledger_options import Data, opened
from turnout.cli.options import spread
from turnout.cli.report.figures import signed_percent
from turnout.cli.screen import screen
from turnout.config.load import find_data_directory
from turnout.errors import ConfigError
from turnout.insight import reconcile as held
from turnout.insight.bill import Bill, merged, read_bill
from turnout.insight.reconcile import Reconciled, Row
from turnout.ledger.store import Store

_FINDING: Final = 1
_ISSUERS: Final = {"openai": "OpenAI", "anthropic": "Anthropic"}
_LIMIT: Final = 20


@dataclass(frozen=True, kw_only=True)
class Asked:
    """The options that choose what is compared."""

    tolerance: Annotated[str, typer.Option(help="Up to which part of a day's and model's cost a gap is none.")] = "1%"
    provider: Annotated[
        list[str] | None, typer.Option(help="Hold it against the calls to this provider of the configuration.")
    ] = None
    only: Annotated[
        list[str] | None,
        typer.Option(metavar="COLUMN=VALUE", help="Only lines of the bill that say so: api_key=gateway."),
    ] = None

    @property
    def share(self) -> Decimal:
        """The tolerance as a number."""
        number = self.tolerance.strip().removesuffix("%")
        try:
            share = Decimal(number) / (100 if self.tolerance.strip().endswith("%") else 1)
        except InvalidOperation:
            share = Decimal(-1)
        if not (share.is_finite() and 0 <= share < 1):
            raise ConfigError(f"--tolerance {self.tolerance} is no share.", fix="Write 1% or 0.01.")
        return share

    @property
    def columns(self) -> dict[str, str]:
        """What lines of the bill must say."""
        found = {}
        for written in self.only or []:
            column, equals, value = written.partition("=")
            if not equals:
                raise ConfigError(f"--only {written} names no value.", fix="Write --only COLUMN=VALUE.")
            found[column.strip().lower()] = value.strip()
        return found


@spread("asked")
def reconcile(
    *,
    bills: Annotated[list[Path], typer.Argument(metavar="BILL.csv...", help="A usage or cost export, or both.")],
    asked: Asked,
    limit: Annotated[int, typer.Option(min=1, help="Show so many gaps, the largest first.")] = _LIMIT,
    json: Annotated[bool, typer.Option("--json", help="One JSON object, with every day and model.")] = False,
    data: Data = None,
    ledger: Ledger = None,
) -> None:
    """Compare recorded spend with a provider's usage or cost export, by day (UTC) and model.

    Takes the CSV files that the consoles of OpenAI and Anthropic export. Exits with 1 where there is a gap.

    \b
    turnout reconcile cost_2026-11.csv
    turnout reconcile claude_cost.csv claude_tokens.csv --tolerance 0.5%
    turnout reconcile usage.csv --only api_key_id=key_1 --provider openai --json
    """  # noqa: D301 - the backspace itself is what keeps the lines apart
    share = asked.share
    bill = merged([read_bill(path, only=asked.columns) for path in bills])
    found = _compared(opened(find_data_directory(data), ledger), bill, share, frozenset(asked.provider or ()))
    if json:
        typer.echo(_json(found))
    else:
        _print(screen(), found, limit)
    if not found.agrees:
        raise typer.Exit(_FINDING)


def _compared(store: Store, bill: Bill, tolerance: Decimal, providers: frozenset[str]) -> Reconciled:
    today = datetime.now(UTC).date()
    with Progress(console=Console(stderr=True), transient=True, disable=not sys.stderr.isatty()) as bar:
        task = bar.add_task("Reading decisions", total=None)
        return held.reconcile(
            store,
            bill,
            today=today,
            tolerance=tolerance,
            providers=providers,
            progress=lambda further: bar.advance(task, further),
        )


def _json(found: Reconciled) -> bytes:
    whole: dict[str, Any] = msgspec.structs.asdict(found)
    whole["agrees"] = found.agrees
    return msgspec.json.encode(whole)


def _print(console: Console, found: Reconciled, limit: int) -> None:
    against = (
        ", ".join(plain(name) for name in found.providers) or "no provider: the ledger has no call of these models"
    )
    title = (
        f"{_ISSUERS[found.issuer]}'s bill of {_day(found.first)} – {_day(found.last)}, held against calls to {against}"
    )
    console.print(Text(title, "bold"))
    for unit in ("USD", "tokens"):
        billed, recorded = found.total(unit)
        if billed or recorded:
            told = (
                f"billed {_amount(billed, unit)}, recorded {_amount(recorded, unit)}: {_gap(billed - recorded, unit)}"
            )
            console.print(Text(told + (f" ({_percent((billed - recorded) / billed)})" if billed else "")))
    gaps = sorted((row for row in found.rows if not row.agrees), key=lambda row: (row.unit, -abs(row.gap)))
    agreeing = len(found.rows) - len(gaps)
    within = f"{float(found.tolerance * 100):g} %"
    told = f"{agreeing:,} of {len(found.rows):,} days and models agree within {within}."
    console.print(Text(told, "yellow" if gaps else "green"))
    if gaps:
        console.print()
        console.print(_table(gaps[:limit]))
        if len(gaps) > limit:
            console.print(Text(f"... and {len(gaps) - limit:,} further gaps (--limit).", "dim"))
        console.print()
        _print_causes(console, gaps[:limit])


def _table(rows: list[Row]) -> Table:
    table = Table(box=None, pad_edge=False, header_style="dim")
    for title in ("day", "model", "billed", "recorded", "gap", "", "likely cause"):
        numeric = title in {"billed", "recorded", "gap", ""}
        table.add_column(title, justify="right" if numeric else "left", no_wrap=title != "model", overflow="fold")
    for row in rows:
        share = "–" if row.share is None else _percent(row.share)
        amounts = (_amount(row.billed, row.unit), _amount(row.recorded, row.unit), _gap(row.gap, row.unit))
        kind = row.causes[0].kind.replace("_", " ") if row.causes else ""
        table.add_row(f"{row.day}", Text(plain(row.model)), *amounts, share, kind)
    return table


def _print_causes(console: Console, gaps: list[Row]) -> None:
    """Each likely cause of each model's, with the largest gap that it explains."""
    shown: set[tuple[str, str]] = set()
    for row in gaps:
        for cause in row.causes:
            if (cause.kind, row.model) not in shown:
                shown.add((cause.kind, row.model))
                told = Text(f"{cause.kind.replace('_', ' ')}: ", "bold")
                console.print(told.append(f"{plain(row.model)}, {_day(row.day)}: {plain(cause.told)}.", "not bold"))


def _amount(amount: Decimal, unit: str) -> str:
    return f"${amount:,.2f}" if unit == "USD" else f"{amount:,f} tokens"


def _gap(gap: Decimal, unit: str) -> str:
    return f"{'+' if gap > 0 else '−' if gap < 0 else '±'}{_amount(abs(gap), unit)}"


def _percent(share: Decimal) -> str:
    if abs(share) >= Decimal("0.1"):
        return signed_percent(share)
    return f"{share * 100:+.1f} %".replace("-", "−")


def _day(day: date) -> str:
    return f"{day:%-d %b %Y}"
