"""The two tables that advice is looked up in: which situation asks for which approach, and what an approach takes.

Both are of a practitioner's guide of 2026. The guide's words are kept; what each of its situations means in figures
stands beside them, and so does what an approach takes once turnout is in place.
"""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum
from typing import Final, Literal, NamedTuple

MILLION: Final = 1_000_000
SMALL: Final = 10 * MILLION
"""Tokens a day below which the guide would probably not route."""
LARGE: Final = 100 * MILLION
"""Tokens a day above which the guide would."""


class Approach(StrEnum):
    """A way to put models to work."""

    OBSERVE = "observe"
    SINGLE = "single"
    FALLBACK = "fallback"
    RULES = "rules"
    COST_AWARE = "cost_aware"
    CASCADE = "cascade"
    CLASSIFIER = "classifier"
    WEIGHED = "weighed"


Drive = Literal["money", "need", "volume", "none"]
Upkeep = Literal["none", "low", "low to medium", "medium", "medium to high"]


class Bound(NamedTuple):
    """What a situation asks of a figure: at least, at most, less or more than, or that it is unknown."""

    fact: str
    least: float | None = None
    most: float | None = None
    below: float | None = None
    above: float | None = None
    unknown: bool = False

    def holds(self, value: float | None) -> bool | None:
        """Whether a value passes; None where it is unknown and would have to be known."""
        if self.unknown or value is None:
            return (value is None) if self.unknown else None
        return (
            (self.least is None or value >= self.least)
            and (self.most is None or value <= self.most)
            and (self.below is None or value < self.below)
            and (self.above is None or value > self.above)
        )

    @property
    def edges(self) -> tuple[float, ...]:
        """The values at which it changes its mind."""
        return tuple(each for each in (self.least, self.most, self.below, self.above) if each is not None)


class Situation(NamedTuple):
    """A row of the guide's decision table.

    Attributes:
        words: the situation, in the guide's words.
        says: the approach, in the guide's words.
        approach: which one that is.
        drive: `money` if it is worth what it saves, `need` if it is asked for whatever it saves, `volume` if it is
            what is left at that volume when nothing else pays, `none` if it is what is left otherwise.
        tests: what has to hold, all of it.
    """

    words: str
    says: str
    approach: Approach
    drive: Drive
    tests: tuple[Bound, ...]


SITUATIONS: Final = (
    Situation(
        "a single model handles the workload well",
        "no routing layer beyond a fallback chain",
        Approach.SINGLE,
        "none",
        (Bound("good_today", least=0.95),),
    ),
    Situation(
        "easy queries dominate, hard ones occasional",
        "cascade: cheap first, escalate",
        Approach.CASCADE,
        "money",
        (Bound("cheaper_share", least=0.5),),
    ),
    Situation(
        "distinct query categories with different best models",
        "classifier",
        Approach.CLASSIFIER,
        "need",
        (Bound("categories", least=2), Bound("best_models", least=2)),
    ),
    Situation(
        "budget pressure at sustained volume",
        "rules to smaller fine-tuned model",
        Approach.RULES,
        "money",
        (Bound("budget_use", least=1.0), Bound("tokens_per_day", least=SMALL)),
    ),
    Situation(
        "latency-critical, mixed workloads",
        "rules by latency budget",
        Approach.RULES,
        "need",
        (Bound("latency_share", least=0.1, most=0.9),),
    ),
    Situation(
        "multi-tenant with per-tenant cost models",
        "cost-aware routing",
        Approach.COST_AWARE,
        "need",
        (Bound("tenants", least=2), Bound("tenant_models", least=1)),
    ),
    Situation(
        "provider-outage tolerance critical",
        "fallback chain across providers",
        Approach.FALLBACK,
        "need",
        (Bound("outage_critical", least=1),),
    ),
    Situation(
        "routing logic changes often",
        "rules with feature flags",
        Approach.RULES,
        "money",
        (Bound("rule_changes", least=2),),
    ),
    Situation(
        "routing logic multi-dimensional and stable",
        "classifier",
        Approach.WEIGHED,
        "money",
        (Bound("dimensions", least=2), Bound("rule_changes", most=0.5)),
    ),
    Situation(
        "below 10 M tokens a day",
        "probably no routing needed",
        Approach.SINGLE,
        "none",
        (Bound("tokens_per_day", below=SMALL),),
    ),
    Situation(
        "above 100 M tokens a day",
        "routing required",
        Approach.RULES,
        "volume",
        (Bound("tokens_per_day", above=LARGE),),
    ),
    Situation(
        "new product, traffic unknown",
        "single model + observability",
        Approach.OBSERVE,
        "none",
        (Bound("tokens_per_day", unknown=True),),
    ),
)


class Days(NamedTuple):
    """From so many working days to so many."""

    least: float
    most: float

    @property
    def middle(self) -> float:
        """Half-way."""
        return (self.least + self.most) / 2


class Effort(NamedTuple):
    """What an approach takes.

    Attributes:
        title: the approach, in words.
        weeks: to set it up oneself, in the guide's words.
        built: the same in working days, five to a week.
        upkeep: of what one has built, in the guide's words.
        load: that upkeep's class.
        placed: working days to set it up with turnout in place, where it is configuration, evidence and a canary.
        kept: working days a month to keep it up then.
    """

    title: str
    weeks: str
    built: Days
    upkeep: str
    load: Upkeep
    placed: Days
    kept: float


EFFORTS: Final[Mapping[Approach, Effort]] = {
    Approach.OBSERVE: Effort(
        "a single model, observed", "not in the guide", Days(0, 0), "none", "none", Days(0.25, 0.5), 0.0
    ),
    Approach.SINGLE: Effort(
        "no routing layer beyond a fallback chain", "not in the guide", Days(0, 0), "none", "none", Days(0.25, 0.5), 0.0
    ),
    Approach.FALLBACK: Effort(
        "fallback chain across providers", "1–2 weeks on top of any", Days(5, 10), "low", "low", Days(0.5, 1), 0.1
    ),
    Approach.RULES: Effort("rules with fallback chain", "1–2 weeks", Days(5, 10), "low", "low", Days(1, 2), 0.25),
    Approach.COST_AWARE: Effort(
        "cost-aware rules with tenant rules",
        "2–4 weeks",
        Days(10, 20),
        "low to medium",
        "low to medium",
        Days(2, 3),
        0.5,
    ),
    Approach.CASCADE: Effort(
        "cascade", "2–3 weeks", Days(10, 15), "medium: threshold tuning", "medium", Days(2, 4), 0.75
    ),
    Approach.CLASSIFIER: Effort(
        "classifier", "4–8 weeks with training", Days(20, 40), "medium: retrain quarterly", "medium", Days(3, 5), 0.75
    ),
    Approach.WEIGHED: Effort(
        "classifier that weighs cost, latency and quality",
        "6–10 weeks",
        Days(30, 50),
        "medium to high",
        "medium to high",
        Days(4, 7),
        1.0,
    ),
}
