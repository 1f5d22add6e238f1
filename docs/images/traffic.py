"""Some days of made-up traffic, the same ones for a seed: what the screenshots show."""

from __future__ import annotations

import math
import random
from collections.abc import Callable, Iterator, Sequence
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Final, NamedTuple

from turnout.ledger.entry import encode_decision
from turnout.ledger.ids import new_decision_id
from turnout.ledger.sqlite import SqliteStore
from turnout.ledger.store import Written
from turnout.types.candidate import Considered, Dropped
from turnout.types.clock import timestamp
from turnout.types.decision import Attempt, Decision
from turnout.types.features import Features

CONFIG: Final = """\
providers:
  anthropic: {api_key: made-up}
  openai: {api_key: made-up}
  selfhosted: {dialect: openai, base_url: "http://llama.internal:8000/v1"}
targets:
  sonnet: {provider: anthropic, model: claude-3-5-sonnet-20241022}
  haiku: {provider: anthropic, model: claude-3-5-haiku-20241022}
  gpt-4o: {provider: openai, model: gpt-4o}
  llama-8b: {provider: selfhosted, model: support-ft-llama-3.1-8b, price: {input: 0.20, output: 0.20}}
routes:
  support:
    baseline: sonnet
    lists:
      faq: [reset my password, opening hours, where is my order]
      complex: [chargeback, legal, data protection]
      escalation: [speak to a human, complaint]
    policy:
      rules:
        - {name: escalate, when: {matches: escalation}, use: [sonnet, gpt-4o]}
        - {name: faq, when: {matches: faq, not: {matches: complex}, tokens: {max: 200}}, use: [llama-8b, haiku]}
        - {name: rest, use: [haiku, gpt-4o]}
  assistant:
    baseline: sonnet
    policy: {flag: {name: haiku-first, on: [haiku, sonnet], off: [sonnet, gpt-4o]}}
  contracts:
    baseline: sonnet
    policy: {cascade: [{use: [llama-8b], accept: {confidence: 0.6, by: contracts.json}}, {use: sonnet}]}
  summaries:
    baseline: gpt-4o
    policy:
      weighted:
        - {use: [llama-8b, gpt-4o], weight: 70}
        - {use: [gpt-4o, haiku], weight: 30}
flags:
  haiku-first: {description: The assistant asks the small model first}
tenants:
  northwind: {revenue: 900, budgets: [{usd: 500}, {usd: 40, per: day}]}
  acme-shop: {revenue: 600, budgets: [{usd: 400}]}
  blue-harbour: {revenue: 150, budgets: [{usd: 200, hard: false}]}
  meridian: {revenue: 250}
"""

_PRICES: Final[dict[str, tuple[Decimal | int, Decimal | int]]] = {  # USD per million tokens, input and output
    "sonnet": (3, 15),
    "haiku": (Decimal("0.8"), 4),
    "gpt-4o": (Decimal("2.5"), 10),
    "llama-8b": (Decimal("0.2"), Decimal("0.2")),
}
_SPEED: Final = {"sonnet": (620, 70), "haiku": (360, 120), "gpt-4o": (480, 95), "llama-8b": (140, 160)}
_TENANTS: Final = ("northwind", "acme-shop", "blue-harbour", "meridian", "kestrel-labs")
_BATCH: Final = 2_000


class Way(NamedTuple):
    """How some of a route's requests go: the rule, its chain, and the usual tokens in and out."""

    route: str
    rule: str | None
    chain: tuple[str, ...]
    tokens: tuple[int, int]
    weight: int


_WAYS: Final = (
    Way("support", "faq", ("llama-8b", "haiku"), (640, 120), 46),
    Way("support", "rest", ("haiku", "gpt-4o"), (980, 260), 24),
    Way("support", "escalate", ("sonnet", "gpt-4o"), (1_450, 380), 5),
    Way("assistant", None, ("sonnet", "gpt-4o"), (2_100, 520), 16),
    Way("contracts", None, ("llama-8b", "sonnet"), (2_600, 340), 5),
    Way("summaries", None, ("llama-8b", "gpt-4o"), (3_800, 210), 6),
    Way("summaries", None, ("gpt-4o", "haiku"), (3_800, 210), 3),
)
_BECAUSE: Final = {
    "escalate": ("no phrase of escalation", "matches escalation: “speak to a human”"),
    "faq": ("no phrase of faq", "matches faq: “reset my password”, tokens 38 ≤ 200"),
    "rest": ("", "everything else"),
}


