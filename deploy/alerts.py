"""The alert rules for Prometheus, as data."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final, Literal


@dataclass(frozen=True, slots=True, kw_only=True)
class Alert:
    """One rule.

    Attributes:
        name: the alert's.
        expr: when it is true, in PromQL.
        lasts: for how long it must be.
        severity: `page` wakes somebody, `ticket` waits for the morning.
        summary: what is the matter, in one sentence.
        action: what to do.
    """

    name: str
    expr: str
    lasts: str
    severity: Literal["page", "ticket"]
    summary: str
    action: str


_REQUESTS: Final = "sum(rate(turnout_requests_total[15m]))"
_ENOUGH: Final = f"{_REQUESTS} > 0.02"
"""From about twenty requests in 15 minutes on, a share means something."""


def _share_escalated(over: str) -> str:
    """The share of each route's requests that escalate."""
    escalated = f"sum by (route) (rate(turnout_escalations_total[{over}]))"
    return f"{escalated} / sum by (route) (rate(turnout_requests_total[{over}]))"


ALERTS: Final = (
    Alert(
        name="TurnoutDown",
        expr="absent(turnout_processes) or turnout_processes == 0",
        lasts="2m",
        severity="page",
        summary="No turnout process tells its metrics.",
        action="Look whether the gateway runs, and whether Prometheus may scrape it.",
    ),
    Alert(
        name="TurnoutRequestsFail",
        expr=f'sum(rate(turnout_requests_total{{outcome=~"failed|partial"}}[15m])) / {_REQUESTS} > 0.05 and {_ENOUGH}',
        lasts="5m",
        severity="page",
        summary="{{ $value | humanizePercentage }} of the requests get no complete answer.",
        action="turnout decisions --outcome failed --since 15m",
    ),
    Alert(
        name="TurnoutShedsLoad",
        expr='sum(rate(turnout_turned_away_total{error="overloaded"}[5m])) > 0',
        lasts="5m",
        severity="page",
        summary="The gateway turns requests away, because it has no room.",
        action="Add workers, or raise server.limits.max_in_flight.",
    ),
    Alert(
        name="TurnoutBreakerOpen",
        expr="max by (target) (turnout_breaker_open) > 0",
        lasts="5m",
        severity="ticket",
        summary="The target {{ $labels.target }} keeps failing, and is left alone.",
        action="turnout decisions --fallbacks --since 15m",
    ),
    Alert(
        name="TurnoutFallsBack",
        expr=f"sum(rate(turnout_fallbacks_total[15m])) / {_REQUESTS} > 0.1 and {_ENOUGH}",
        lasts="10m",
        severity="ticket",
        summary="{{ $value | humanizePercentage }} of the requests need another target than the first.",
        action="turnout decisions --fallbacks --since 15m",
    ),
    Alert(
        name="TurnoutEscalationShifted",
        expr=(
            f"abs({_share_escalated('1h')} - {_share_escalated('1d')}) > 0.1"
            " and sum by (route) (rate(turnout_requests_total[1h])) > 0.02"
        ),
        lasts="30m",
        severity="ticket",
        summary="The route {{ $labels.route }} escalates at another rate than in the last day.",
        action="Look whether the questions have changed, or the model: its calibration may no longer hold.",
    ),
    Alert(
        name="TurnoutRetrainDue",
        expr="max by (route, artefact) (turnout_retrain_due) > 0",
        lasts="60m",
        severity="ticket",
        summary="What the route {{ $labels.route }} has learnt no longer fits its traffic: {{ $labels.artefact }}.",
        action="turnout drift says why; then turnout calibrate, or turnout train.",
    ),
    Alert(
        name="TurnoutSpendsFaster",
        expr=(
            "sum(rate(turnout_cost_usd_total[1h])) > 3 * sum(rate(turnout_cost_usd_total[1d]))"
            " and 3600 * sum(rate(turnout_cost_usd_total[1h])) > 1"
        ),
        lasts="15m",
        severity="ticket",
        summary="An hour costs three times as much as it did on average in the last day.",
        action="turnout decisions --since 1h --min-cost 0.01",
    ),
    Alert(
        name="TurnoutBudgetExhausted",
        expr='sum by (route) (rate(turnout_requests_total{error="budget_exhausted"}[15m])) > 0',
        lasts="5m",
        severity="ticket",
        summary="Requests of the route {{ $labels.route }} are refused, because a budget is used up.",
        action="turnout decisions --outcome refused --since 15m; raise the budget, or give the route a ladder.",
    ),
    Alert(
        name="TurnoutRateLimited",
        expr=f'sum(rate(turnout_requests_total{{error="rate_limited"}}[15m])) / {_REQUESTS} > 0.1 and {_ENOUGH}',
        lasts="15m",
        severity="ticket",
        summary="{{ $value | humanizePercentage }} of the requests are refused by rate limits.",
        action="turnout decisions --outcome refused --since 15m; see whose limit is too low, or who asks too fast.",
    ),
    Alert(
        name="TurnoutProviderSlow",
        expr=(
            "histogram_quantile(0.99, sum by (provider, le) (rate(turnout_first_token_seconds_bucket[15m]))) > 10"
            " and sum by (provider) (rate(turnout_first_token_seconds_count[15m])) > 0.02"
        ),
        lasts="10m",
        severity="ticket",
        summary="One in a hundred first tokens of {{ $labels.provider }} takes over {{ $value | humanizeDuration }}.",
        action="Shorten timeouts.first_token where another target can take over.",
    ),
    Alert(
        name="TurnoutLedgerBehind",
        expr="sum(turnout_ledger_behind_bytes) > 50e6 or sum(turnout_ledger_trouble) > 0",
        lasts="5m",
        severity="ticket",
        summary="Decisions stay in the journals: the ledger cannot take them in.",
        action="Look at the log and at the disk of the data directory. Nothing is lost yet.",
    ),
    Alert(
        name="TurnoutStateAway",
        expr="sum(turnout_state_trouble) > 0",
        lasts="1m",
        severity="ticket",
        summary="{{ $value }} processes count budgets and limits alone: what they share does not answer.",
        action="Look at Valkey and its memory. Until it answers, each gateway spends at most `alone` of each budget.",
    ),
    Alert(
        name="TurnoutCopyBehind",
        expr="sum(turnout_ledger_copy_trouble) > 0",
        lasts="5m",
        severity="ticket",
        summary="The copy of the ledger in Postgres is not written.",
        action="Look at the log and at Postgres. What it lacks is copied once it answers; nothing is lost.",
    ),
    Alert(
        name="TurnoutRecordsLost",
        expr="increase(turnout_records_lost_total[15m]) > 0",
        lasts="0m",
        severity="page",
        summary="Records could not be written, and are lost.",
        action="Make room on the disk of the data directory.",
    ),
    Alert(
        name="TurnoutReloadRefused",
        expr='increase(turnout_reloads_total{result="refused"}[15m]) > 0',
        lasts="0m",
        severity="ticket",
        summary="A changed configuration cannot be used; the one before stays.",
        action="turnout config check",
    ),
)


def rules() -> dict[str, Any]:
    """The file that Prometheus reads."""
    return {"groups": [{"name": "turnout", "rules": [_rule(alert) for alert in ALERTS]}]}


def _rule(alert: Alert) -> dict[str, Any]:
    return {
        "alert": alert.name,
        "expr": alert.expr,
        "for": alert.lasts,
        "labels": {"severity": alert.severity},
        "annotations": {"summary": alert.summary, "action": alert.action},
    }
