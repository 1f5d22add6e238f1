"""What advice rests on: figures that were measured or told, and all those that nobody knows."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final, Literal, NamedTuple

import msgspec

Unit = Literal["tokens", "count", "share", "usd", "yes", "hours"]
Origin = Literal["measured", "told", "reckoned"]


class Definition(NamedTuple):
    """A figure that advice asks for.

    Attributes:
        title: what it is called.
        unit: how it is written; a share is 0 to 1, `yes` is 1 or 0.
        question: how a person is asked for it.
        why: what it decides.
    """

    title: str
    unit: Unit
    question: str
    why: str


DEFINITIONS: Final[Mapping[str, Definition]] = {
    "tokens_per_day": Definition(
        "tokens a day", "tokens", "How many tokens a day, input and output together?", "whether routing can pay at all"
    ),
    "input_share": Definition(
        "share of input tokens", "share", "Which share of them is input?", "what a token costs on average"
    ),
    "requests_per_day": Definition("requests a day", "count", "How many requests a day?", "tokens of a request"),
    "growth": Definition(
        "growth a month", "share", "By which share does traffic grow in a month?", "what is spent in a year"
    ),
    "cost_per_month": Definition(
        "cost a month", "usd", "What do the models cost in a month now, in USD?", "what there is to save"
    ),
    "baseline_per_month": Definition(
        "baseline cost a month",
        "usd",
        "What would they cost in a month if the strong model answered everything, in USD?",
        "what routing saves already",
    ),
    "cheap_cost": Definition(
        "cost of the cheaper target, of the strong one's",
        "share",
        "What does the cheaper model cost, as a share of the strong one's cost for the same request?",
        "whether a cascade can pay",
    ),
    "cheaper_share": Definition(
        "requests that a cheaper target would serve well",
        "share",
        "Which share of the requests would a cheaper model serve well?",
        "cascade, rules or classifier",
    ),
    "escalation": Definition(
        "escalation rate of a cascade",
        "share",
        "If you ran a cascade: which share of its requests escalated?",
        "whether a cascade pays",
    ),
    "good_today": Definition(
        "answers that are good today",
        "share",
        "Which share of today's answers, all from one model, is good enough?",
        "whether a single model will do",
    ),
    "categories": Definition(
        "distinct kinds of requests", "count", "How many distinct kinds of requests are there?", "classifier or rules"
    ),
    "best_models": Definition(
        "models that are the best for some kind",
        "count",
        "How many different models are the best for one of those kinds?",
        "whether one model can be right for all",
    ),
    "latency_share": Definition(
        "latency-critical requests",
        "share",
        "Which share of the requests is latency-critical (somebody waits for the first word)?",
        "rules by latency budget; what a cascade may hold",
    ),
    "tenants": Definition("tenants", "count", "How many tenants (customers with an account) are there?", "cost-aware"),
    "tenant_gini": Definition(
        "inequality of the tenants' cost (Gini)",
        "share",
        "How unequal is what they cost (Gini coefficient, 0 to 1)?",
        "whether tenants need bounds of their own",
    ),
    "top_tenant": Definition(
        "cost of the dearest tenant",
        "share",
        "Which share of the cost is the dearest tenant's?",
        "whether tenants need bounds of their own",
    ),
    "tenant_models": Definition(
        "tenants with a cost model of their own",
        "yes",
        "Does what a tenant pays bound what it may cost (plans, budgets, margins)?",
        "cost-aware routing",
    ),
    "providers": Definition("providers in use", "count", "How many providers are in use?", "exposure"),
    "top_provider": Definition(
        "requests of the largest provider",
        "share",
        "Which share of the requests goes to the largest provider?",
        "exposure to a single provider",
    ),
    "outages": Definition("outages seen in a month", "count", "How many outages a month did you see?", "fallback"),
    "outage_hours": Definition(
        "hours of outage in a month", "hours", "How many hours of outage a month?", "what an outage costs"
    ),
    "outage_cost": Definition(
        "cost of an hour of outage", "usd", "What does an hour of outage cost you, in USD?", "what a fallback is worth"
    ),
    "outage_critical": Definition(
        "provider outages must be tolerated", "yes", "Must you stay up when a provider is down?", "fallback"
    ),
    "rule_changes": Definition(
        "changes of routing logic in a month",
        "count",
        "How often a month does (or would) the routing logic change?",
        "feature flags, or something trained",
    ),
    "dimensions": Definition(
        "dimensions that decide at once",
        "count",
        "How many of cost, latency and quality must routing weigh at once?",
        "rules or something trained",
    ),
    "budget_per_month": Definition(
        "budget a month", "usd", "What may the models cost in a month, in USD?", "budget pressure"
    ),
    "claimed_saving": Definition(
        "saving that was claimed", "share", "Which share of the cost did somebody claim that routing saves?", "a check"
    ),
    "budget_use": Definition("cost as a share of the budget", "share", "", "budget pressure"),
}
"""Every figure, in the order of an interview. One without a question follows from others."""


class Fact(msgspec.Struct, frozen=True, kw_only=True):
    """A figure, and how it came to be known.

    Attributes:
        value: in its definition's unit.
        low, high: the true value lies between them in 95 of 100 cases; None where that is not known.
        origin: `measured`, `told`, or `reckoned` from other figures and assumptions.
        how: where it is from, in words.
    """

    value: float
    low: float | None = None
    high: float | None = None
    origin: Origin = "measured"
    how: str = ""

    @property
    def least(self) -> float:
        """The lower end, or the value where no interval is known."""
        return self.value if self.low is None else self.low

    @property
    def most(self) -> float:
        """The upper end, or the value where no interval is known."""
        return self.value if self.high is None else self.high


class Facts(msgspec.Struct, frozen=True, kw_only=True):
    """All that is known.

    Attributes:
        known: figures by their name in `DEFINITIONS`.
        source: what was looked at, in words.
        notes: what a reader of the figures should know.
    """

    known: Mapping[str, Fact] = msgspec.field(default_factory=dict)
    source: str = "an interview"
    notes: tuple[str, ...] = ()

    def get(self, name: str) -> Fact | None:
        """The figure; None if it is not known."""
        return self.known.get(name)

    def value(self, name: str) -> float | None:
        """The figure's value; None if it is not known."""
        found = self.known.get(name)
        return None if found is None else found.value

    def but(self, **others: Fact | None) -> Facts:
        """The same with other figures; None forgets one."""
        merged = {**self.known, **others}
        return msgspec.structs.replace(self, known={name: fact for name, fact in merged.items() if fact is not None})

    @property
    def unknown(self) -> tuple[str, ...]:
        """The names of the figures that nobody knows, in the order of an interview."""
        return tuple(name for name, each in DEFINITIONS.items() if each.question and name not in self.known)
