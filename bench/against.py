"""The journey and the drain of this checkout beside those of another: processor time, in blocks that alternate.

What a change costs or saves is a few per cent, and less than a machine's mood from one minute to the next. So both are
asked in turns, on one core, and only the ratio of two neighbouring blocks is looked at.

`git worktree add ../before main && python -m bench.against ../before` prints what there is here as a share of that.
"""

from __future__ import annotations

import argparse
import subprocess
import sys
import tempfile
import time
from contextlib import contextmanager, suppress
from pathlib import Path
from statistics import quantiles
from typing import TYPE_CHECKING, Final

import uvloop

from bench.machine import BenchError, available_cores, pinned, quiet_environment

if TYPE_CHECKING:
    from collections.abc import Iterator

HERE: Final = Path(__file__).parents[1]
PARTS: Final = ("journey", "drain")
_WARM_UP: Final = 500
_BLOCK: Final = 200

Ratios = dict[str, list[float]]
"""For each of `PARTS`, what this checkout takes as a share of the other, block by block."""


def compare(other: Path, blocks: int) -> Ratios:
    """Run both in turns, each first in every other block.

    Raises:
        BenchError: one of them ended; what it said went to the standard error.
    """
    ratios: Ratios = {part: [] for part in PARTS}
    with _worker(HERE) as here, _worker(other) as there:
        for block in range(blocks):
            if block % 2:
                ours, theirs = _ask(here), _ask(there)
            else:
                theirs, ours = _ask(there), _ask(here)
            for part, mine, yours in zip(PARTS, ours, theirs, strict=True):
                ratios[part].append(mine / yours)
    return ratios


def text(part: str, ratios: list[float]) -> str:
    """The median, and the half of all blocks that lies around it."""
    low, middle, high = quantiles(ratios, n=4)
    return f"{part}: {middle:.3f} of the other's processor time; half of the blocks between {low:.3f} and {high:.3f}"


@contextmanager
def _worker(tree: Path) -> Iterator[subprocess.Popen[str]]:
    """This checkout's bench over another's turnout."""
    with pinned(frozenset(available_cores()[:1])):
        process = subprocess.Popen(
            (sys.executable, "-m", "bench.against", "--serve"),
            cwd=HERE,
            env=quiet_environment({"PYTHONPATH": f"{tree.resolve() / 'src'}:{HERE}"}),
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
    with process:  # closes its input, by which it ends
        yield process


def _ask(worker: subprocess.Popen[str]) -> list[float]:
    assert worker.stdin is not None
    assert worker.stdout is not None
    with suppress(BrokenPipeError):
        print(file=worker.stdin, flush=True)
    told = worker.stdout.readline().split()
    if len(told) != len(PARTS):
        raise BenchError("one of the two ended")
    return [float(each) for each in told]


async def _serve(directory: Path) -> None:
    """For each line that comes in, a block; prints what its journey and its drain took, in ns."""
    from bench.journey import journey_and_drain, serve
    from turnout.server.heap import collecting_seldom

    endpoint, tail = journey_and_drain(directory)
    with collecting_seldom():
        await serve(endpoint, _WARM_UP)
        tail.catch_up()
        for _ in sys.stdin:
            began = time.thread_time_ns()
            await serve(endpoint, _BLOCK)
            served = time.thread_time_ns()
            tail.catch_up()
            print(served - began, time.thread_time_ns() - served, flush=True)


def main() -> int:
    """Compare and print; the exit status is 2 where that could not be done."""
    parser = argparse.ArgumentParser(prog="python -m bench.against", description=__doc__)
    parser.add_argument("other", type=Path, nargs="?", default=HERE, help="another checkout; without one, this itself")
    parser.add_argument("--blocks", type=int, default=80, help=f"of {_BLOCK} requests each, at least 2")
    parser.add_argument("--serve", action="store_true", help=argparse.SUPPRESS)
    given = parser.parse_args()
    if given.serve:
        with tempfile.TemporaryDirectory() as directory:
            uvloop.run(_serve(Path(directory)))
        return 0
    if not (given.other / "src" / "turnout").is_dir():
        print(f"bench.against: {given.other} is no checkout of turnout", file=sys.stderr)
        return 2
    try:
        ratios = compare(given.other, given.blocks)
    except BenchError as error:
        print(f"bench.against: {error}", file=sys.stderr)
        return 2
    for part in PARTS:
        print(text(part, ratios[part]))
    return 0


if __name__ == "__main__":
    sys.exit(main())
