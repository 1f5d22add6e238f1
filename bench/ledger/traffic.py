"""Made-up traffic that looks like a company's: tenants of very different size, days and nights, an outage."""

from __future__ import annotations

import math
import random
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Final, NamedTuple

from turnout.types.candidate import Considered, Dropped
from turnout.types.decision import Attempt, Decision
from turnout.types.features import Features

TENANTS: Final = 40
USERS: Final = 25_000


class Model(NamedTuple):
    """A target: what a token costs in pico-USD, and how long its answers take."""

    target: str
    provider: str
    input: int
    output: int
    first_token_ms: float


class Rule(NamedTuple):
    """A rule of a route, and how often it decides."""

    route: str
    rule: str
    weight: float
    chain: tuple[str, ...]


MODELS: Final = {
    model.target: model
    for model in (
        Model("sonnet", "anthropic", 3_000_000, 15_000_000, 620),
        Model("haiku", "anthropic", 1_000_000, 5_000_000, 310),
        Model("gpt-4o", "openai", 2_500_000, 10_000_000, 540),
        Model("small", "inhouse", 200_000, 200_000, 140),
    )
}
RULES: Final = (
    Rule("support", "escalation", 4, ("sonnet", "gpt-4o")),
    Rule("support", "complex", 14, ("haiku", "gpt-4o")),
    Rule("support", "faq", 32, ("small", "haiku")),
    Rule("support", "rest", 18, ("haiku", "gpt-4o")),
    Rule("contracts", "", 12, ("small", "sonnet")),
    Rule("assistant", "", 20, ("sonnet", "gpt-4o")),
)
_BASELINE: Final = "sonnet"
_SOURCES: Final = ("web", "app", "mail", None)
_TEAMS: Final = ("growth", "ops", "legal", "product")


def traffic(number: int, *, days: int, until: datetime, seed: int = 1) -> Iterator[Decision]:
    """Decisions in the order of their time, over the days before `until`; the same for the same seed."""
    draw = random.Random(seed)
    outage = until - timedelta(days=days * 0.2)
    tenants = [f"tenant-{place:02d}" for place in range(TENANTS)]
    sizes = [1 / (place + 1) ** 1.1 for place in range(TENANTS)]
    weights = [rule.weight for rule in RULES]
    step = timedelta(days=days) / number
    for place in range(number):
        at = _by_day(until - timedelta(days=days) + place * step)
        tenant = draw.choices(tenants, sizes)[0]
        rule = draw.choices(RULES, weights)[0]
        down = "anthropic" if timedelta(0) <= at - outage < timedelta(hours=4) else ""
        yield _decision(place, at, tenant, rule, down, draw)


def _by_day(at: datetime) -> datetime:
    """The same day at a time that is busier in the afternoon than at night."""
    share = (at - at.replace(hour=0, minute=0, second=0, microsecond=0)) / timedelta(days=1)
    return at + timedelta(hours=2.6 * math.sin(2 * math.pi * share))


def _decision(place: int, at: datetime, tenant: str, rule: Rule, down: str, draw: random.Random) -> Decision:
    taken, given = int(draw.lognormvariate(5.6, 0.8)), int(draw.lognormvariate(4.7, 0.7))
    attempts, dropped = _attempts(at, rule, down, (taken, given), draw)
    answered = attempts[-1].outcome == "answered"
    cost = sum((attempt.cost_usd or Decimal(0) for attempt in attempts), Decimal(0))
    baseline = MODELS[_BASELINE]
    overhead = draw.lognormvariate(-1.2, 0.4)
    return Decision(
        id=f"{int(at.timestamp() * 1000):012x}7{place:019x}",
        time=at.isoformat(timespec="milliseconds"),
        route=rule.route,
        model=rule.route,
        policy_version="3f2a9c",
        config_version="b81d04",
        tenant=tenant,
        user=f"user-{int(USERS * draw.random() ** 2)}",
        source=draw.choice(_SOURCES),
        tags={"team": draw.choice(_TEAMS)} if place % 3 else {},
        dialect="openai_chat",
        stream=place % 2 == 0,
        query_hash=f"{draw.getrandbits(256):064x}",
        features=Features(chars=taken * 3, tokens=taken // 2, context_tokens=taken),
        conditions={"draw": round(draw.random(), 6)},
        rule=rule.rule or None,
        reason=f"rule:{rule.rule}" if rule.rule else "fallback:0",
        considered=(Considered(rule.rule, chosen=True, because="matches its list"),) if rule.rule else (),
        dropped=dropped,
        attempts=attempts,
        target=attempts[-1].target if answered else None,
        outcome="answered" if answered else "failed",
        error=None if answered else "upstream_failed",
        latency_ms=round(sum(attempt.latency_ms for attempt in attempts) + overhead, 3),
        overhead_ms=round(overhead, 3),
        cost_usd=cost,
        baseline_cost_usd=_cost(baseline, taken, given) if answered else None,
        router_cost_usd=cost - (attempts[-1].cost_usd or Decimal(0)) if answered else cost,
    )


def _attempts(
    at: datetime, rule: Rule, down: str, tokens: tuple[int, int], draw: random.Random
) -> tuple[tuple[Attempt, ...], tuple[Dropped, ...]]:
    """The calls down the chain, and what was dropped because its breaker is open."""
    made: list[Attempt] = []
    dropped: list[Dropped] = []
    for name in rule.chain:
        model = MODELS[name]
        if model.provider == down and name != rule.chain[-1] and draw.random() < 0.9:
            dropped.append(Dropped(name, "breaker_open"))
            continue
        fails = model.provider == down or draw.random() < 0.006
        made.append(_attempt(at, model, tokens, draw, fails=fails))
        if not fails:
            break
    return tuple(made), tuple(dropped)


def _attempt(at: datetime, model: Model, tokens: tuple[int, int], draw: random.Random, *, fails: bool) -> Attempt:
    first = model.first_token_ms * draw.lognormvariate(0, 0.35)
    taken, given = (0, 0) if fails else tokens
    return Attempt(
        target=model.target,
        provider=model.provider,
        started=at.isoformat(timespec="milliseconds"),
        outcome="failed" if fails else "answered",
        error_class=draw.choice(("server_error", "overloaded", "first_token_timeout")) if fails else None,
        status=503 if fails else 200,
        finish=None if fails else "stop",
        first_token_ms=None if fails else round(first, 3),
        latency_ms=round(first + given * 11.0, 3),
        input_tokens=taken,
        output_tokens=given,
        cost_usd=_cost(model, taken, given),
        price_version="bench",
    )


def _cost(model: Model, taken: int, given: int) -> Decimal:
    return Decimal(model.input * taken + model.output * given).scaleb(-12)


def midnight() -> datetime:
    """The beginning of today, in UTC."""
    return datetime.now(UTC).replace(hour=0, minute=0, second=0, microsecond=0)
