"""The tables of the copy. Their amounts are in USD, their times have a zone, and days are UTC's.

The sums are the embedded ledger's own, as it has them (see `turnout/ledger/migrations`): amounts in pico-USD, times in
ms since 1970.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from typing import Final

from turnout.ledger.rollups import KEYS, SKETCHES, SUMMED

VERSION: Final = 2
"""Of these tables."""
PARTITIONED: Final = ("decisions", "attempts", "drops")
"""The tables that have a partition for each day of their decisions' times."""
RENAMED: Final = {"user": "user_name"}
"""Columns that Postgres has under another name: `user` is a word of its own there."""
MS: Final = "(extract(epoch FROM time AT TIME ZONE 'UTC') * 1000)::bigint"
"""A row's time as the embedded ledger has it; indexed."""

_NUMBERS: Final = frozenset({"width", "start"})

_TABLES: Final = f"""
CREATE SCHEMA IF NOT EXISTS turnout;

CREATE SEQUENCE IF NOT EXISTS turnout.arrivals;

CREATE TABLE IF NOT EXISTS turnout.decisions (
    time timestamptz NOT NULL,
    id text COLLATE "C" NOT NULL,
    seq bigint NOT NULL DEFAULT nextval('turnout.arrivals'),
    ledger text NOT NULL,
    route text NOT NULL,
    tenant text NOT NULL,
    project text,
    user_name text,
    source text,
    rule text,
    target text,
    outcome text NOT NULL,
    query_hash text NOT NULL,
    fell_back boolean NOT NULL,
    escalated boolean NOT NULL,
    cached boolean NOT NULL,
    attempts integer NOT NULL,
    input_tokens bigint NOT NULL,
    output_tokens bigint NOT NULL,
    latency_ms double precision NOT NULL,
    overhead_ms double precision,
    first_token_ms double precision,
    cost_usd numeric(24, 12),
    baseline_cost_usd numeric(24, 12),
    router_cost_usd numeric(24, 12),
    feedback double precision,
    record json NOT NULL,
    PRIMARY KEY (time, id)
) PARTITION BY RANGE (time);
CREATE INDEX IF NOT EXISTS decisions_id ON turnout.decisions (id);
CREATE INDEX IF NOT EXISTS decisions_seq ON turnout.decisions (seq);
CREATE INDEX IF NOT EXISTS decisions_ms ON turnout.decisions (({MS}), seq);
CREATE INDEX IF NOT EXISTS decisions_tenant ON turnout.decisions (tenant, time);
CREATE INDEX IF NOT EXISTS decisions_route ON turnout.decisions (route, time);

CREATE TABLE IF NOT EXISTS turnout.shadows (
    id text COLLATE "C" PRIMARY KEY,
    decision text COLLATE "C" NOT NULL,
    time timestamptz NOT NULL,
    seq bigint NOT NULL DEFAULT nextval('turnout.arrivals'),
    ledger text NOT NULL,
    route text NOT NULL,
    tenant text NOT NULL,
    project text,
    user_name text,
    source text,
    target text,
    outcome text NOT NULL,
    query_hash text NOT NULL,
    latency_ms double precision NOT NULL,
    cost_usd numeric(24, 12),
    baseline_cost_usd numeric(24, 12),
    purpose text NOT NULL,
    record json NOT NULL
);
CREATE INDEX IF NOT EXISTS shadows_decision ON turnout.shadows (decision);
CREATE INDEX IF NOT EXISTS shadows_ms ON turnout.shadows (({MS}));
CREATE INDEX IF NOT EXISTS shadows_time ON turnout.shadows (time);

CREATE TABLE IF NOT EXISTS turnout.attempts (
    time timestamptz NOT NULL,
    decision text COLLATE "C" NOT NULL,
    position integer NOT NULL,
    target text NOT NULL,
    provider text NOT NULL,
    purpose text NOT NULL,
    started timestamptz NOT NULL,
    outcome text NOT NULL,
    error_class text,
    status integer,
    first_token_ms double precision,
    latency_ms double precision NOT NULL,
    input_tokens bigint NOT NULL,
    cached_tokens bigint NOT NULL,
    output_tokens bigint NOT NULL,
    cost_usd numeric(24, 12),
    estimated boolean NOT NULL,
    price_version text NOT NULL,
    PRIMARY KEY (time, decision, position)
) PARTITION BY RANGE (time);

CREATE TABLE IF NOT EXISTS turnout.drops (
    time timestamptz NOT NULL,
    decision text COLLATE "C" NOT NULL,
    position integer NOT NULL,
    target text NOT NULL,
    reason text NOT NULL,
    PRIMARY KEY (time, decision, position)
) PARTITION BY RANGE (time);

CREATE TABLE IF NOT EXISTS turnout.feedback (
    id text COLLATE "C" PRIMARY KEY,
    time timestamptz NOT NULL,
    decision text COLLATE "C" NOT NULL,
    tenant text NOT NULL,
    user_name text,
    score double precision,
    label text,
    comment text,
    kind text NOT NULL,
    judge text
);
CREATE INDEX IF NOT EXISTS feedback_decision ON turnout.feedback (decision);
CREATE INDEX IF NOT EXISTS feedback_time ON turnout.feedback (time);

CREATE TABLE IF NOT EXISTS turnout.positions (
    ledger text PRIMARY KEY,
    decision_seq bigint NOT NULL,
    decision_id text NOT NULL,
    feedback_seq bigint NOT NULL,
    feedback_id text NOT NULL,
    shadow_seq bigint NOT NULL,
    shadow_id text NOT NULL
);

CREATE TABLE IF NOT EXISTS turnout.version (version integer NOT NULL);
INSERT INTO turnout.version SELECT {VERSION} WHERE NOT EXISTS (SELECT 1 FROM turnout.version);
"""  # noqa: S608 - our own names
FOUND: Final = """
SELECT to_regclass('turnout.version') IS NOT NULL, to_regclass('turnout.positions') IS NOT NULL"""
"""Whether there are tables of a version that says so, and whether there are any."""


