"""A provider's own account of what it charges, read from the CSV that its console exports.

OpenAI's usage and cost exports (platform.openai.com, Usage, Export) and Anthropic's (console, Usage and Cost, Export)
are known by their columns. Columns may come in any order, in any case, and beside others.
"""

from __future__ import annotations

import csv
import re
from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, date, datetime
from decimal import Decimal, InvalidOperation
from pathlib import Path
from typing import Any, Final, NamedTuple, TextIO

import msgspec

from turnout.errors import ConfigError

_NO_USD: Final = Decimal(0)
_NAMED: Final = 12
_DIGITS: Final = 15  # more than any tokens or USD take, and few enough to be counted with
_FIX: Final = "Export usage or cost as CSV, by model and day, from the console of OpenAI or Anthropic."


class Key(NamedTuple):
    """What a bill and the ledger are compared by."""

    day: date
    model: str


class Billed(msgspec.Struct, frozen=True, kw_only=True):
    """What a bill says of some calls; None for what it does not say.

    Attributes:
        requests: how many there were.
        input_tokens: all of their prompts, what was read from and written to a cache included.
        cached_tokens: the part of it that was read from a cache.
        output_tokens: generated.
        cost_usd: what is charged.
        cached_usd: the part of it for tokens read from a cache, where the bill tells input from cached input.
        rounding_usd: by how much `cost_usd` may be off, because each line is rounded.
    """

    requests: int | None = None
    input_tokens: int | None = None
    cached_tokens: int | None = None
    output_tokens: int | None = None
    cost_usd: Decimal | None = None
    cached_usd: Decimal | None = None
    rounding_usd: Decimal = _NO_USD

    @property
    def tokens(self) -> int | None:
        """Input and output together."""
        both = (self.input_tokens, self.output_tokens)
        return None if both == (None, None) else sum(each or 0 for each in both)

    def plus(self, other: Billed) -> Billed:
        """Both together."""
        names = self.__struct_fields__
        sums: dict[str, Any] = {name: _added(getattr(self, name), getattr(other, name)) for name in names}
        return Billed(**sums)


class Bill(NamedTuple):
    """What a provider charges for some days.

    Attributes:
        issuer: `openai` or `anthropic`.
        first, last: the days, both included, that it is about.
        lines: what it charges, by day and model.
    """

    issuer: str
    first: date
    last: date
    lines: Mapping[Key, Billed]


class _Format(NamedTuple):
    """An issuer's names of columns; of several the first that is there.

    Attributes:
        input: of the prompt's tokens; those that a cache took part in are on top where `cache_apart`.
    """

    issuer: str
    when: tuple[str, ...]
    model: tuple[str, ...]
    requests: tuple[str, ...]
    input: tuple[str, ...]
    cached: tuple[str, ...]
    written: tuple[str, ...]
    output: tuple[str, ...]
    cost: tuple[str, ...]
    part: tuple[str, ...]
    cache_apart: bool


_OPENAI: Final = _Format(
    issuer="openai",
    when=("start_time_iso", "start_time", "usage_date", "date", "day", "timestamp"),
    model=("model", "model_id", "line_item", "snapshot_id"),
    requests=("num_model_requests", "n_requests", "num_requests", "requests"),
    input=("input_tokens", "n_context_tokens_total", "prompt_tokens"),
    cached=("input_cached_tokens", "n_cached_context_tokens_total", "cached_tokens"),
    written=(),
    output=("output_tokens", "n_generated_tokens_total", "completion_tokens"),
    cost=("amount_value", "cost_usd", "amount_usd", "cost", "amount"),
    part=("line_item",),
    cache_apart=False,
)
_ANTHROPIC: Final = _Format(
    issuer="anthropic",
    when=("usage_date_utc", "usage_date", "date", "day", "starting_at"),
    model=("model_version", "model"),
    requests=("request_count", "requests"),
    input=("usage_input_tokens_no_cache", "uncached_input_tokens", "input_tokens"),
    cached=("usage_input_tokens_cache_read", "cache_read_input_tokens", "cache_read_tokens"),
    written=(
        "usage_input_tokens_cache_write_5m",
        "usage_input_tokens_cache_write_1h",
        "usage_input_tokens_cache_write",
        "cache_creation_input_tokens",
    ),
    output=("usage_output_tokens", "output_tokens"),
    cost=("cost_usd", "cost"),
    part=("token_type", "cost_type"),
    cache_apart=True,
)
_ANTHROPIC_ONLY: Final = frozenset(
    {"usage_date_utc", "model_version", "uncached_input_tokens", "cache_read_input_tokens", "token_type"}
)


