"""Decisions from other places: records that turnout exported, and tables of requests that somebody else recorded."""

from __future__ import annotations

import csv
import hashlib
import json
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from datetime import UTC, datetime
from decimal import Decimal, InvalidOperation
from itertools import islice
from pathlib import Path
from typing import Any, Final, NamedTuple, get_args

import msgspec

from turnout.errors import LedgerError, MissingExtra
from turnout.features.phrases import PhraseLists
from turnout.features.shape import read_features
from turnout.insight.export import COLUMNS, without_apostrophe
from turnout.ledger.entry import decode_decision, encode_decision
from turnout.ledger.store import WritableStore, Written
from turnout.types.clock import timestamp
from turnout.types.decision import Attempt, Decision, DecisionOutcome
from turnout.types.privacy import Transcript
from turnout.types.request import Outline, Said

BATCH: Final = 500
_JOURNAL: Final = "import"
_KNOWN: Final = "SELECT count(*) FROM decisions WHERE id IN (SELECT value FROM json_each(?))"
MORE: Final = ("text", "signals", "shadow_of")
"""Columns beside those of an export: what the user said last, which is kept; what was read off the answer, as JSON; and
the id of the row whose request this is another answer to."""
_NAMES: Final = ("shadow_of", "rule", "user", "source", "error", "cache", "query_hash", "query_key", "policy_version")


class Taken(NamedTuple):
    """A decision from elsewhere.

    Attributes:
        decision: the record.
        said: what was said in the request, where that came with it; it is kept as the record's `privacy` says.
    """

    decision: Decision
    said: tuple[Said, ...] = ()

    @property
    def transcript(self) -> Transcript:
        """What was said, as the ledger keeps it."""
        decision = self.decision
        return Transcript(
            decision=decision.id,
            time=decision.time,
            tenant=decision.tenant,
            user=decision.user,
            mode="full",
            said=self.said,
        )


class Imported(NamedTuple):
    """What an import came to.

    Attributes:
        read: how many decisions there were.
        known: how many of them the ledger had already; they are left as they are.
        oldest: when the oldest was admitted, ISO 8601; empty without any.
    """

    read: int = 0
    known: int = 0
    oldest: str = ""


def take_in(
    store: WritableStore,
    taken: Iterable[Taken],
    progress: Callable[[int], None] = lambda _: None,
    keep: Callable[[Sequence[Transcript]], None] = lambda _: None,
) -> Imported:
    """Put decisions into the ledger, each once, however often it is done.

    Args:
        store: the ledger.
        taken: what was read.
        progress: is told how many are in.
        keep: takes what was said in them.

    Raises:
        LedgerError: the store cannot be written, or what is read is not sound. What was read before is in.
    """
    done = Imported()
    left = iter(taken)
    while page := list(islice(left, BATCH)):
        batch = [each.decision for each in page]
        ids = json.dumps([each.id for each in batch])
        known = next(store.rows(_KNOWN, (ids,)), (0,))[0]
        store.append([Written(each, encode_decision(each)) for each in batch], _JOURNAL, None)
        keep([each.transcript for each in page if each.said])
        oldest = min([each.time for each in batch] + ([done.oldest] if done.oldest else []))
        done = Imported(done.read + len(batch), done.known + known, oldest)
        progress(done.read)
    return done


def read_jsonl(file: Path) -> Iterator[Taken]:
    """Records as `turnout ledger export` and `turnout decisions --json` write them.

    A line may also have `said`, a list of pairs of a role and a text: what was said in the request.

    Raises:
        LedgerError: a line is no record; it is named.
        OSError: the file cannot be read.
    """
    with file.open("rb") as lines:
        for number, line in enumerate(lines, 1):
            if line.strip():
                yield _record(line, f"{file}:{number}")


class _Said(msgspec.Struct):
    said: list[tuple[str, str]] = []


_said: Final = msgspec.json.Decoder(_Said)


def _record(line: bytes, where: str) -> Taken:
    try:
        told = _said.decode(line).said if b'"said"' in line else ()
        return Taken(decode_decision(msgspec.Raw(line)), tuple(Said(*turn) for turn in told))
    except msgspec.DecodeError as error:
        raise LedgerError(f"{where}: not a decision: {error}") from error


def read_csv(file: Path) -> Iterator[Taken]:
    """A table with a header: `time`, `target` (or `model`), and whichever of `COLUMNS` there are.

    Raises:
        LedgerError: a column is missing, or a value is not what its column holds; its line is named.
        OSError: the file cannot be read.
    """
    with file.open(encoding="utf-8-sig", newline="") as text:
        table = csv.DictReader(text)
        try:
            _check_columns(file, table.fieldnames or ())
            for row in table:
                cells = {name: without_apostrophe(cell) for name, cell in row.items() if name and cell}
                yield _decision(cells, f"{file}:{table.line_num}")
        except (csv.Error, UnicodeDecodeError) as error:
            raise LedgerError(f"{file}: not a table in UTF-8, after line {table.line_num}: {error}") from error


