"""Facts of a trace: a table with a row for each request."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final, NamedTuple

from turnout.errors import ConfigError
from turnout.insight.advise.assumptions import Assumptions
from turnout.insight.advise.evidence import wilson
from turnout.insight.advise.fact import Fact, Facts
from turnout.insight.advise.traffic import gini, growth, part_of_a_day, per_day
from turnout.insight.canary.arm import Arm
from turnout.insight.label_files import TRUTHS, Row, read_rows

NAMES: Final[Mapping[str, tuple[str, ...]]] = {
    "time": ("time", "timestamp", "timestamp_ms", "created_at", "arrived_at", "start_time", "date"),
    "input": ("input_tokens", "prompt_tokens", "contexttokens", "context_tokens", "input_length", "tokens_in"),
    "output": (
        "output_tokens",
        "completion_tokens",
        "generatedtokens",
        "generated_tokens",
        "output_length",
        "tokens_out",
    ),
    "tenant": ("tenant", "customer", "account", "organisation", "organization"),
    "category": ("category", "intent", "task", "route", "service", "trace"),
    "cost": ("cost_usd", "cost"),
    "cheap_ok": ("cheap_ok", "weak_correct", "acceptable"),
    "latency_critical": ("latency_critical", "interactive"),
}
"""What is looked for, and the columns that it is looked for in, in any case; the first that is there counts."""
_DAY_S: Final = 86_400
_KIND: Final = 0.01
_UNITS: Final = ((1e17, 1e-9), (1e14, 1e-6), (1e11, 1e-3))
"""Times as large as this count fractions of a second."""


class _Request(NamedTuple):
    at: float
    input: float
    output: float


def trace_facts(file: Path, columns: Mapping[str, str], taken: Assumptions) -> Facts:
    """What a trace tells.

    Args:
        file: CSV, JSON Lines or Parquet.
        columns: the column of each of `NAMES` where its name is none of those.
        taken: of which `busy_hours` says how much a day is that was only seen in part.

    Raises:
        ConfigError: it cannot be read, has no time or tokens, or a value makes no sense.
        MissingExtra: it is Parquet, and the extra `parquet` is not installed.
    """
    rows = read_rows(file)
    found = _columns(file, rows[0][1], columns)
    requests = [_request(file, line, row, found) for line, row in rows]
    known = _volume(requests, taken)
    cells = {name: [row.get(column) for _, row in rows] for name, column in found.items()}
    known |= _spread(cells, requests) | _shares(cells)
    used = ", ".join(f"{name} from '{column}'" for name, column in found.items())
    return Facts(known=known, source=f"{file.name}: {len(rows):,} requests ({used})")


def _columns(file: Path, row: Row, given: Mapping[str, str]) -> dict[str, str]:
    lower = {column.strip().lower(): column for column in row if column}
    for name, column in given.items():
        if name not in NAMES:
            raise ConfigError(f"'{name}' is nothing that a trace tells.", fix=f"There are: {', '.join(NAMES)}.")
        if column not in row:
            raise ConfigError(f"there is no column '{column}'.", fix=f"There are: {', '.join(row)}.", file=str(file))
    found = dict(given)
    for name, names in NAMES.items():
        there = [lower[each] for each in names if each in lower]
        if there:
            found.setdefault(name, there[0])
    if missing := [name for name in ("time", "input", "output") if name not in found]:
        told = f"no column is its {missing[0]}; it has {', '.join(str(column) for column in row)}."
        raise ConfigError(told, fix=f"Name it: --column {missing[0]}=COLUMN.", file=str(file), line=1)
    return found


def _request(file: Path, line: int, row: Row, found: Mapping[str, str]) -> _Request:
    def read(name: str, how: Callable[[Any, str], float]) -> float:
        value = row.get(found[name])
        try:
            return how(value, found[name])
        except (TypeError, ValueError, OverflowError):
            told = f"'{found[name]}' is {value!r}."
            raise ConfigError(told, fix=f"Write the {name} of each request.", file=str(file), line=line) from None

    return _Request(read("time", _seconds), read("input", _tokens), read("output", _tokens))


def _tokens(value: Any, _: str) -> float:
    number = float(value or 0)
    if not 0 <= number < 1e12:
        raise ValueError(value)
    return number


def _seconds(value: Any, column: str) -> float:
    """A moment in seconds: ISO 8601, or a number of seconds, or of ms, µs or ns as its size or its name says."""
    if isinstance(value, datetime):
        return (value if value.tzinfo else value.replace(tzinfo=UTC)).timestamp()
    try:
        number = float(value)
    except ValueError:
        moment = datetime.fromisoformat(value.strip())
        return (moment if moment.tzinfo else moment.replace(tzinfo=UTC)).timestamp()
    if not abs(number) < 1e20:
        raise ValueError(value)
    if column.lower().endswith("_ms"):
        return number / 1_000
    return number * next((unit for size, unit in _UNITS if number >= size), 1.0)


def _volume(requests: Sequence[_Request], taken: Assumptions) -> dict[str, Fact]:
    begin, end = min(each.at for each in requests), max(each.at for each in requests)
    used, read = sum(each.input + each.output for each in requests), sum(each.input for each in requests)
    known = {"input_share": Fact(value=read / used, how="of the tokens")} if used else {}
    span = (end - begin) * len(requests) / max(len(requests) - 1, 1)  # it ends a gap after its last request
    whole = int(span * (1 + 1e-9) // _DAY_S)
    if not whole:
        hours = max(span / 3_600, 1 / 60)
        totals = {"tokens_per_day": used, "requests_per_day": float(len(requests))}
        return known | {name: part_of_a_day(each, hours, taken.busy_hours) for name, each in totals.items()}
    tokens, number = [0.0] * whole, [0.0] * whole
    for each in requests:
        day = int((each.at - begin) // _DAY_S)
        if day < whole:
            tokens[day] += each.input + each.output
            number[day] += 1
    known["tokens_per_day"] = per_day(tokens, "mean")
    known["requests_per_day"] = per_day(number, "mean")
    trend = growth(tokens)
    return known if trend is None else known | {"growth": trend}


def _spread(cells: Mapping[str, Sequence[Any]], requests: Sequence[_Request]) -> dict[str, Fact]:
    known: dict[str, Fact] = {}
    if "category" in cells:
        counts: dict[Any, int] = defaultdict(int)
        for value in cells["category"]:
            counts[value] += 1
        kinds = sum(number >= _KIND * len(requests) for number in counts.values())
        known["categories"] = Fact(value=float(kinds), how="with 1 % of the requests each")
    if "tenant" in cells:
        by: dict[Any, float] = defaultdict(float)
        for tenant, each in zip(cells["tenant"], requests, strict=True):
            by[tenant] += each.input + each.output
        known["tenants"] = Fact(value=float(len(by)), how="in the trace")
        if len(by) > 1 and (total := sum(by.values())):
            known["tenant_gini"] = Fact(value=gini(by.values()), how="of the tenants' tokens")
            known["top_tenant"] = Fact(value=max(by.values()) / total, how="of the tokens")
    return known


def _shares(cells: Mapping[str, Sequence[Any]]) -> dict[str, Fact]:
    known: dict[str, Fact] = {}
    for name, fact in (("cheap_ok", "cheaper_share"), ("latency_critical", "latency_share")):
        told = [TRUTHS.get(str(value).strip().lower()) for value in cells.get(name, ())]
        arm = Arm()
        for value in told:
            if value is not None:
                arm.add(value, None)
        if arm.count:
            share = wilson(arm)
            how = f"of {share.number:,} requests of which it is told"
            known[fact] = Fact(value=share.value, low=share.low, high=share.high, how=how)
    return known