class _Row:
    """A line of a file, asked by the names that a column may have."""

    def __init__(self, file: str, line: int, cells: Mapping[str, str]) -> None:
        self.file = file
        self.line = line
        self.cells = cells

    def text(self, names: Sequence[str]) -> str:
        return next((value for name in names if (value := self.cells.get(name, "").strip())), "")

    def number(self, names: Sequence[str]) -> Decimal | None:
        written = self.text(names)
        if not written:
            return None
        try:
            found = Decimal(written.replace(",", "").removeprefix("$"))
        except InvalidOperation:
            found = Decimal("NaN")
        if not (found.is_finite() and found.adjusted() < _DIGITS):
            raise self.wrong(f"'{written}' is no number to bill.")
        return found

    def count(self, names: Sequence[str]) -> int | None:
        number = self.number(names)
        return None if number is None else int(number)

    def day(self, names: Sequence[str]) -> date:
        written = self.text(names)
        try:
            if re.fullmatch(r"\d{9,11}(\.0*)?", written):
                return datetime.fromtimestamp(int(written.partition(".")[0]), UTC).date()
            moment = datetime.fromisoformat(_padded(written))
        except ValueError as error:
            raise self.wrong(f"'{written}' is no day; days are written 2026-11-05.") from error
        return (moment.astimezone(UTC) if moment.tzinfo else moment).date()

    def wrong(self, problem: str) -> ConfigError:
        return ConfigError(problem, fix=_FIX, file=self.file, line=self.line)


def read_bill(path: Path, *, only: Mapping[str, str] | None = None) -> Bill:
    """Read an exported file.

    Args:
        path: the file.
        only: leave out lines whose columns have other values than these (`{"api_key": "gateway"}`).

    Raises:
        ConfigError: it cannot be read, is neither issuer's export, or a line of it makes no sense.
    """
    format_: _Format | None = None
    days: set[date] = set()
    lines: dict[Key, Billed] = {}
    for row in _rows(path, only or {}):
        format_ = format_ or _format(row)
        day = row.day(format_.when)
        days.add(day)
        billed = _billed(row, format_)
        if billed is None:  # a day without any use
            continue
        key = Key(day, family(_model(row, format_)))
        lines[key] = billed.plus(lines[key]) if key in lines else billed
    if format_ is None:
        fix = "Export a period with traffic, or ask for another --only."
        raise ConfigError("it has no line to compare.", fix=fix, file=str(path))
    return Bill(format_.issuer, min(days), max(days), lines)


def merged(bills: Sequence[Bill]) -> Bill:
    """Several files as one bill: other days, or tokens here and costs there.

    Raises:
        ConfigError: they are of different issuers, or two say the same of the same day.
    """
    first, *rest = bills
    lines = dict(first.lines)
    for other in rest:
        if other.issuer != first.issuer:
            raise ConfigError("the bills are of different providers.", fix="Reconcile each provider's on its own.")
        for measure in ("tokens", "cost_usd"):
            twice = _days(lines, measure) & _days(other.lines, measure)
            if twice:
                raise ConfigError(f"two of the bills have {min(twice)}.", fix="Give each day once.")
        for key, billed in other.lines.items():
            lines[key] = billed.plus(lines[key]) if key in lines else billed
    return Bill(first.issuer, min(bill.first for bill in bills), max(bill.last for bill in bills), lines)


def family(model: str) -> str:
    """A model's name without its maker, its date and `-latest`; of Claude's, whatever the order of the words.

    A bill names a model otherwise than its answers do: a cost export by its title (`Claude Sonnet 3.5`), a usage export
    by its snapshot (`claude-3-5-sonnet-20241022`).
    """
    name = re.sub(r"\s+", "-", model.strip().lower().rpartition("/")[2])
    name = re.sub(r"[-@](\d{8}|\d{4}-\d{2}-\d{2}|latest)$", "", name)
    if not name.startswith("claude-"):
        return name
    words = re.split(r"[-.]", name)
    return "-".join(sorted(words, key=str.isdigit))


