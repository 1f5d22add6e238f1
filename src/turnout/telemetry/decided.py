"""What a decision adds to the counters."""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal
from itertools import pairwise
from typing import NamedTuple

from turnout.telemetry import table
from turnout.telemetry.cells import Cells
from turnout.telemetry.table import NONE, OTHER
from turnout.types.decision import Attempt, Decision, escalated, fell_back, is_judgement


class Names(NamedTuple):
    """What the configuration names: every other name is counted under `other`."""

    routes: frozenset[str] = frozenset()
    providers: Mapping[str, str] = {}
    tenants: frozenset[str] = frozenset()


class DecisionCounts:
    """Counts decisions and their attempts.

    Attributes:
        names: what the configuration names now.
    """

    def __init__(self, cells: Cells) -> None:
        self.names = Names()
        family = cells.family
        self._requests = family(table.REQUESTS)
        self._rules = family(table.RULES)
        self._flags = family(table.FLAGS)
        self._tenant_requests = family(table.TENANT_REQUESTS)
        self._tenant_cost = family(table.TENANT_COST)
        self._fallbacks = family(table.FALLBACKS)
        self._escalations = family(table.ESCALATIONS)
        self._hedges = family(table.HEDGES)
        self._router_cost = family(table.ROUTER_COST)
        self._compared = family(table.COMPARED_COST)
        self._baseline = family(table.BASELINE_COST)
        self._duration = family(table.DURATION)
        self._overhead = family(table.OVERHEAD)
        self._dropped = family(table.DROPPED)
        self._attempts = family(table.ATTEMPTS)
        self._retries = family(table.RETRIES)
        self._cost = family(table.COST)
        self._unpriced = family(table.UNPRICED)
        self._first_token = family(table.FIRST_TOKEN)
        self._attempt_duration = family(table.ATTEMPT_DURATION)
        self._tokens = family(table.TOKENS)
        self._shadows = family(table.SHADOWS)
        self._shadow_cost = family(table.SHADOW_COST)

    def count(self, decision: Decision) -> None:
        """Count a decision. On the path of every request: additions only."""
        names = self.names
        route = decision.route if decision.route in names.routes else OTHER
        tenant = decision.tenant if decision.tenant in names.tenants else OTHER
        self._requests.add((route, decision.target or NONE, decision.outcome, decision.error or NONE))
        self._tenant_requests.add((tenant, decision.outcome))
        self._duration.observe((route,), decision.latency_ms / 1000)
        self._overhead.observe((), decision.overhead_ms / 1000)
        if decision.rule is not None:
            self._rules.add((route, decision.rule))
        for seen in decision.flags.items():
            self._flags.add(seen)
        for attempt in decision.attempts:
            self._attempt(route, attempt)
        if len(decision.attempts) > 1 or decision.dropped:
            self._detours(route, decision)
        self._money(route, tenant, decision)

    def count_shadow(self, shadow: Decision) -> None:
        """Count a shadow: no request, but calls, and money."""
        route = shadow.route if shadow.route in self.names.routes else OTHER
        purpose = "judge" if is_judgement(shadow) else "shadow"
        self._shadows.add((route, shadow.target or NONE, purpose, shadow.outcome))
        for attempt in shadow.attempts:
            self._attempt(route, attempt)
        tenant = shadow.tenant if shadow.tenant in self.names.tenants else OTHER
        self._money(route, tenant, shadow)
        if shadow.cost_usd:
            self._shadow_cost.add((route,), _pico(shadow.cost_usd))

    def _attempt(self, route: str, attempt: Attempt) -> None:
        target = attempt.target
        provider = self.names.providers.get(target, OTHER)
        place = (target, provider)
        self._attempts.add((target, provider, attempt.purpose, attempt.outcome, attempt.error_class or NONE))
        self._attempt_duration.observe(place, attempt.latency_ms / 1000)
        if attempt.first_token_ms is not None:
            self._first_token.observe(place, attempt.first_token_ms / 1000)
        if attempt.cost_usd is None:
            self._unpriced.add(place)
        elif attempt.cost_usd:
            self._cost.add((route, target, provider), _pico(attempt.cost_usd))
        if attempt.input_tokens:
            self._tokens.add((target, provider, "input"), attempt.input_tokens)
        if attempt.output_tokens:
            self._tokens.add((target, provider, "output"), attempt.output_tokens)
        if attempt.cached_tokens:
            self._tokens.add((target, provider, "cached"), attempt.cached_tokens)
        if attempt.cache_write_tokens:
            self._tokens.add((target, provider, "cache_write"), attempt.cache_write_tokens)
        if attempt.reasoning_tokens:
            self._tokens.add((target, provider, "reasoning"), attempt.reasoning_tokens)

    def _detours(self, route: str, decision: Decision) -> None:
        """What happened besides one call that succeeded."""
        for dropped in decision.dropped:
            self._dropped.add((dropped.target, _reason(dropped.reason)))
        for earlier, later in pairwise(decision.attempts):
            if earlier.outcome == "failed" and earlier.target == later.target and not (earlier.hedge or later.hedge):
                self._retries.add((later.target,))
        if fell_back(decision):
            self._fallbacks.add((route,))
        if escalated(decision):
            self._escalations.add((route,))
        if any(attempt.hedge for attempt in decision.attempts):
            won = any(attempt.hedge and attempt.outcome == "answered" for attempt in decision.attempts)
            self._hedges.add((route, "true" if won else "false"))

    def _money(self, route: str, tenant: str, decision: Decision) -> None:
        cost, baseline = decision.cost_usd, decision.baseline_cost_usd
        if decision.router_cost_usd:
            self._router_cost.add((route,), _pico(decision.router_cost_usd))
        if cost is None:
            return
        if cost:
            self._tenant_cost.add((tenant,), _pico(cost))
        if baseline is not None:
            self._compared.add((route,), _pico(cost))
            self._baseline.add((route,), _pico(baseline))


def _pico(usd: Decimal) -> float:
    """A whole number of pico-USD. A double holds them all up to 9,007 USD, so that what is summed is exact."""
    return float(round(float(usd) * 1e12))


def _reason(reason: str) -> str:
    """A drop's reason without what a caller wrote: the names of fields that only its dialect knows."""
    return reason.partition(":")[0]