class Trouble(NamedTuple):
    """A target that fails for a while, so many hours and minutes before now."""

    target: str
    hours_ago: float
    minutes: float
    error: str
    status: int | None


_TROUBLES: Final = (
    Trouble("sonnet", 55, 38, "overloaded", 529),
    Trouble("sonnet", 7.4, 21, "overloaded", 529),
    Trouble("llama-8b", 15.2, 6, "refused_connection", None),
)


def fill(store: SqliteStore, now: datetime, change: Callable[[Decision], Decision], *, days: int, seed: int = 7) -> int:
    """Write days of traffic that ends now, each decision changed as is said; how many it is."""
    written = 0
    batch: list[Written] = []
    for decision in map(change, traffic(now, days=days, seed=seed)):
        batch.append(Written(decision, encode_decision(decision)))
        written += 1
        if len(batch) == _BATCH:
            store.append(batch, "traffic", None)
            batch.clear()
    store.append(batch, "traffic", None)
    store.close()
    return written


def traffic(now: datetime, *, days: int, seed: int) -> Iterator[Decision]:
    """The decisions, oldest first: quiet nights, busy afternoons, slow weekends."""
    drawn = random.Random(seed)  # noqa: S311 - made-up traffic
    at = now - timedelta(days=days)
    while at < now:
        busy = 0.25 + max(0.0, math.sin((at.hour + at.minute / 60 - 7) / 12 * math.pi)) ** 1.4
        busy *= 0.5 if at.weekday() >= 5 else 1
        at += timedelta(seconds=drawn.expovariate(busy / 3.2))
        if at < now:
            yield _decision(drawn, at, [each for each in _TROUBLES if _troubled(each, at, now)])


def _troubled(trouble: Trouble, at: datetime, now: datetime) -> bool:
    began = now - timedelta(hours=trouble.hours_ago)
    return began <= at < began + timedelta(minutes=trouble.minutes)


