"""`turnout report --explain-change`: why the cost changed between two periods."""

from __future__ import annotations

import re
from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal
from typing import Any, Final

import msgspec
from rich.console import Console
from rich.table import Table
from rich.text import Text

from turnout.cli.decision_words import plain
from turnout.cli.report import figures
from turnout.errors import ConfigError
from turnout.insight.amount_words import usd
from turnout.insight.cost_change import Contribution, Explained
from turnout.insight.spend import Period

_DAY: Final = timedelta(days=1)
_FIX: Final = "Write 2026-11 (a month), 2026-11-05 (a day), 2026-11-01..2026-11-07, today, yesterday, this-week, last-week, this-month or last-month."  # noqa: E501 - one sentence
_SHOWN: Final = 3
_BAR: Final = 20


def parse_period(written: str, today: date) -> Period:
    """The whole days in UTC that a word or date stands for.

    Raises:
        ConfigError: it stands for none.
    """
    text = written.strip().lower()
    try:
        if ".." in text:
            first, _, last = text.partition("..")
            return _days(date.fromisoformat(first), date.fromisoformat(last) + _DAY)
        if re.fullmatch(r"\d{4}-\d{2}", text):
            return _month(date.fromisoformat(f"{text}-01"))
        named = _named(text, today)
        return named or _days(date.fromisoformat(text), date.fromisoformat(text) + _DAY)
    except ValueError as error:
        raise ConfigError(f"'{written}' is no period.", fix=_FIX) from error


def print_change(console: Console, found: Explained) -> None:
    """Print why the cost changed."""
    console.print(Text(f"{_named_period(found.before)}: {usd(found.cost_before)}"))
    console.print(Text(f"{_named_period(found.after)}: {usd(found.cost_after)}"))
    console.print(Text(f"changed by {_signed(found.change_usd)}{_percent(found)}, because of", "bold"))
    console.print()
    table = Table(box=None, pad_edge=False, header_style="dim")
    for title in ("cause", "USD", ""):
        table.add_column(title, justify="right" if title == "USD" else "left", no_wrap=True)
    table.add_column("most of it")
    most = max(abs(amount) for amount in found.causes.values())
    for cause, amount in sorted(found.causes.items(), key=lambda each: -abs(each[1])):
        told = ", ".join(_contributed(each) for each in found.contributions[cause][:_SHOWN])
        table.add_row(cause, _signed(amount), _bar(amount, most), Text(told, "dim") if amount else "")
    table.add_row("together", _signed(found.change_usd), "", "", style="bold")
    console.print(table)
    if found.unpriced_before or found.unpriced_after:
        told = f"{found.unpriced_before:,} and {found.unpriced_after:,} calls of unknown price are left out."
        console.print(Text(told, "dim"))


def change_json(found: Explained) -> bytes:
    """The same as one JSON object; amounts in USD."""
    whole: dict[str, Any] = msgspec.structs.asdict(found)
    for name in ("before", "after"):
        whole[name] = {edge: moment.isoformat() for edge, moment in whole[name]._asdict().items()}
    return msgspec.json.encode(whole | {"change_usd": found.change_usd})


def _named(text: str, today: date) -> Period | None:
    monday = today - timedelta(days=today.weekday())
    match text:
        case "today":
            return _days(today, today + _DAY)
        case "yesterday":
            return _days(today - _DAY, today)
        case "this-week":
            return _days(monday, monday + 7 * _DAY)
        case "last-week":
            return _days(monday - 7 * _DAY, monday)
        case "this-month":
            return _month(today)
        case "last-month":
            return _month(today.replace(day=1) - _DAY)
    return None


def _month(day: date) -> Period:
    first = day.replace(day=1)
    return _days(first, (first + timedelta(days=31)).replace(day=1))


def _days(first: date, until: date) -> Period:
    if first >= until:
        raise ValueError("a period ends after it begins")
    return Period(datetime.combine(first, time(), UTC), datetime.combine(until, time(), UTC))


def _named_period(period: Period) -> str:
    last = period.until - _DAY
    days = (period.until - period.since).days
    told = f"{period.since:%-d %b %Y}" if days == 1 else f"{period.since:%-d %b %Y} – {last:%-d %b %Y}"
    return f"{told} ({days} {'day' if days == 1 else 'days'}, UTC)"


def _signed(amount: Decimal) -> str:
    return ("+" if amount > 0 else "") + usd(amount).replace("-", "−")


def _percent(found: Explained) -> str:
    return f" ({figures.signed_percent(found.change_usd / found.cost_before)})" if found.cost_before else ""


def _bar(amount: Decimal, most: Decimal) -> Text:
    length = round(_BAR * float(abs(amount) / most)) if most else 0
    return Text("█" * length, "red" if amount > 0 else "green")


def _contributed(each: Contribution) -> str:
    names = "/".join(plain(name) for name in (each.tenant, each.route, each.target) if name)
    return f"{names} {_signed(each.usd)}"
