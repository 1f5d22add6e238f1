"""The embedded ledger's tables and its SQL, as Postgres has them: here is all in which the two differ.

Queries are written in what both understand. What is left are the columns' units and names, which subqueries of the
embedded tables' names put right, and the spelling of parameters and of what is inside a record.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from decimal import Decimal
from typing import Any, Final

from turnout.ledger.postgres.schema import MS, RENAMED
from turnout.ledger.postgres.sums import sum_columns
from turnout.ledger.rollups import KEYS

_MINE: Final = "/* of the ledgers asked */"
_OF_DECISION: Final = (
    "id, {ms} AS time, route, tenant, project, user_name, source, {rule} AS rule, target, outcome, query_hash"
)
_PICO: Final = "({name}_usd * 1000000000000)::bigint AS {name}"
_AMOUNTS: Final = ", ".join(_PICO.format(name=name) for name in ("cost", "router_cost", "baseline_cost"))
_DECISIONS: Final = f"""
SELECT seq, {_OF_DECISION.format(ms=MS, rule="rule")}, fell_back::int AS fell_back, escalated::int AS escalated,
    cached::int AS cached, attempts, input_tokens, output_tokens, latency_ms, overhead_ms, first_token_ms, {_AMOUNTS},
    feedback, record
FROM turnout.decisions WHERE {_MINE}"""  # noqa: S608 - our own names, here and below
_SHADOWS: Final = f"""
SELECT seq, decision, {_OF_DECISION.format(ms=MS, rule="NULL::text")}, latency_ms, {_PICO.format(name="cost")},
    {_PICO.format(name="baseline_cost")}, purpose, record
FROM turnout.shadows WHERE {_MINE}"""  # noqa: S608
_ACCOUNTS: Final = """
SELECT seq, id, time, route, tenant, project, user_name, source, rule, target, outcome, query_hash, 1 AS counted,
    fell_back, escalated, cached, attempts, input_tokens, output_tokens, cost, router_cost, baseline_cost, feedback,
    record
FROM decisions UNION ALL
SELECT NULL, id, time, route, tenant, project, user_name, source, rule, target, outcome, query_hash, 0,
    0, 0, 0, 0, 0, 0, cost, cost, baseline_cost, NULL, record
FROM shadows"""
_ATTEMPTS: Final = f"""
SELECT time, decision, position, target, provider, purpose, outcome, error_class, status, first_token_ms, latency_ms,
    input_tokens, cached_tokens, output_tokens, {_PICO.format(name="cost")}, estimated::int AS estimated, price_version
FROM turnout.attempts"""  # noqa: S608
_FEEDBACK: Final = f"""
SELECT id, decision, {MS} AS time, tenant, user_name, score, label, comment, kind, judge FROM turnout.feedback"""  # noqa: S608
_TEXTS: Final = "SELECT NULL::text AS decision, NULL::text AS mode, NULL::text AS said WHERE false"
_PROGRESS: Final = "SELECT NULL::text AS name, 0::bigint AS value WHERE false"
_TABLES: Final = {
    "decisions": _DECISIONS,
    "shadows": _SHADOWS,
    "accounts": _ACCOUNTS,
    "attempts": _ATTEMPTS,
    "drops": "SELECT decision, position, target, reason FROM turnout.drops",
    "feedback": _FEEDBACK,
    "texts": _TEXTS,
    "progress": _PROGRESS,
    **{
        table: f"SELECT {', '.join(RENAMED.get(name, name) for name in sum_columns(table))} "  # noqa: S608 - our own names
        f"FROM turnout.{table} WHERE {_MINE}"
        for table in KEYS
    },
}
"""What the embedded ledger has under these names. Texts are never copied, and nothing waits to be summed."""
_USED: Final = re.compile(rf"\b(?:FROM|JOIN)\s+({'|'.join(_TABLES)})\b")
_WORDS: Final = re.compile(r"\?|\buser\b|\ba\.decision = d\.id\b")
_JSON: Final = re.compile(r"json_(each|extract)\(([\w.]+), '\$\.([\w.]+)'\)")
_TYPES: Final = {bool: "boolean", int: "bigint", float: "double precision", str: "text"}


def translated(sql: str, parameters: Sequence[Any], ledger: str | None) -> tuple[str, list[Any]]:
    """A query of the embedded ledger's tables as Postgres takes it, and its parameters.

    Args:
        sql: as `Store.rows` takes it; in none of its texts is a question mark or a column's name.
        parameters: its parameters.
        ledger: the name of the one ledger that is asked; None for all of them.
    """
    bound: list[Any] = []
    left = iter(parameters)

    def spelled(word: re.Match[str]) -> str:
        if word[0] == "?":
            return _parameter(next(left), bound)
        if word[0] in RENAMED:
            return RENAMED[word[0]]
        return (
            "a.decision = d.id AND a.time = to_timestamp(d.time / 1000.0)"  # or each day's attempts would be looked at
        )

    asked = _WORDS.sub(spelled, _JSON.sub(_inside, sql))
    tables = ", ".join(f"{name} AS NOT MATERIALIZED ({_TABLES[name]})" for name in _used(asked))
    if _MINE in tables:
        mine = "true" if ledger is None else f"ledger = {_parameter(ledger, bound)}"
        tables = tables.replace(_MINE, mine)
    return (f"WITH {tables} {asked}" if tables else asked), bound


def _inside(word: re.Match[str]) -> str:
    """What is inside a record."""
    path = f"'{{{word[3].replace('.', ',')}}}'"
    if word[1] == "extract":
        return f"({word[2]} #>> {path})"
    return f"json_each_text({word[2]} #> {path}) AS inside (key, atom)"


def plain(value: Any) -> Any:
    """A value as SQLite gives it; amounts and sums of Postgres are decimals, and here they are whole numbers."""
    return int(value) if type(value) is Decimal else value


def _parameter(value: Any, bound: list[Any]) -> str:
    if value is None:
        return "NULL"
    bound.append(value)
    return f"${len(bound)}::{_TYPES[type(value)]}"


def _used(sql: str) -> Iterator[str]:
    """The tables that a query names, each after those that it is made of."""
    named = set(_USED.findall(sql))
    if "accounts" in named:
        named |= {"decisions", "shadows"}
    return (name for name in _TABLES if name in named)
