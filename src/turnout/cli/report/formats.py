"""A report for machines: JSON and CSV."""

from __future__ import annotations

import csv
import io
from collections.abc import Sequence
from decimal import Decimal
from typing import Any, Final

import msgspec

from turnout.insight.latency import Calls
from turnout.insight.report import Line, Report
from turnout.insight.sums import Summary

_FORMULA: Final = ("=", "+", "-", "@", "\t", "\r")
_COLUMNS: Final = (
    "decisions",
    "cost_usd",
    "cost_usd_before",
    "unpriced",
    "compared",
    "baseline_cost_usd",
    "saved_usd",
    "router_cost_usd",
    "fallbacks",
    "escalations",
    "cached",
    "attempts",
    "input_tokens",
    "output_tokens",
    "ratings",
    "rating",
)


def as_json(report: Report, due: Sequence[str] = ()) -> bytes:
    """The whole report as one JSON object; amounts are numbers in USD, latencies in ms, times ISO 8601 in UTC."""
    whole = {
        "since": report.since.isoformat(),
        "until": report.until.isoformat(),
        "by": report.by,
        "total": _line(report.total),
        "lines": [dict(zip(report.by, line.key, strict=True)) | _line(line) for line in report.lines],
        "steps": [{"start": start.isoformat()} | _summary(each) for start, each in report.steps.items()],
        "latency_ms": _latency(report),
        "calls": [_calls(*key, each) for key, each in report.calls.items()],
        "errors": report.errors,
        "retrain_due": due,
    }
    return msgspec.json.encode(whole, enc_hook=str)


def as_csv(report: Report) -> str:
    """The lines as CSV with a header; of a report by nothing, the total. No cell is taken for a formula."""
    written = io.StringIO()
    writer = csv.writer(written, lineterminator="\n")
    writer.writerow([*report.by, *_COLUMNS])
    for line in report.lines or [report.total]:
        now = _summary(line.now) | {"cost_usd_before": line.before.cost_usd}
        writer.writerow([*(safe_cell(value or "") for value in line.key), *(_cell(now[name]) for name in _COLUMNS)])
    return written.getvalue()


def safe_cell(text: str) -> str:
    """The text, behind a quotation mark where a spreadsheet would take it for a formula (OWASP, "CSV Injection")."""
    return f"'{text}" if text.startswith(_FORMULA) else text


def _cell(value: object) -> str:
    if value is None:
        return ""
    return f"{value:f}" if isinstance(value, Decimal) else str(value)


def _line(line: Line) -> dict[str, Any]:
    return _summary(line.now) | {"before": _summary(line.before)}


def _summary(summary: Summary) -> dict[str, Any]:
    return msgspec.structs.asdict(summary)


def _latency(report: Report) -> dict[str, Any]:
    latency = report.latency
    parts = (("total", latency.total), ("first_token", latency.first_token), ("overhead", latency.overhead))
    return {"answered": latency.number} | {name: each._asdict() for name, each in parts}


def _calls(provider: str, target: str, each: Calls) -> dict[str, Any]:
    whole = msgspec.structs.asdict(each)
    whole["first_token"], whole["total"] = each.first_token._asdict(), each.total._asdict()
    return {"provider": provider, "target": target} | whole