def _added(one: Decimal | int | None, other: Decimal | int | None) -> Decimal | int | None:
    return other if one is None else one if other is None else one + other


def _padded(written: str) -> str:
    """`2026/9/1`, as spreadsheets write it, becomes `2026-09-01`."""
    found = re.fullmatch(r"(\d{4})[/-](\d{1,2})[/-](\d{1,2})", written)
    return f"{found[1]}-{found[2]:0>2}-{found[3]:0>2}" if found else written.removesuffix(" UTC")


def _days(lines: Mapping[Key, Billed], measure: str) -> set[date]:
    return {key.day for key, billed in lines.items() if getattr(billed, measure) is not None}


def _rows(path: Path, only: Mapping[str, str]) -> Iterator[_Row]:
    file = str(path)
    try:
        with path.open(encoding="utf-8-sig", newline="") as opened:
            yield from _chosen(opened, file, only)
    except OSError as error:
        raise ConfigError(
            f"it cannot be read: {error.strerror}.", fix="Give the path of an export.", file=file
        ) from error
    except (UnicodeDecodeError, csv.Error) as error:
        raise ConfigError("it is no CSV in UTF-8.", fix=_FIX, file=file) from error


def _chosen(opened: TextIO, file: str, only: Mapping[str, str]) -> Iterator[_Row]:
    header = opened.readline()
    opened.seek(0)
    reader = csv.reader(opened, delimiter=max(",;\t", key=header.count))
    names = [re.sub(r"[^a-z0-9]+", "_", name.strip().lower()).strip("_") for name in next(reader, [])]
    for column in only.keys() - names:
        fix = f"There are: {', '.join(names)}."
        raise ConfigError(f"there is no column '{column}'.", fix=fix, file=file, line=1)
    for cells in reader:
        row = dict(zip(names, cells, strict=False))
        if any(cells) and all(row.get(column, "").strip() == value for column, value in only.items()):
            yield _Row(file, reader.line_num, row)


def _format(row: _Row) -> _Format:
    """Whose export it is."""
    names = row.cells.keys()
    found = _ANTHROPIC if names & _ANTHROPIC_ONLY else _OPENAI
    wanted = (("a day", found.when), ("a model", found.model), ("tokens or a cost", (*found.input, *found.cost)))
    for what, columns in wanted:
        if not names & set(columns):
            told = f"no column has {what} ({' or '.join(columns[:3])}); it has {', '.join(list(names)[:_NAMED])}."
            raise ConfigError(told, fix=_FIX, file=row.file, line=1)
    return found


def _billed(row: _Row, format_: _Format) -> Billed | None:
    """What a line says; None where it says nothing."""
    cost = row.number(format_.cost)
    currency = row.text(("amount_currency", "currency"))
    if cost is not None and currency and currency.lower() != "usd":
        raise row.wrong(f"the amount is in {currency}, and prices are in USD.")
    given, cached = row.count(format_.input), row.count(format_.cached)
    written = [row.count((name,)) for name in format_.written]
    if format_.cache_apart and given is not None:
        given += (cached or 0) + sum(each or 0 for each in written)
    billed = Billed(
        requests=row.count(format_.requests),
        input_tokens=given,
        cached_tokens=cached,
        output_tokens=row.count(format_.output),
        cost_usd=cost,
        cached_usd=_of_cache(row, format_, cost),
        rounding_usd=_NO_USD if cost is None else Decimal(5).scaleb(int(cost.as_tuple().exponent) - 1),
    )
    return None if billed.tokens is None and cost is None else billed


def _of_cache(row: _Row, format_: _Format, cost: Decimal | None) -> Decimal | None:
    part = row.text(format_.part).lower()
    if cost is None or not part:
        return None
    return cost if "cached" in part or "cache_read" in part else _NO_USD


def _model(row: _Row, format_: _Format) -> str:
    """The model that a line is about; of a line item (`priority | gpt-4o-2024-08-06, cached input`) its part."""
    written = row.text(format_.model) or row.text(("cost_type",))
    if not written:
        raise row.wrong("it does not say which model it is about: the export is not by model or line item.")
    return written.rpartition("|")[2].partition(",")[0].strip()
