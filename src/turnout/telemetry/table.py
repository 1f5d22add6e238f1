"""Every metric, as data: its name, what it means, and its labels. The reference page is made from this table.

A label's values are names of the configuration, or words of our own: never something that a caller or a provider says.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final, Literal

Kind = Literal["counter", "gauge", "histogram"]

OTHER: Final = "other"
"""Stands for every name that the configuration does not know."""
NONE: Final = ""
"""Where there is nothing to name: no target answered, no error."""
PICO: Final = 1e-12


@dataclass(frozen=True, slots=True)
class Metric:
    """One metric.

    Attributes:
        name: as Prometheus shows it.
        kind: what it is.
        help: what it means.
        labels: the names of its labels.
        buckets: a histogram's upper bounds.
        scale: what one counted unit is worth. Amounts are counted in pico-USD, so that their sums are exact.
    """

    name: str
    kind: Kind
    help: str
    labels: tuple[str, ...] = ()
    buckets: tuple[float, ...] = ()
    scale: float = 1.0

    @property
    def cells(self) -> int:
        """How many numbers one series takes: of a histogram each bucket, those above them all, and the sum."""
        return len(self.buckets) + 2 if self.kind == "histogram" else 1


_SECONDS: Final = (0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 20.0, 30.0, 60.0, 120.0, 300.0)
_OVERHEAD: Final = (0.0001, 0.00025, 0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.5)

REQUESTS: Final = Metric(
    "turnout_requests_total",
    "counter",
    "Requests that have ended, each with its record. `target` answered, or is empty; `error` is the error's kind, or "
    "empty.",
    ("route", "target", "outcome", "error"),
)
RULES: Final = Metric(
    "turnout_rule_requests_total", "counter", "Requests that a rule of the route decided.", ("route", "rule")
)
FLAGS: Final = Metric(
    "turnout_flag_requests_total",
    "counter",
    "Requests that looked at a feature flag, by what it was for them; after `observe:` where that was not applied.",
    ("flag", "variant"),
)
TENANT_REQUESTS: Final = Metric(
    "turnout_tenant_requests_total",
    "counter",
    "Requests by tenant; those of tenants that the configuration does not name are `other`.",
    ("tenant", "outcome"),
)
TENANT_COST: Final = Metric(
    "turnout_tenant_cost_usd_total", "counter", "What a tenant's requests cost, in USD.", ("tenant",), scale=PICO
)
FALLBACKS: Final = Metric(
    "turnout_fallbacks_total",
    "counter",
    "Requests for which an earlier candidate failed, or its breaker was open.",
    ("route",),
)
ESCALATIONS: Final = Metric(
    "turnout_escalations_total",
    "counter",
    "Requests for which an answer was discarded and another target was asked.",
    ("route",),
)
SHIFTED: Final = Metric(
    "turnout_calibration_shifted",
    "gauge",
    "In how many processes the traffic is another than what a calibration of the route was fitted on, so that its "
    "promise holds no more.",
    ("route",),
)
RETRAIN_DUE: Final = Metric(
    "turnout_retrain_due",
    "gauge",
    "In how many processes the last look at the route's latest decisions found that what it has learnt is to be "
    "calibrated or trained anew: `turnout drift` says why. Looked at every 15 minutes.",
    ("route", "artefact"),
)
HEDGES: Final = Metric(
    "turnout_hedges_total", "counter", "Requests with a call beside a silent one; `won`: it answered.", ("route", "won")
)
COST: Final = Metric(
    "turnout_cost_usd_total",
    "counter",
    "What attempts cost, in USD: failed, cancelled and discarded ones included. Unknown prices are not in it.",
    ("route", "target", "provider"),
    scale=PICO,
)
ROUTER_COST: Final = Metric(
    "turnout_router_cost_usd_total",
    "counter",
    "The part of the cost that routing itself took, in USD: failed, discarded and judging attempts.",
    ("route",),
    scale=PICO,
)
COMPARED_COST: Final = Metric(
    "turnout_compared_cost_usd_total",
    "counter",
    "What the requests cost, in USD, whose cost and baseline cost are both known.",
    ("route",),
    scale=PICO,
)
BASELINE_COST: Final = Metric(
    "turnout_baseline_cost_usd_total",
    "counter",
    "What the same requests would have cost at their route's baseline, in USD. Less the compared cost: what was saved.",
    ("route",),
    scale=PICO,
)
UNPRICED: Final = Metric(
    "turnout_unpriced_attempts_total", "counter", "Attempts whose price is unknown.", ("target", "provider")
)
ATTEMPTS: Final = Metric(
    "turnout_attempts_total",
    "counter",
    "Calls to targets. `error` is the class of the failure, or empty.",
    ("target", "provider", "purpose", "outcome", "error"),
)
RETRIES: Final = Metric(
    "turnout_retries_total", "counter", "Attempts that called the same target again after a failure.", ("target",)
)
DROPPED: Final = Metric(
    "turnout_dropped_candidates_total",
    "counter",
    "Candidates that were ruled out before any call.",
    ("target", "reason"),
)
TOKENS: Final = Metric(
    "turnout_tokens_total",
    "counter",
    "Tokens of all attempts. `cached` and `cache_write` are parts of `input`, `reasoning` is a part of `output`.",
    ("target", "provider", "kind"),
)
DURATION: Final = Metric(
    "turnout_request_duration_seconds",
    "histogram",
    "From the admission of a request to its answer's last byte.",
    ("route",),
    _SECONDS,
)
OVERHEAD: Final = Metric(
    "turnout_overhead_seconds", "histogram", "The part of a request's time that was turnout's own.", (), _OVERHEAD
)
FIRST_TOKEN: Final = Metric(
    "turnout_first_token_seconds",
    "histogram",
    "From the start of an attempt to its first meaningful token.",
    ("target", "provider"),
    _SECONDS,
)
ATTEMPT_DURATION: Final = Metric(
    "turnout_attempt_duration_seconds",
    "histogram",
    "From the start of an attempt to its end.",
    ("target", "provider"),
    _SECONDS,
)
SHADOWS: Final = Metric(
    "turnout_shadows_total",
    "counter",
    "Requests that were asked again beside their answer, to compare, and judges that were asked about an answer. No "
    "other count of requests has them.",
    ("route", "target", "purpose", "outcome"),
)
SHADOW_COST: Final = Metric(
    "turnout_shadow_cost_usd_total",
    "counter",
    "What they cost, in USD. A part of the router's cost.",
    ("route",),
    scale=PICO,
)
SHADOWS_DROPPED: Final = Metric(
    "turnout_shadows_dropped_total",
    "counter",
    "What was to be asked beside the traffic and was not: `queue_full`, `shadow.daily_usd`, "
    "`evidence.judge.daily_usd`, `price_unknown`, `stopping`.",
    ("route", "reason"),
)
FEEDBACK: Final = Metric(
    "turnout_feedback_total", "counter", "How often somebody said something of an answer.", ("route",)
)
SCORE: Final = Metric(
    "turnout_feedback_score",
    "histogram",
    "The scores that were given, 0 to 1; thumbs up is 1, thumbs down 0.",
    ("route",),
    (0.0, 0.25, 0.5, 0.75, 1.0),
)
TURNED_AWAY: Final = Metric(
    "turnout_turned_away_total",
    "counter",
    "Requests that were refused before they became a decision, by the error's kind: `overloaded` where the gateway "
    "had no room.",
    ("error",),
)
LOST: Final = Metric("turnout_records_lost_total", "counter", "Records that could not be written into the journal.")
BREAKERS: Final = Metric(
    "turnout_breaker_transitions_total", "counter", "Changes of a target's circuit breaker.", ("target", "state")
)
RELOADS: Final = Metric(
    "turnout_reloads_total",
    "counter",
    "Changes of the configuration while the process ran: `accepted` or `refused`.",
    ("result",),
)

PROCESSES: Final = Metric("turnout_processes", "gauge", "Processes that serve or use the data directory.")
IN_FLIGHT: Final = Metric("turnout_requests_in_flight", "gauge", "Requests that have begun and have no record yet.")
BREAKER_OPEN: Final = Metric(
    "turnout_breaker_open", "gauge", "In how many processes the target's breaker is not closed.", ("target",)
)
BEHIND: Final = Metric(
    "turnout_ledger_behind_bytes", "gauge", "Bytes of journals that have not been taken into the ledger yet."
)
TROUBLE: Final = Metric("turnout_ledger_trouble", "gauge", "Processes that cannot write to the ledger at the moment.")
STATE_TROUBLE: Final = Metric(
    "turnout_state_trouble",
    "gauge",
    "Processes that cannot reach the counters which they share with others, and count budgets and limits alone.",
)
COPY_BEHIND: Final = Metric(
    "turnout_ledger_copy_behind", "gauge", "Decisions that are not in the ledger's copy in Postgres yet, about."
)
COPY_TROUBLE: Final = Metric(
    "turnout_ledger_copy_trouble",
    "gauge",
    "Processes that cannot write to the copy in Postgres at the moment.",
)
BUILD: Final = Metric("turnout_build_info", "gauge", "How many processes run this version.", ("version", "python"))
CONFIG: Final = Metric(
    "turnout_config_info", "gauge", "How many processes use this version of the configuration.", ("version",)
)

METRICS: Final[tuple[Metric, ...]] = (
    REQUESTS,
    RULES,
    FLAGS,
    TENANT_REQUESTS,
    FALLBACKS,
    ESCALATIONS,
    HEDGES,
    TURNED_AWAY,
    DURATION,
    OVERHEAD,
    ATTEMPTS,
    RETRIES,
    DROPPED,
    FIRST_TOKEN,
    ATTEMPT_DURATION,
    TOKENS,
    COST,
    TENANT_COST,
    ROUTER_COST,
    COMPARED_COST,
    BASELINE_COST,
    UNPRICED,
    SHADOWS,
    SHADOW_COST,
    SHADOWS_DROPPED,
    FEEDBACK,
    SCORE,
    BREAKERS,
    BREAKER_OPEN,
    SHIFTED,
    RETRAIN_DUE,
    LOST,
    BEHIND,
    TROUBLE,
    STATE_TROUBLE,
    COPY_BEHIND,
    COPY_TROUBLE,
    RELOADS,
    IN_FLIGHT,
    PROCESSES,
    BUILD,
    CONFIG,
)
"""All of them, in the order in which they are shown."""
