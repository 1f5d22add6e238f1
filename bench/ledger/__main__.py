"""Fill a ledger with made-up decisions, then time what pages and reports ask of it.

python -m bench.ledger                          10 million decisions: half an hour, and 25 GB of disk
python -m bench.ledger --decisions 100000       a minute
python -m bench.ledger --decisions 20000 --keep DIRECTORY      a ledger to look at
"""

from __future__ import annotations

import argparse
import json
import shutil
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from datetime import datetime, timedelta
from itertools import islice
from pathlib import Path
from statistics import median
from typing import Final

from rich.console import Console
from rich.progress import Progress
from rich.table import Table

from bench.ledger.traffic import midnight, traffic
from turnout.insight import query
from turnout.insight.latency import calls, latencies
from turnout.insight.query import Filter
from turnout.insight.report import make_report
from turnout.insight.sums import series, summary, totals
from turnout.ledger.entry import encode_decision
from turnout.ledger.location import database_file
from turnout.ledger.sqlite import SqliteStore
from turnout.ledger.store import Position, Store, Written
from turnout.types.decision import Decision

BATCH: Final = 2_000
ROUNDS: Final = 5
PROMISED_S: Final = 1.0


def main() -> int:
    """Fill, measure, print; 1 where an answer took longer than it may."""
    given = _arguments()
    directory = given.keep or Path(tempfile.mkdtemp(prefix="turnout-bench-ledger-"))
    console = Console(stderr=True)
    store = SqliteStore(database_file(directory))
    filled_s = fill(store, given.decisions, given.days, console)
    store.close()
    size = sum(file.stat().st_size for file in directory.rglob("*") if file.is_file())
    seconds = {name: timed(ask) for name, ask in questions(store, midnight(), given.days).items()}
    found = {
        "decisions": given.decisions,
        "days": given.days,
        "rows_per_s": round(given.decisions / filled_s),
        "bytes_per_decision": round(size / given.decisions),
        "seconds": seconds,
    }
    show(Console(), found)
    if given.json:
        given.json.write_text(json.dumps(found, indent=1) + "\n", encoding="utf-8")
    if not given.keep:
        shutil.rmtree(directory)
    return int(any(median(each) > PROMISED_S for each in seconds.values()))


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="bench.ledger", description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--decisions", type=int, default=10_000_000, help="how many to make up")
    parser.add_argument("--days", type=int, default=60, help="over how many days they are spread")
    parser.add_argument("--keep", type=Path, help="fill this directory, and leave it")
    parser.add_argument("--json", type=Path, help="where the figures are written")
    return parser.parse_args()


def fill(
    store: SqliteStore, number: int, days: int, console: Console, change: Callable[[Decision], Decision] | None = None
) -> float:
    """Take the decisions in as the drain does, batch by batch; the processor's seconds that this took.

    Args:
        store: what is filled.
        number: of decisions.
        days: over how many days they are spread, until midnight.
        console: where it is told how far it is.
        change: what is done to each decision before it is taken in; None for nothing.
    """
    made = traffic(number, days=days, until=midnight())
    if change is not None:
        made = map(change, made)
    spent = 0.0
    with Progress(console=console) as progress:
        task = progress.add_task("decisions", total=number)
        for place, batch in enumerate(_batches(made)):
            began = time.thread_time()
            store.append(batch, "bench", Position(1, place))
            spent += time.thread_time() - began
            progress.advance(task, len(batch))
    return spent


def _batches(made: Iterator[Decision]) -> Iterator[list[Written]]:
    while batch := [Written(each, encode_decision(each)) for each in islice(made, BATCH)]:
        yield batch


def questions(store: Store, until: datetime, days: int) -> dict[str, Callable[[], object]]:
    """What is asked, and by which page or report."""
    odd = Filter(since=until - timedelta(days=days * 0.6, minutes=17), until=until - timedelta(minutes=43))
    whole = Filter(since=until - timedelta(days=days), until=until)
    day = Filter(since=until - timedelta(days=1), until=until)
    newest = next(query.decisions(store, Filter(), limit=1))
    return {
        "overview: sums of the whole period": lambda: summary(store, whole),
        "overview: day by day": lambda: series(store, whole, timedelta(days=1)),
        "overview: the last day, hour by hour": lambda: series(store, day, timedelta(hours=1)),
        "overview: the last hour, minute by minute": lambda: series(
            store, Filter(since=until - timedelta(hours=1)), timedelta(minutes=1)
        ),
        "overview: latencies day by day": lambda: latencies(store, whole, step=timedelta(days=1)),
        "tenants": lambda: totals(store, whole, by=("tenant",)),
        "routes, rules, targets": lambda: totals(store, whole, by=("route", "rule", "target")),
        "targets: calls": lambda: calls(store, whole.since, whole.until),
        "savings of a period that begins and ends anywhere": lambda: totals(store, odd, by=("route", "rule")),
        "turnout report --by user": lambda: make_report(store, odd, by=("user",), now=until),
        "turnout report --by tag:team": lambda: make_report(store, odd, by=("tag:team",), now=until),
        "one tenant's report": lambda: make_report(
            store, Filter(since=odd.since, until=odd.until, tenant="tenant-03"), by=("route",), now=until
        ),
        "turnout report --by tenant": lambda: make_report(store, whole, by=("tenant",), now=until),
        "decisions: the newest 50": lambda: list(query.decisions(store, Filter(), limit=50)),
        "decisions: the newest 50 of a tenant": lambda: list(
            query.decisions(store, Filter(tenant="tenant-07"), limit=50)
        ),
        "decisions: the newest 50 that fell back": lambda: list(
            query.decisions(store, Filter(fell_back=True), limit=50)
        ),
        "decisions: by the beginning of an id": lambda: list(
            query.decisions(store, Filter(id_prefix=newest.id[:8]), limit=2)
        ),
        "decisions: by query hash, of a day": lambda: list(
            query.decisions(store, Filter(query_hash=newest.query_hash, since=day.since), limit=50)
        ),
    }


def timed(ask: Callable[[], object]) -> list[float]:
    """How long an answer takes, in seconds, several times."""
    found = []
    for _ in range(ROUNDS):
        began = time.perf_counter()
        ask()
        found.append(round(time.perf_counter() - began, 4))
    return found


def show(console: Console, found: dict[str, object]) -> None:
    """Print what was measured."""
    table = Table(title=f"{found['decisions']:,} decisions over {found['days']} days")
    table.add_column("asked")
    table.add_column("median, ms", justify="right")
    table.add_column("slowest, ms", justify="right")
    seconds = found["seconds"]
    assert isinstance(seconds, dict)
    for name, each in seconds.items():
        table.add_row(name, f"{median(each) * 1000:.1f}", f"{max(each) * 1000:.1f}")
    console.print(table)
    console.print(f"taken in: {found['rows_per_s']:,} decisions per second of one core")
    console.print(f"on disk: {found['bytes_per_decision']:,} bytes a decision")


if __name__ == "__main__":
    sys.exit(main())