def _decision(drawn: random.Random, at: datetime, troubles: Sequence[Trouble]) -> Decision:
    way = drawn.choices(_WAYS, [each.weight for each in _WAYS])[0]
    taken = max(20, round(drawn.lognormvariate(math.log(way.tokens[0]), 0.45)))
    given = max(8, round(drawn.lognormvariate(math.log(way.tokens[1]), 0.5)))
    refused = drawn.random() < 0.006
    attempts, dropped = _calls(drawn, at, way, (taken, given), {each.target: each for each in troubles})
    attempts, dropped = ([], []) if refused else (attempts, dropped)
    last = attempts[-1] if attempts else None
    answered = last is not None and last.outcome == "answered"
    latency = sum(attempt.latency_ms for attempt in attempts)
    overhead = drawn.uniform(0.15, 0.6)
    baseline = "gpt-4o" if way.route == "summaries" else "sonnet"
    cost = sum((attempt.cost_usd or Decimal(0) for attempt in attempts), Decimal(0))
    query = round(drawn.lognormvariate(math.log(160), 0.6))
    return Decision(
        id=new_decision_id(at),
        time=timestamp(at),
        route=way.route,
        model=way.route,
        policy_version="5f1c0a9e",
        config_version="b7d24e61",
        tenant=drawn.choices(_TENANTS, [9, 6, 4, 2, 1])[0],
        user=f"user-{min(999, int(drawn.paretovariate(0.7)))}",
        source={"support": "helpdesk", "assistant": "web-app", "summaries": "nightly-digest", "contracts": "web-app"}[
            way.route
        ],
        tags={"feature": "chat"} if way.route == "assistant" else {},
        dialect="anthropic_messages" if way.route == "assistant" else "openai_chat",
        stream=way.route != "summaries",
        query_hash=f"{drawn.getrandbits(256):064x}",
        features=Features(
            chars=query,
            tokens=max(1, query // 4),
            context_tokens=taken,
            turns=drawn.choice((1, 1, 2, 3)),
            matches={"faq": "reset my password"} if way.rule == "faq" else {},
        ),
        conditions={"breakers": {each.target: "open" for each in dropped}} if dropped else {},
        rule=way.rule,
        reason=_reason(way, attempts),
        considered=_considered(way),
        dropped=tuple(dropped),
        attempts=tuple(attempts),
        target=last.target if last and answered else None,
        outcome="answered" if answered else "refused" if refused else drawn.choice(("failed", "cancelled")),
        error="invalid_request" if refused else None if answered or last is None else last.error_class,
        latency_ms=round(latency + overhead, 3),
        overhead_ms=round(overhead, 3),
        cost_usd=cost,
        baseline_cost_usd=_cost(baseline, taken, given) if answered else None,
        router_cost_usd=sum((each.cost_usd or Decimal(0) for each in attempts if each.outcome == "failed"), Decimal(0)),
        feedback=drawn.choice((None, None, None, 1.0, 1.0, 0.0)),
    )


def _calls(
    drawn: random.Random, at: datetime, way: Way, tokens: tuple[int, int], troubles: dict[str, Trouble]
) -> tuple[list[Attempt], list[Dropped]]:
    attempts: list[Attempt] = []
    dropped: list[Dropped] = []
    begin = at
    for target in way.chain:
        trouble = troubles.get(target)
        if trouble and drawn.random() < 0.8:
            dropped.append(Dropped(target, "breaker_open"))
            continue
        fails = trouble is not None or drawn.random() < 0.004
        attempts.append(_failed(drawn, begin, target, trouble) if fails else _answered(drawn, begin, target, tokens))
        if not fails or drawn.random() < 0.02:
            break
        begin += timedelta(milliseconds=attempts[-1].latency_ms)
    return attempts, dropped


def _answered(drawn: random.Random, begin: datetime, target: str, tokens: tuple[int, int]) -> Attempt:
    first, speed = _SPEED[target]
    waited = drawn.lognormvariate(math.log(first), 0.3)
    return Attempt(
        target=target,
        started=timestamp(begin),
        outcome="answered",
        status=200,
        finish="stop",
        first_token_ms=round(waited, 1),
        latency_ms=round(waited + tokens[1] / speed * 1000 * drawn.uniform(0.8, 1.3), 1),
        input_tokens=tokens[0],
        output_tokens=tokens[1],
        cost_usd=_cost(target, *tokens),
        price_version="genai-prices 2026-11-01",
    )


def _failed(drawn: random.Random, begin: datetime, target: str, trouble: Trouble | None) -> Attempt:
    return Attempt(
        target=target,
        started=timestamp(begin),
        outcome="failed",
        error_class=trouble.error if trouble else drawn.choice(("first_token_timeout", "server_error", "rate_limited")),
        status=trouble.status if trouble else None,
        latency_ms=round(drawn.lognormvariate(math.log(380), 0.7), 1),
        cost_usd=Decimal(0),
        price_version="genai-prices 2026-11-01",
    )


def _cost(target: str, taken: int, given: int) -> Decimal:
    input_price, output_price = _PRICES[target]
    return (Decimal(taken) * input_price + Decimal(given) * output_price) / 1_000_000


def _reason(way: Way, attempts: Sequence[Attempt]) -> str:
    place = way.chain.index(attempts[-1].target) if attempts else 0
    why = [f"rule:{way.rule}"] if way.rule else []
    if way.route == "summaries":
        why = ["weighted:0.7" if way.chain[0] == "llama-8b" else "weighted:0.3"]
    return "/".join([*why, f"fallback:{place}"] if place else why or ["primary"])


def _considered(way: Way) -> tuple[Considered, ...]:
    if way.rule is None:
        return ()
    names = ["escalate", "faq", "rest"]
    passed = names[: names.index(way.rule)]
    return (
        *(Considered(each, chosen=False, because=_BECAUSE[each][0]) for each in passed),
        Considered(way.rule, chosen=True, because=_BECAUSE[way.rule][1]),
    )


if __name__ == "__main__":
    raise SystemExit("Run docs.images.take: it fills a ledger with this and photographs the pages.")
