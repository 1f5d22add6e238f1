"""Decisions for other programs: as JSON lines, or as a table with a row for each."""

from __future__ import annotations

import csv
import io
from collections.abc import Callable, Iterable, Iterator, Mapping
from datetime import datetime
from itertools import islice
from typing import Any, BinaryIO, Final

import msgspec

from turnout.errors import MissingExtra
from turnout.insight.query import Filter, select
from turnout.ledger.entry import encode_decision, stored_decision
from turnout.ledger.store import Store
from turnout.types.decision import Decision

PAGE: Final = 2_000
"""Decisions read at a time: a reader that took longer would let the write-ahead log grow."""

COLUMNS: Final[Mapping[str, type]] = {
    "time": str, "id": str, "route": str, "model": str, "tenant": str, "project": str, "user": str, "source": str,
    "tags": dict, "rule": str, "target": str, "outcome": str, "error": str, "attempts": int, "input_tokens": int,
    "cached_tokens": int, "output_tokens": int, "latency_ms": float, "first_token_ms": float, "overhead_ms": float,
    "cost_usd": object, "baseline_cost_usd": object, "router_cost_usd": object, "confidence": float, "feedback": float,
    "cache": str, "privacy": str, "query_hash": str, "query_key": str, "policy_version": str, "config_version": str,
}  # fmt: skip
"""The columns of a table, and what is in them; `object` is an exact amount in USD, `dict` JSON."""

_FORMULA: Final = ("=", "+", "-", "@", "\t", "\r")


def in_order(store: Store, wanted: Filter) -> Iterator[Decision]:
    """The decisions wanted, oldest first, a page at a time.

    Raises:
        LedgerError: the store cannot be read.
    """
    rest = "AND (time, seq) > (?, ?) ORDER BY time, seq LIMIT ?"
    sql, parameters = select("time, seq, record, feedback", wanted, rest)
    after: tuple[int, int] = (-1, 0)
    while page := list(store.rows(sql, (*parameters, *after, PAGE))):
        for time_ms, seq, record, feedback in page:
            after = (time_ms, seq)
            yield stored_decision(record, feedback)


def row_of(decision: Decision) -> dict[str, Any]:
    """A decision as a row: of its attempts there are the sums, and the first token of the one that answered."""
    row: dict[str, Any] = {name: getattr(decision, name, None) for name in COLUMNS}
    attempts = decision.attempts
    answers = [each for each in attempts if each.target == decision.target and each.outcome == "answered"]
    return {
        **row,
        "attempts": len(attempts),
        "input_tokens": sum(each.input_tokens for each in attempts),
        "cached_tokens": sum(each.cached_tokens for each in attempts),
        "output_tokens": sum(each.output_tokens for each in attempts),
        "first_token_ms": answers[-1].first_token_ms if answers else None,
        "tags": msgspec.json.encode(decision.tags, order="deterministic").decode() if decision.tags else None,
    }


def write_jsonl(decisions: Iterable[Decision], out: BinaryIO) -> None:
    """One record on each line, every field."""
    out.writelines(encode_decision(decision) + b"\n" for decision in decisions)


def write_csv(decisions: Iterable[Decision], out: BinaryIO) -> None:
    """A table with a header. A text that a spreadsheet would take for a formula is preceded by an apostrophe."""
    text = io.TextIOWrapper(out, encoding="utf-8", newline="", write_through=True)
    writer = csv.writer(text)  # ends lines as RFC 4180 says, and so quotes every kind of line end
    writer.writerow(COLUMNS)
    for decision in decisions:
        writer.writerow([_cell(value) for value in row_of(decision).values()])
    text.detach()


def _cell(value: Any) -> str:
    if value is None:
        return ""
    if isinstance(value, str) and value.startswith(_FORMULA):
        return f"'{value}"
    return f"{value:f}" if hasattr(value, "as_tuple") else str(value)


def without_apostrophe(cell: str) -> str:
    """What a cell of `write_csv` stood for."""
    return cell[1:] if cell.startswith("'") and cell[1:].startswith(_FORMULA) else cell


def write_parquet(decisions: Iterable[Decision], out: BinaryIO) -> None:
    """The table as Parquet: times in UTC, amounts as decimals.

    Raises:
        MissingExtra: the extra `parquet` is not installed.
    """
    try:
        import pyarrow as pa
        from pyarrow import parquet
    except ImportError as error:
        raise MissingExtra("Parquet", "parquet") from error
    types = {
        str: pa.string(),
        dict: pa.string(),
        int: pa.int64(),
        float: pa.float64(),
        object: pa.decimal128(38, 12),
    }
    schema = pa.schema([(name, types[kind]) for name, kind in COLUMNS.items()])
    schema = schema.set(0, pa.field("time", pa.timestamp("ms", tz="UTC")))
    with parquet.ParquetWriter(out, schema) as writer:
        rows = map(row_of, decisions)
        while page := list(islice(rows, PAGE)):
            for row in page:
                row["time"] = datetime.fromisoformat(row["time"])
            writer.write_batch(pa.RecordBatch.from_pylist(page, schema))


WRITERS: Final[Mapping[str, Callable[[Iterable[Decision], BinaryIO], None]]] = {
    "jsonl": write_jsonl,
    "csv": write_csv,
    "parquet": write_parquet,
}
"""By the end of a file's name."""
