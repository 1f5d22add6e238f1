"""Two gateways with all kinds of traffic, and their ledgers' copy."""

from __future__ import annotations

import random
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import msgspec

from tests.ledger.samples import a_decision, an_attempt
from tests.processes import wait_for
from turnout.errors import LedgerError
from turnout.insight import query
from turnout.ledger.entry import encode_decision
from turnout.ledger.location import database_file
from turnout.ledger.postgres.mirror import PostgresMirror
from turnout.ledger.postgres.store import PostgresStore
from turnout.ledger.sqlite import SqliteStore
from turnout.ledger.store import Written
from turnout.types.candidate import Dropped
from turnout.types.clock import timestamp
from turnout.types.decision import Decision
from turnout.types.feedback import Feedback

if TYPE_CHECKING:
    from tests.postgreses import Postgres

DAY = timedelta(days=1)
NOW = datetime.now(UTC).replace(microsecond=0)
SINCE, UNTIL = NOW - 30 * DAY - timedelta(minutes=17), NOW - timedelta(minutes=3)
GATEWAYS = ("b0ffee", "c0ffee")
NUMBER = 250
LONG = "ü" * 2_000


class Fleet(NamedTuple):
    """Two gateways' ledgers, their copy, and one ledger in which all of it was recorded."""

    postgres: Postgres
    data: Path
    apart: tuple[SqliteStore, ...]
    together: SqliteStore


def traffic(seed: int) -> list[Decision]:
    """All kinds of decisions, and shadows of some."""
    chance = random.Random(seed)
    found: list[Decision] = []
    for number in range(NUMBER):
        at = NOW - timedelta(seconds=chance.triangular(0, 40 * 86_400, 0), milliseconds=chance.randrange(1000))
        decision = _decision(chance, at)
        found.append(decision)
        if number % 9 == 0:
            found.append(_shadow(chance, decision, at))
    return found


def _decision(chance: random.Random, at: datetime) -> Decision:
    kind = chance.choices(("plain", "failed", "fell back", "escalated", "cached"), (6, 1, 1, 1, 1))[0]
    target = chance.choice(("haiku", "sonnet", "naïve \0 name"))
    last = _attempt(chance, at, target)
    before = {
        "fell back": (_attempt(chance, at, "spare", outcome="failed", error_class="rate_limited", cost_usd=None),),
        "escalated": (_attempt(chance, at, "small", outcome="discarded"), _attempt(chance, at, "j", purpose="judge")),
        "failed": (_attempt(chance, at, target, outcome="failed", error_class="timeout"),),
    }.get(kind, ())
    attempts = () if kind == "cached" else before if kind == "failed" else (*before, last)
    costs = [each.cost_usd for each in attempts]
    return a_decision(
        time=timestamp(at),
        route=chance.choice(("support", "contracts")),
        tenant=chance.choice(("acme", "globex", "Zo\0e")),
        project=chance.choice((None, "web")),
        user=chance.choice((None, "joe", "ann", LONG, "user")),
        source=chance.choice((None, "app")),
        rule=chance.choice((None, "faq")),
        tags={"team": chance.choice(("growth", "core", "ü"))} if chance.random() < 0.7 else {},
        flags={"haiku.first": chance.choice(("on", "off"))},
        conditions={"flags": {"haiku.first": "in_share"}},
        attempts=attempts,
        target=None if kind == "failed" else target,
        outcome="failed" if kind == "failed" else chance.choice(("answered", "answered", "partial", "refused")),
        dropped=(Dropped("spare", "breaker_open"),) if kind == "fell back" else (),
        cache="hit" if kind == "cached" else None,
        latency_ms=chance.uniform(1, 9_000),
        cost_usd=None if None in costs else sum(costs, Decimal(0)),
        baseline_cost_usd=chance.choice((None, Decimal("0.0031"))),
        router_cost_usd=sum((each.cost_usd or Decimal(0) for each in before), Decimal(0)),
    )


