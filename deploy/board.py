"""The Grafana dashboard, as data."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Final

_WIDTH: Final = 24
_HEIGHT: Final = 8
_SOURCE: Final = {"type": "prometheus", "uid": "${source}"}
_WHERE: Final = 'route=~"$route"'
_ANSWERED: Final = _WHERE + ', outcome="answered"'
_BY_SOMEBODY: Final = _WHERE + ', target!=""'
_FAILED: Final = 'outcome="failed"'


@dataclass(frozen=True, slots=True)
class Panel:
    """One panel.

    Attributes:
        title: what it shows.
        unit: Grafana's name of the unit.
        queries: PromQL by the legend of its series.
        kind: `timeseries` or `stat`.
    """

    title: str
    unit: str
    queries: dict[str, str]
    kind: str = "timeseries"


def _rate(metric: str, where: str = "") -> str:
    return f"rate({metric}{{{where}}}[$__rate_interval])" if where else f"rate({metric}[$__rate_interval])"


def _quantile(share: float, metric: str, by: str, where: str = "") -> str:
    grouped = f"{by}, le" if by else "le"
    return f"histogram_quantile({share}, sum by ({grouped}) ({_rate(metric, where)}))"


_ALL: Final = f"sum({_rate('turnout_requests_total', _WHERE)})"

ROWS: Final[dict[str, tuple[Panel, ...]]] = {
    "Now": (
        Panel("Requests", "reqps", {"": _ALL}, "stat"),
        Panel(
            "Answered",
            "percentunit",
            {"": f"sum({_rate('turnout_requests_total', _ANSWERED)}) / {_ALL}"},
            "stat",
        ),
        Panel(
            "Spending, an hour", "currencyUSD", {"": f"3600 * sum({_rate('turnout_cost_usd_total', _WHERE)})"}, "stat"
        ),
        Panel("Under way", "short", {"": "sum(turnout_requests_in_flight)"}, "stat"),
    ),
    "Traffic": (
        Panel(
            "Requests by route", "reqps", {"{{route}}": f"sum by (route) ({_rate('turnout_requests_total', _WHERE)})"}
        ),
        Panel(
            "Requests by outcome",
            "reqps",
            {"{{outcome}} {{error}}": f"sum by (outcome, error) ({_rate('turnout_requests_total', _WHERE)})"},
        ),
        Panel(
            "Who answers",
            "reqps",
            {"{{target}}": f"sum by (target) ({_rate('turnout_requests_total', _BY_SOMEBODY)})"},
        ),
        Panel(
            "Which rule decides",
            "reqps",
            {"{{route}} {{rule}}": f"sum by (route, rule) ({_rate('turnout_rule_requests_total', _WHERE)})"},
        ),
    ),
    "Detours": (
        Panel(
            "Share that falls back, or escalates",
            "percentunit",
            {
                "fallbacks": f"sum({_rate('turnout_fallbacks_total', _WHERE)}) / {_ALL}",
                "escalations": f"sum({_rate('turnout_escalations_total', _WHERE)}) / {_ALL}",
            },
        ),
        Panel(
            "Failed attempts",
            "reqps",
            {"{{target}} {{error}}": f"sum by (target, error) ({_rate('turnout_attempts_total', _FAILED)})"},
        ),
        Panel("Processes whose breaker is open", "short", {"{{target}}": "sum by (target) (turnout_breaker_open)"}),
        Panel("Turned away", "reqps", {"{{error}}": f"sum by (error) ({_rate('turnout_turned_away_total')})"}),
    ),
    "Time": (
        Panel(
            "Request",
            "s",
            {
                f"p{share * 100:g}": _quantile(share, "turnout_request_duration_seconds_bucket", "", _WHERE)
                for share in (0.5, 0.95, 0.99)
            },
        ),
        Panel(
            "First token, 99th percentile",
            "s",
            {"{{provider}}": _quantile(0.99, "turnout_first_token_seconds_bucket", "provider")},
        ),
        Panel(
            "turnout's own",
            "s",
            {f"p{share * 100:g}": _quantile(share, "turnout_overhead_seconds_bucket", "") for share in (0.5, 0.99)},
        ),
    ),
    "Money": (
        Panel(
            "Spending by target, an hour",
            "currencyUSD",
            {"{{target}}": f"3600 * sum by (target) ({_rate('turnout_cost_usd_total', _WHERE)})"},
        ),
        Panel(
            "Spending against the baseline, an hour",
            "currencyUSD",
            {
                "spent": f"3600 * sum({_rate('turnout_compared_cost_usd_total', _WHERE)})",
                "baseline": f"3600 * sum({_rate('turnout_baseline_cost_usd_total', _WHERE)})",
            },
        ),
        Panel(
            "Spending by tenant, an hour",
            "currencyUSD",
            {"{{tenant}}": f"3600 * sum by (tenant) ({_rate('turnout_tenant_cost_usd_total')})"},
        ),
        Panel("Tokens", "short", {"{{kind}}": f"sum by (kind) ({_rate('turnout_tokens_total')})"}),
    ),
    "Quality": (
        Panel(
            "Score that users give",
            "percentunit",
            {
                "{{route}}": f"sum by (route) ({_rate('turnout_feedback_score_sum', _WHERE)})"
                f" / sum by (route) ({_rate('turnout_feedback_score_count', _WHERE)})"
            },
        ),
        Panel("Feedback", "reqps", {"{{route}}": f"sum by (route) ({_rate('turnout_feedback_total', _WHERE)})"}),
    ),
    "The gateway": (
        Panel("Ledger behind", "bytes", {"": "sum(turnout_ledger_behind_bytes)"}),
        Panel("Records lost", "short", {"": "increase(turnout_records_lost_total[$__rate_interval])"}),
        Panel(
            "Processes, by configuration",
            "short",
            {"{{version}}": "sum by (version) (turnout_config_info)"},
        ),
    ),
}


def board() -> dict[str, Any]:
    """The dashboard as Grafana imports it."""
    return {
        "title": "turnout",
        "uid": "turnout",
        "tags": ["turnout"],
        "schemaVersion": 39,
        "editable": True,
        "refresh": "30s",
        "time": {"from": "now-6h", "to": "now"},
        "templating": {"list": [_source(), _route()]},
        "panels": list(_panels()),
    }


def _panels() -> Iterator[dict[str, Any]]:
    top = identity = 0
    for title, panels in ROWS.items():
        identity += 1
        yield {
            "id": identity,
            "type": "row",
            "title": title,
            "collapsed": False,
            "panels": [],
            "gridPos": {"x": 0, "y": top, "w": _WIDTH, "h": 1},
        }
        height = _HEIGHT // 2 if panels[0].kind == "stat" else _HEIGHT
        width = _WIDTH // len(panels)
        for place, panel in enumerate(panels):
            identity += 1
            yield _panel(panel, identity, {"x": place * width, "y": top + 1, "w": width, "h": height})
        top += 1 + height


def _panel(panel: Panel, identity: int, place: dict[str, int]) -> dict[str, Any]:
    return {
        "id": identity,
        "type": panel.kind,
        "title": panel.title,
        "datasource": _SOURCE,
        "gridPos": place,
        "fieldConfig": {"defaults": {"unit": panel.unit, "min": 0}, "overrides": []},
        "targets": [
            {
                "refId": chr(ord("A") + number),
                "datasource": _SOURCE,
                "expr": expr,
                "legendFormat": legend or panel.title,
            }
            for number, (legend, expr) in enumerate(panel.queries.items())
        ],
    }


def _source() -> dict[str, Any]:
    return {"name": "source", "label": "Prometheus", "type": "datasource", "query": "prometheus"}


def _route() -> dict[str, Any]:
    return {
        "name": "route",
        "label": "Route",
        "type": "query",
        "datasource": _SOURCE,
        "query": "label_values(turnout_requests_total, route)",
        "refresh": 2,
        "includeAll": True,
        "multi": True,
        "allValue": ".*",
        "current": {"text": "All", "value": "$__all"},
    }
