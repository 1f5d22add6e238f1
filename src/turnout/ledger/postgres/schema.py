"""The tables of the copy. All amounts are in USD, all times with their zone, and days are UTC's."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from typing import Final

PARTITIONED: Final = ("decisions", "attempts", "drops")
"""The tables that have a partition for each day of their decisions' times."""

TABLES: Final = """
CREATE SCHEMA IF NOT EXISTS turnout;

CREATE TABLE IF NOT EXISTS turnout.decisions (
    time timestamptz NOT NULL,
    id text NOT NULL,
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
    record json NOT NULL,
    PRIMARY KEY (time, id)
) PARTITION BY RANGE (time);
CREATE INDEX IF NOT EXISTS decisions_id ON turnout.decisions (id);
CREATE INDEX IF NOT EXISTS decisions_tenant ON turnout.decisions (tenant, time);
CREATE INDEX IF NOT EXISTS decisions_route ON turnout.decisions (route, time);

CREATE TABLE IF NOT EXISTS turnout.attempts (
    time timestamptz NOT NULL,
    decision text NOT NULL,
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
    decision text NOT NULL,
    position integer NOT NULL,
    target text NOT NULL,
    reason text NOT NULL,
    PRIMARY KEY (time, decision, position)
) PARTITION BY RANGE (time);

CREATE TABLE IF NOT EXISTS turnout.feedback (
    id text PRIMARY KEY,
    time timestamptz NOT NULL,
    decision text NOT NULL,
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
    feedback_id text NOT NULL
);
"""


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