def _attempt(chance: random.Random, at: datetime, target: str, **changes: Any) -> Any:
    taken, given = chance.randrange(10, 3_000), chance.randrange(1, 800)
    usual = {
        "target": target,
        "provider": "anthropic" if target in {"haiku", "sonnet"} else "openai",
        "model": f"model-{target.replace(chr(0), '')}",
        "started": timestamp(at),
        "first_token_ms": chance.uniform(1, 700),
        "latency_ms": chance.uniform(1, 5_000),
        "input_tokens": taken,
        "cached_tokens": taken // 4,
        "output_tokens": given,
        "cost_usd": Decimal(3 * taken + 15 * given).scaleb(-6),
        "estimated": chance.random() < 0.1,
    }
    return an_attempt(**{**usual, **changes})


def _shadow(chance: random.Random, decision: Decision, at: datetime) -> Decision:
    attempt = _attempt(chance, at, "challenger", purpose="shadow")
    return msgspec.structs.replace(
        decision,
        id=a_decision().id,
        shadow_of=decision.id,
        rule=None,
        cache=None,
        attempts=(attempt,),
        target="challenger",
        outcome="answered",
        policy_version="p2",
        cost_usd=attempt.cost_usd,
        router_cost_usd=attempt.cost_usd,
        baseline_cost_usd=Decimal(0),
    )


def clean(record: bytes) -> bytes:
    """As Postgres has it, which knows no NUL."""
    return record.replace(b"\\u0000", b"\\ufffd")


def opinions(decisions: list[Decision], seed: int) -> list[Feedback]:
    chance = random.Random(seed)
    about = [chance.choice(decisions) for _ in range(90)]
    return [
        Feedback(
            id=f"{seed}-{number:04}",
            decision=each.id,
            time=timestamp(NOW),
            tenant=each.tenant.replace("\0", "\ufffd"),
            user=each.user,
            score=chance.choice((0.0, 0.5, 1.0)),
            kind=chance.choice(("feedback", "feedback", "judge")),
            judge="sonnet",
        )
        for number, each in enumerate(about)
    ]


def take_in(store: SqliteStore, decisions: list[Decision], said: list[Feedback] = []) -> None:  # noqa: B006 - only read
    for start in range(0, max(len(decisions), 1), 150):
        part = [Written(each, encode_decision(each)) for each in decisions[start : start + 150]]
        store.append(part, "j", None, said if start == 0 else ())


@contextmanager
def made_fleet(postgres: Postgres, files: Path) -> Iterator[Fleet]:
    """Decisions, shadows and what was said of them came bit by bit, and were copied while they came."""
    apart = tuple(SqliteStore(files / f"{gateway}.sqlite3") for gateway in GATEWAYS)
    together = SqliteStore(database_file(files))
    with ExitStack() as ends:
        for gateway, store in zip(GATEWAYS, apart, strict=True):
            mirror = PostgresMirror(postgres.url, store, gateway)
            mirror.start()
            ends.callback(mirror.close, 60)
        for seed, store in enumerate(apart):
            decisions = traffic(seed)
            half, said = len(decisions) // 2, opinions(decisions, seed)
            take_in(store, decisions[:half], said[:45])
            take_in(store, decisions[half:], said[45:])
            take_in(
                together, [msgspec.json.decode(clean(encode_decision(each)), type=Decision) for each in decisions], said
            )
        scored = "SELECT count(*), count(feedback) FROM decisions"
        reader = PostgresStore(postgres.url)
        wait_for(lambda: answered(reader) and [*reader.rows(scored)] == [*together.rows(scored)], 60)
        told = "SELECT count(*) FROM feedback"
        wait_for(lambda: [*reader.rows(told)] == [*together.rows(told)], 60)
        reader.close()
    yield Fleet(postgres, files, apart, together)
    for store in (*apart, together):
        store.close()


def answered(reader: PostgresStore) -> bool:
    """Whether there is anything in the copy yet."""
    try:
        return query.count(reader) > 0
    except LedgerError:  # before any gateway has copied
        return False
