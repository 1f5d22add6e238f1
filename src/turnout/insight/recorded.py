"""What the ledger has of the calls that a provider charges for, by hour and model."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Callable, Iterator, Mapping
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Final, NamedTuple

import msgspec

from turnout.errors import LedgerError
from turnout.insight.bill import Key, family
from turnout.insight.query import Filter, select
from turnout.ledger.store import Store

_TOLD_EVERY: Final = 10_000
_HOUR: Final = timedelta(hours=1)


class Part(msgspec.Struct):
    """Some calls: how many, their tokens, and their known cost in USD."""

    calls: int = 0
    tokens: int = 0
    usd: Decimal = Decimal(0)

    def add(self, calls: int, tokens: int, usd: Decimal) -> None:
        """Count some more in."""
        self.calls += calls
        self.tokens += tokens
        self.usd += usd


class Recorded(msgspec.Struct):
    """The calls of a model in an hour or a day.

    Attributes:
        all: those that took any tokens.
        input_tokens, cached_tokens, output_tokens: as in an attempt's record.
        unpriced: those of unknown cost.
        estimated: those whose tokens are our estimate.
        broken: those that failed or were cancelled, and yet took tokens.
        at_midnight: those that were open when a day (UTC) ended.
        price_versions: where their prices came from.
        targets: whose they were.
    """

    all: Part = msgspec.field(default_factory=Part)
    input_tokens: int = 0
    cached_tokens: int = 0
    output_tokens: int = 0
    unpriced: Part = msgspec.field(default_factory=Part)
    estimated: Part = msgspec.field(default_factory=Part)
    broken: Part = msgspec.field(default_factory=Part)
    at_midnight: Part = msgspec.field(default_factory=Part)
    price_versions: set[str] = msgspec.field(default_factory=set)
    targets: set[str] = msgspec.field(default_factory=set)

    def add(self, other: Recorded) -> None:
        """Count others in."""
        for name in ("all", "unpriced", "estimated", "broken", "at_midnight"):
            part: Part = getattr(other, name)
            getattr(self, name).add(part.calls, part.tokens, part.usd)
        self.input_tokens += other.input_tokens
        self.cached_tokens += other.cached_tokens
        self.output_tokens += other.output_tokens
        self.price_versions |= other.price_versions
        self.targets |= other.targets


class Call(msgspec.Struct, frozen=True, gc=False):
    """As much of an attempt's record as a bill can be held against."""

    target: str
    started: str
    outcome: str
    latency_ms: float
    provider: str = ""
    model: str | None = None
    input_tokens: int = 0
    cached_tokens: int = 0
    output_tokens: int = 0
    cost_usd: Decimal | None = None
    estimated: bool = False
    price_version: str | None = None


class _Record(msgspec.Struct, frozen=True, gc=False):
    attempts: tuple[Call, ...] = ()


class Hour(NamedTuple):
    """Whose calls in which hour: `start` is aware, UTC; `model` its family."""

    start: datetime
    provider: str
    model: str


class _Place(NamedTuple):
    start: datetime
    target: str
    provider: str
    model: str | None


_decoder: Final = msgspec.json.Decoder(_Record)


def recorded_hours(
    store: Store, first: date, last: date, *, progress: Callable[[int], None] = lambda _: None
) -> dict[Hour, Recorded]:
    """The calls of some days and, since elsewhere days begin at another time, of the one before and the one after.

    Args:
        store: the ledger.
        first: the first day, in UTC.
        last: the last day.
        progress: is told how many further decisions have been read.

    Raises:
        LedgerError: the store cannot be read.
    """
    day = timedelta(days=1)
    since, until = (datetime(edge.year, edge.month, edge.day, tzinfo=UTC) for edge in (first - day, last + 2 * day))
    places: dict[_Place, Recorded] = defaultdict(Recorded)
    for call in _calls(store, Filter(since=since, until=until), progress):
        if not (call.input_tokens or call.output_tokens):
            continue  # nothing to charge for
        started = datetime.fromisoformat(call.started)
        start = started.replace(minute=0, second=0, microsecond=0)
        _count(places[_Place(start, call.target, call.provider, call.model)], call, started)
    return _named(places)


def by_day(hours: Mapping[Hour, Recorded], providers: frozenset[str], offset: int = 0) -> dict[Key, Recorded]:
    """The calls to some providers by day and model, in a time zone that is `offset` hours ahead of UTC."""
    days: dict[Key, Recorded] = defaultdict(Recorded)
    for hour, each in hours.items():
        if hour.provider in providers:
            days[Key((hour.start + offset * _HOUR).date(), hour.model)].add(each)
    return dict(days)


def _calls(store: Store, wanted: Filter, progress: Callable[[int], None]) -> Iterator[Call]:
    sql, parameters = select("record", wanted, "", of="accounts")
    for number, (record,) in enumerate(store.rows(sql, parameters), 1):
        try:
            yield from _decoder.decode(record).attempts
        except msgspec.DecodeError as error:
            raise LedgerError(f"a record in the ledger cannot be read ({error}): {record[:80]}...") from error
        if number % _TOLD_EVERY == 0:
            progress(_TOLD_EVERY)


def _count(into: Recorded, call: Call, started: datetime) -> None:
    tokens, usd = call.input_tokens + call.output_tokens, call.cost_usd or Decimal(0)
    into.input_tokens += call.input_tokens
    into.cached_tokens += call.cached_tokens
    into.output_tokens += call.output_tokens
    into.targets.add(call.target)
    if call.price_version:
        into.price_versions.add(call.price_version)
    ended = started + timedelta(milliseconds=call.latency_ms)
    parts = (
        (True, into.all),
        (call.cost_usd is None, into.unpriced),
        (call.estimated, into.estimated),
        (call.outcome in {"failed", "cancelled"}, into.broken),
        (started.date() != ended.date(), into.at_midnight),
    )
    for belongs, part in parts:
        if belongs:
            part.add(1, tokens, usd)


def _named(places: Mapping[_Place, Recorded]) -> dict[Hour, Recorded]:
    """Under the model that answered; a call that nobody answered is the model's that its target most often is."""
    seen: dict[str, Counter[tuple[str, str]]] = defaultdict(Counter)
    for place, each in places.items():
        if place.model:
            seen[place.target][place.provider, place.model] += each.all.calls
    hours: dict[Hour, Recorded] = defaultdict(Recorded)
    for place, each in places.items():
        usual = seen[place.target].most_common(1)
        provider, model = usual[0][0] if usual else (place.provider, place.target)
        hours[Hour(place.start, place.provider or provider, family(place.model or model))].add(each)
    return dict(hours)