def tables() -> str:
    """What makes the tables that are not there."""
    return _TABLES + "".join(_sums())


def _sums() -> Iterator[str]:
    for table, keys in KEYS.items():
        columns = [f"{name} {'bigint' if name in _NUMBERS else 'text'} NOT NULL" for name in renamed(keys)]
        columns += [f"{name} bigint NOT NULL" for name in SUMMED[table]]
        columns += [f"{name} bytea" for name in SKETCHES.get(table, ())]
        key = ", ".join((*renamed(keys), "ledger"))
        yield (
            f"CREATE TABLE IF NOT EXISTS turnout.{table} "
            f"(ledger text NOT NULL, {', '.join(columns)}, PRIMARY KEY ({key}));\n"
        )


def renamed(columns: tuple[str, ...]) -> tuple[str, ...]:
    """The names of columns in Postgres."""
    return tuple(RENAMED.get(name, name) for name in columns)


def partition(table: str, day: date) -> str:
    """What makes the partition of a day, if there is none."""
    begins = datetime(day.year, day.month, day.day, tzinfo=UTC)
    ends = begins + timedelta(days=1)
    return (
        f"CREATE TABLE IF NOT EXISTS turnout.{table}_{day:%Y%m%d} PARTITION OF turnout.{table} "
        f"FOR VALUES FROM ('{begins.isoformat()}') TO ('{ends.isoformat()}')"
    )


def day_of(name: str) -> date | None:
    """The day of a partition, by its table's name; None for any other table."""
    table, _, day = name.rpartition("_")
    if table not in PARTITIONED or not (day.isdigit() and len(day) == len("20260101")):
        return None
    return date(int(day[:4]), int(day[4:6]), int(day[6:]))
