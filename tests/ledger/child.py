"""Processes that journal, to be run by tests and killed by them."""

from __future__ import annotations

import json
import os
import resource
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

from tests.ledger import samples
from turnout.errors import LedgerError
from turnout.ledger.drain import Drain
from turnout.ledger.embedded import EmbeddedLedger
from turnout.ledger.journal import Journal
from turnout.ledger.location import database_file, journal_directory
from turnout.ledger.sqlite import SqliteStore

if TYPE_CHECKING:
    from collections.abc import Callable


def command(what: str, *arguments: object) -> list[str]:
    """The command line that runs one of the functions below; its working directory must be the repository's."""
    return [sys.executable, "-m", "tests.ledger.child", what, *map(str, arguments)]


def say(**told: Any) -> None:
    sys.stdout.write(json.dumps(told) + "\n")
    sys.stdout.flush()


def limit_files(size: int) -> None:
    """No file may grow beyond `size` bytes: how a disk runs full without being root."""
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, resource.RLIM_INFINITY))


def fill(directory: str, truncation: str) -> None:
    """Journal while the disk runs full, and after there is room again."""

    def fail(file: int, size: int) -> None:
        raise OSError(5, "Input/output error")

    real = os.ftruncate
    if truncation == "fails":
        os.ftruncate = fail
    journal = Journal(Path(directory), worker="child")
    acknowledged, refused, error = [], 0, ""
    for limit in (10_000, 10_100, resource.RLIM_INFINITY):
        limit_files(limit)
        for _ in range(12):
            decision = samples.a_decision()
            try:
                journal.record(decision)
            except LedgerError as failed:
                refused, error = refused + 1, str(failed)
            else:
                acknowledged.append(decision.id)
    os.ftruncate = real
    say(acknowledged=acknowledged, refused=refused, error=error)


def serve(data: str) -> None:
    """Take requests until killed; say each id when its intent, and when its decision, has been acknowledged."""
    ledger = EmbeddedLedger(Path(data), worker="child")
    ledger.start()
    waiting: list[str] = []
    while True:
        intent = samples.an_intent()
        ledger.journal.intend(intent)
        say(begun=intent.id)
        waiting.append(intent.id)
        if len(waiting) > 3:
            ended = waiting.pop(0)
            ledger.journal.record(samples.a_decision(id=ended))
            say(ended=ended)


def drain(data: str, count: str) -> None:
    """Record some decisions, drain them, and end in good order."""
    ledger = EmbeddedLedger(Path(data), worker="child")
    ledger.start()
    for _ in range(int(count)):
        decision = samples.a_decision()
        ledger.journal.record(decision)
        say(ended=decision.id)
    ledger.close()


def outgrow(data: str) -> None:
    """Record while the database cannot grow, then make room."""
    directory, store = journal_directory(Path(data)), SqliteStore(database_file(Path(data)))
    journal = Journal(directory, worker="child", segment_bytes=30_000)
    drain = Drain(directory, store, journal=journal, follow_s=0.01)
    drain.start()
    limit_files(200_000)
    ids = []
    for _ in range(300):
        ids.append(samples.a_decision().id)
        journal.record(samples.a_decision(id=ids[-1]))
    deadline = time.monotonic() + 10
    while not drain.trouble and time.monotonic() < deadline:
        time.sleep(0.01)
    trouble, behind = drain.trouble, drain.behind
    limit_files(resource.RLIM_INFINITY)
    say(ids=ids, trouble=trouble, behind=behind, flushed=drain.flush(10), trouble_after=drain.trouble)
    journal.close()
    drain.stop()


if __name__ == "__main__":
    commands: dict[str, Callable[..., None]] = {"fill": fill, "serve": serve, "drain": drain, "outgrow": outgrow}
    commands[sys.argv[1]](*sys.argv[2:])
