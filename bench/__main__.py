"""`make bench`: measure turnout beside a direct call, an nginx proxy and a bare relay."""

from __future__ import annotations

import argparse
import json
import os
import platform
import shutil
import sys
import tempfile
from dataclasses import asdict, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from rich.console import Console

from bench import library, load, measure, nginx, table
from bench.contestants import start_all, start_mock
from bench.machine import BenchError, Cores, Stage, available_cores, pin, processor
from bench.measure import Field, Plan
from bench.verdicts import Verdict, judge

if TYPE_CHECKING:
    from collections.abc import Callable

    from bench.spread import Measured

GROUPS: dict[str, Callable[[Field], Measured]] = {
    "rest": measure.memory_at_rest,
    "latency": measure.latency,
    "unary": measure.unary,
    "stream": measure.stream,
    "paced": measure.paced,
    "guarded": measure.guarded,
    "growth": measure.memory_growth,
}
LIBRARY_GROUPS = {
    "import": library.import_time,
    "decision": library.decision_time,
    "classifier": library.classifier_time,
    "confidence": library.confidence_time,
    "journey": library.journey_stages,
    "pieces": library.governing_pieces,
}


def main() -> int:
    """Measure, print, write; returns the exit status: 0, or 2 where the measurement could not be made."""
    given = _arguments()
    console = Console(stderr=True)
    directory = Path(tempfile.mkdtemp(prefix="turnout-bench-"))
    cores = Cores.among(available_cores())
    try:
        with console.status("starting") as status:
            measured, notes = _run(given, directory, cores, status.update)
    except (BenchError, OSError) as error:
        console.print(f"[red]bench:[/] {error}\nlogs are kept in {directory}", highlight=False)
        return 2
    shutil.rmtree(directory)
    verdicts = judge(measured)
    _print(measured, verdicts, [f"Cores: {cores.text}.", *notes], markdown=given.markdown)
    _write(given.json, _report(given, cores, notes, measured, verdicts))
    return 0


def _run(
    given: argparse.Namespace, directory: Path, cores: Cores, say: Callable[[str], None]
) -> tuple[Measured, list[str]]:
    wanted = set(given.only or (*GROUPS, *LIBRARY_GROUPS))
    measured: Measured = {}
    notes: list[str] = []
    if wanted & GROUPS.keys():
        measured, notes = _side_by_side(given, wanted, Stage(directory, cores), say)
    for name, figure in LIBRARY_GROUPS.items():
        if name in wanted and library.installed():
            say(f"library: {name}")
            measured |= figure(cores, directory, 7)
    return measured, notes


def _side_by_side(
    given: argparse.Namespace, wanted: set[str], stage: Stage, say: Callable[[str], None]
) -> tuple[Measured, list[str]]:
    measured: Measured = {}
    command = Path(sys.executable).with_name("turnout")
    pin(stage.cores.load)
    try:
        upstreams = start_mock(stage)
        field = Field(stage, start_all(stage, upstreams, command if command.exists() else None), _plan(given), say)
        for name, group in GROUPS.items():
            if name in wanted:
                measured |= group(field)
    finally:
        stage.close()
    return measured, _notes(field, command)


def _notes(field: Field, command: Path) -> list[str]:
    notes = [f"{contestant.name}: {contestant.note}." for contestant in field.contestants if contestant.note]
    if not command.exists():
        notes.append("turnout is not installed beside this Python, so it was not measured.")
    if not nginx.find():
        notes.append(f"nginx is missing: no proxy, and the mock is our own ({nginx.INSTALL_HINT}).")
    if not load.wrk_installed():
        notes.append(f"wrk is missing: the load is our own, slower generator's ({load.INSTALL_HINT}).")
    return notes


def _plan(given: argparse.Namespace) -> Plan:
    plan = measure.FULL if given.full else measure.QUICK
    return replace(plan, requests=given.requests) if given.requests else plan


def _print(measured: Measured, verdicts: list[Verdict], notes: list[str], *, markdown: bool) -> None:
    grids = [table.contestants(measured), table.promises(verdicts)]
    if markdown:
        print("\n".join(grid.markdown() for grid in grids))
        return
    console = Console()
    for grid in grids:
        console.print(grid.rich())
    for note in notes:
        console.print(note, highlight=False)


def _report(
    given: argparse.Namespace, cores: Cores, notes: list[str], measured: Measured, verdicts: list[Verdict]
) -> dict[str, Any]:
    machine = {"processor": processor(), "cores": os.cpu_count(), "python": platform.python_version()}
    figures = [
        {
            "figure": verdict.promise.name,
            "unit": verdict.promise.unit,
            "promised": verdict.promise.bound,
            "measured": asdict(verdict.spread) if verdict.spread else None,
            "kept": verdict.kept,
        }
        for verdict in verdicts
    ]
    return {
        "time": datetime.now(UTC).isoformat(timespec="seconds"),
        "machine": machine | {"pinned": cores.text},
        "plan": asdict(_plan(given)),
        "notes": notes,
        "figures": figures,
        "rounds": measured,
    }


def _write(path: Path, report: dict[str, Any]) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(report, indent=2, ensure_ascii=False) + "\n")


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m bench", description=__doc__)
    parser.add_argument(
        "--full", action="store_true", help="longer rounds, more of them, 1,000,000 requests for memory"
    )
    parser.add_argument("--requests", type=int, help="requests over which memory growth is measured")
    names = (*GROUPS, *LIBRARY_GROUPS)
    parser.add_argument("--only", action="append", choices=names, metavar="NAME", help=f"one of {', '.join(names)}")
    parser.add_argument("--json", type=Path, default=Path("build/bench.json"), help="where the report is written")
    parser.add_argument("--markdown", action="store_true", help="print the tables for a page")
    return parser.parse_args()


if __name__ == "__main__":
    sys.exit(main())