def read_parquet(file: Path) -> Iterator[Taken]:
    """The same from Parquet.

    Raises:
        LedgerError: as `read_csv`.
        MissingExtra: the extra `parquet` is not installed.
        OSError: the file cannot be read.
    """
    try:
        import pyarrow as pa
        from pyarrow import parquet
    except ImportError as error:
        raise MissingExtra("Parquet", "parquet") from error
    try:
        table = parquet.ParquetFile(file)
        _check_columns(file, table.schema_arrow.names)
        number = 0
        for page in table.iter_batches(BATCH):
            for row in page.to_pylist():
                number += 1
                cells = {name: value for name, value in row.items() if value is not None}
                yield _decision(cells, f"{file}, row {number}")
    except pa.ArrowInvalid as error:
        raise LedgerError(f"{file}: not a table: {error}") from error


READERS: Final[Mapping[str, Callable[[Path], Iterator[Taken]]]] = {
    "jsonl": read_jsonl,
    "csv": read_csv,
    "parquet": read_parquet,
}
"""By the end of a file's name."""


def _check_columns(file: Path, names: Iterable[str]) -> None:
    given = set(names)
    if "time" not in given or not given & {"target", "model"}:
        raise LedgerError(
            f"{file}: a table needs the columns time and target (or model). It may also have: "
            f"{', '.join(name for name in (*COLUMNS, *MORE) if name not in ('time', 'target', 'model'))}."
        )


def _decision(row: Mapping[str, Any], where: str) -> Taken:
    """A row as the record of a request that was answered by one attempt."""
    try:
        said = (Said("user", str(row["text"])),) if "text" in row else ()
        return Taken(_made(row, said), said)
    except (ValueError, InvalidOperation, KeyError, msgspec.DecodeError) as error:
        told = f"{error} is missing" if isinstance(error, KeyError) else str(error)
        raise LedgerError(f"{where}: {told}") from error


def _made(row: Mapping[str, Any], said: tuple[Said, ...]) -> Decision:
    at = _moment(row["time"])
    target = str(row.get("target") or row["model"])
    outcome = str(row.get("outcome", "answered"))
    if outcome not in get_args(DecisionOutcome):
        raise ValueError(f"'{outcome}' is no outcome: {', '.join(get_args(DecisionOutcome))}")
    cost = _usd(row, "cost_usd")
    answered = outcome == "answered"
    attempt = Attempt(
        target=target,
        started=timestamp(at),
        outcome="answered" if answered else "failed",
        model=row.get("model"),
        first_token_ms=_number(row, "first_token_ms"),
        latency_ms=_number(row, "latency_ms") or 0.0,
        input_tokens=_count(row, "input_tokens"),
        cached_tokens=_count(row, "cached_tokens"),
        output_tokens=_count(row, "output_tokens"),
        cost_usd=cost,
    )
    texts: dict[str, Any] = {name: str(row[name]) for name in _NAMES if name in row}
    return Decision(
        id=str(row.get("id") or _derived_id(at, row)),
        time=timestamp(at),
        route=str(row.get("route") or target),
        model=str(row.get("model") or target),
        tenant=str(row.get("tenant") or "default"),
        tags=msgspec.json.decode(row["tags"], type=dict[str, str]) if row.get("tags") else {},
        dialect="imported",
        reason="imported",
        attempts=(attempt,),
        target=target if answered else None,
        outcome=outcome,  # type: ignore[arg-type] # checked above
        latency_ms=attempt.latency_ms,
        overhead_ms=_number(row, "overhead_ms") or 0.0,
        cost_usd=cost,
        baseline_cost_usd=_usd(row, "baseline_cost_usd"),
        router_cost_usd=_usd(row, "router_cost_usd") or Decimal(0),
        privacy="full" if said else "hash",
        features=read_features(Outline(said=said), lists=PhraseLists()) if said else None,
        confidence=_number(row, "confidence"),
        signals=msgspec.json.decode(row["signals"], type=dict[str, float]) if row.get("signals") else {},
        feedback=_number(row, "feedback"),
        **texts,
    )


def _moment(given: Any) -> datetime:
    at = given if isinstance(given, datetime) else datetime.fromisoformat(str(given).strip())
    return at.replace(tzinfo=UTC) if at.tzinfo is None else at.astimezone(UTC)


def _number(row: Mapping[str, Any], name: str) -> float | None:
    return float(row[name]) if name in row else None


def _count(row: Mapping[str, Any], name: str) -> int:
    count = int(row.get(name, 0))
    if count < 0:
        raise ValueError(f"{name} is negative")
    return count


def _usd(row: Mapping[str, Any], name: str) -> Decimal | None:
    if name not in row:
        return None
    amount = Decimal(str(row[name]).strip())
    if not amount.is_finite():
        raise ValueError(f"{name} is no amount")
    amount = amount.normalize()
    return amount.quantize(Decimal(1)) if amount == amount.to_integral_value() else amount


def _derived_id(at: datetime, row: Mapping[str, Any]) -> str:
    """The same for the same row, so that what is imported twice is there once; sorts by time, as a UUIDv7 does."""
    digest = hashlib.sha256(repr(sorted((name, str(value)) for name, value in row.items())).encode()).hexdigest()
    stamp = f"{round(at.timestamp() * 1_000) & (1 << 48) - 1:012x}"
    return f"{stamp[:8]}-{stamp[8:]}-7{digest[:3]}-8{digest[3:6]}-{digest[6:18]}"
