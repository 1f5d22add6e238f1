"""Replaying on every core: each process decides a share of the parts again, and the sums are added up."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Mapping
from multiprocessing import get_context
from multiprocessing.connection import Connection, wait
from pathlib import Path
from typing import Final, NamedTuple

from turnout.cli.replay.world import world_of
from turnout.config.load import load_config
from turnout.errors import LedgerError, TurnoutError
from turnout.insight.query import Filter
from turnout.insight.replay.foresight import Usual
from turnout.insight.replay.heard import Lists
from turnout.insight.replay.run import PART, replay_part
from turnout.insight.replay.tally import Tally
from turnout.ledger.store import Store

MOST_PROCESSES: Final = 8
Progress = Callable[[int], None]


class Job(NamedTuple):
    """What every process is told.

    Attributes:
        config: the configuration's file.
        data: the data directory, for its tenants.
        store: the requests; a process gets a copy of it.
        lists: see `World`.
        usual: what the calls of the period say of each target.
        examples: so many are kept of each move.
    """

    config: Path
    data: Path
    store: Store
    lists: Mapping[tuple[str, str], Lists]
    usual: dict[str, Usual]
    examples: int


def replay_parts(job: Job, parts: list[Filter], progress: Progress) -> Tally:
    """Replay the parts, on as many processes as are worth it.

    Raises:
        LedgerError: the store or a record cannot be read.
        TurnoutError: a process ended without a word.
    """
    processes = min(len(parts), os.cpu_count() or 1, MOST_PROCESSES)
    tally = Tally(job.examples)
    shares = [parts[place::processes] for place in range(processes)]
    results = _here(job, shares[0], progress) if processes == 1 else _apart(job, shares, progress)
    for each in results:
        tally.add(each)
    return tally


def _here(job: Job, parts: list[Filter], progress: Progress) -> Iterator[Tally]:
    world = world_of(load_config(job.config, keyless=True), job.data, job.lists, job.usual)
    for part in parts:
        yield replay_part(job.store, part, world, job.usual, examples=job.examples, progress=progress)


def _apart(job: Job, shares: list[list[Filter]], progress: Progress) -> Iterator[Tally]:
    context = get_context("spawn")
    open_ends: list[Connection] = []
    started = []
    for share in shares:
        mine, theirs = context.Pipe(duplex=False)
        process = context.Process(target=_child, args=(job, share, theirs), daemon=True)
        process.start()
        theirs.close()
        open_ends.append(mine)
        started.append(process)
    try:
        yield from _gathered(open_ends, progress)
    finally:
        for process in started:
            process.terminate()
            process.join()


def _gathered(ends: list[Connection], progress: Progress) -> Iterator[Tally]:
    """The sums of each process, as they come."""
    left = list(ends)
    while left:
        ready = wait(left)
        for end in [each for each in left if each in ready]:
            told = _received(end)
            if isinstance(told, Tally):
                left.remove(end)
                yield told
            else:
                progress(told)


def _received(end: Connection) -> int | Tally:
    try:
        told: int | Tally | str = end.recv()
    except EOFError as error:
        raise TurnoutError("a process that replayed decisions was killed; there may be too little memory.") from error
    if isinstance(told, str):
        raise LedgerError(told)
    return told


def _child(job: Job, parts: list[Filter], end: Connection) -> None:
    """Runs in a process of its own: sends how many further decisions have been read, and in the end the sums."""
    tally = Tally(job.examples)
    try:
        for each in _here(job, parts, end.send):
            tally.add(each)
    except TurnoutError as error:
        end.send(str(error))
    else:
        end.send(tally)


def worth_a_bar(decisions: int) -> bool:
    """Whether it takes long enough for a progress bar."""
    return decisions > PART // 4
