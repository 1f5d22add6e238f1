"""`turnout ledger`: what is recorded, in and out, and away."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from functools import partial
from pathlib import Path
from typing import Annotated, Any, BinaryIO

import msgspec
import typer
from rich.console import Console
from rich.progress import Progress, SpinnerColumn, TextColumn, TimeElapsedColumn
from rich.table import Table

from turnout.cli.decisions import Wanted
from turnout.cli.ledger_copy import Ledger, copy_at, megabytes, print_copy
from turnout.cli.ledger_options import Data, moment
from turnout.cli.options import spread
from turnout.config.build import retention_of
from turnout.config.load import find_data_directory, load_config
from turnout.config.remembering import state_file
from turnout.errors import LedgerError
from turnout.insight.export import WRITERS, in_order
from turnout.insight.holdings import holdings
from turnout.insight.trace import READERS, take_in
from turnout.ledger.drain import Drain
from turnout.ledger.erasing import Subject, erase
from turnout.ledger.location import ENVIRONMENT_VARIABLE, database_file, is_copied, journal_directory, ledger_name
from turnout.ledger.postgres.holdings import copy_holdings
from turnout.ledger.postgres.mirror import forget
from turnout.ledger.retention import Retention
from turnout.ledger.sqlite import SqliteStore
from turnout.ledger.texts import keep_all
from turnout.state.database import forget_all
from turnout.types.decision import Decision

_PATIENCE_S = 30.0

app = typer.Typer(no_args_is_help=True, help="What is recorded: look at it, take it out or in, remove it.")

Json = Annotated[bool, typer.Option("--json", help="One JSON object for machines.")]


@app.command()
def info(json: Json = False, data: Data = None, ledger: Ledger = None) -> None:
    """Tell what the ledger holds: rows, bytes, since when.

    \b
    turnout ledger info
    turnout ledger info --json | jq .bytes
    turnout ledger info --ledger postgres
    """  # noqa: D301 - \b keeps the lines as they are
    if ledger is not None:
        print_copy(copy_holdings(copy_at(ledger)), json=json)
        return
    directory = find_data_directory(data)
    with _opened(directory) as store:
        held = holdings(store, directory)
    if json:
        typer.echo(msgspec.json.encode(held))
        return
    table = Table("", "", box=None, show_header=False, pad_edge=False)
    table.add_row("file", held.file)
    table.add_row("schema", f"version {held.schema_version}")
    table.add_row("size", f"{megabytes(held.bytes)}, of which {megabytes(held.free_bytes)} are free")
    table.add_row("journals", f"{megabytes(held.journal_bytes)} of {held.processes} processes")
    if is_copied(directory):
        table.add_row("copied", f"to Postgres, under the name {ledger_name(directory)}")
    table.add_row("decisions", f"{held.oldest} to {held.newest}" if held.oldest else "none yet")
    for name, number in held.rows.items():
        table.add_row(name, f"{number:,} rows")
    Console(highlight=False).print(table)


@app.command("export")
@spread("wanted")
def export_command(
    file: Annotated[str, typer.Argument(help="Where to: a name that ends in .jsonl, .csv or .parquet, or - (jsonl).")],
    *,
    wanted: Wanted,
    json: Json = False,
    data: Data = None,
    ledger: Ledger = None,
) -> None:
    """Write decisions to a file, oldest first: whole records (jsonl), or a table with a row for each.

    A cell of a .csv that a spreadsheet would take for a formula is preceded by an apostrophe. Parquet takes the extra
    `parquet`.

    \b
    turnout ledger export march.parquet --since 2026-03-01 --until 2026-04-01
    turnout ledger export - --tenant acme | gzip > acme.jsonl.gz
    """  # noqa: D301 - \b keeps the lines as they are
    write = WRITERS[_kind(file, WRITERS)]
    asked = wanted.filter()
    opening = _opened(find_data_directory(data)) if ledger is None else closing(copy_at(ledger))
    with opening as store, _progress("exporting") as progress:
        written = _Counted(in_order(store, asked), progress)
        if file == "-":
            write(written, sys.stdout.buffer)
            sys.stdout.buffer.flush()
            return
        with _replaced(Path(file)) as out:
            write(written, out)
    _tell(json, {"file": file, "decisions": written.number}, f"{written.number:,} decisions are in {file}.")


@app.command("import")
def import_command(
    file: Annotated[Path, typer.Argument(help="A name that ends in .jsonl, .csv or .parquet.")],
    json: Json = False,
    data: Data = None,
) -> None:
    """Take decisions in: records that were exported, or a table of requests that somebody else recorded.

    A table needs the columns time (ISO 8601; UTC unless it says otherwise) and target or model, and may have any other
    that an export has: input_tokens, output_tokens, cost_usd, tenant, user, route, latency_ms, feedback, ... Besides:
    text (what the user said, which is kept), signals (what was read off the answer, as JSON), shadow_of (the id of the
    row whose request this is another answer to). What is there already is left as it is, so that an import can be done
    again.

    \b
    turnout ledger import march.jsonl
    turnout ledger import requests.csv --data ./analysis
    """  # noqa: D301 - \b keeps the lines as they are
    read = READERS[_kind(str(file), READERS)]
    if not file.is_file():
        raise typer.BadParameter(f"There is no file {file}.", param_hint="FILE")
    directory = find_data_directory(data)
    with _opened(directory, create=True) as store, _progress("importing") as progress:
        keep = partial(keep_all, store)
        done = take_in(store, read(file), lambda number: progress("importing", number), keep)
    new = done.read - done.known
    _tell(
        json,
        {"file": str(file), "read": done.read, "new": new, "known": done.known, "oldest": done.oldest or None},
        f"{new:,} decisions are taken into {directory}; {done.known:,} were there already. The oldest is of "
        f"{done.oldest or 'no time'}: a gateway removes what is older than its ledger.retention.",
    )


@app.command()
def purge(
    tenant: Annotated[str | None, typer.Option(help="Forget this tenant: every trace of it.")] = None,
    user: Annotated[str | None, typer.Option(help="Forget this user (of --tenant, or of all): every trace.")] = None,
    before: Annotated[str | None, typer.Option(help="Remove the decisions of before then: 90d, or a date.")] = None,
    yes: Annotated[bool, typer.Option("--yes", "-y", help="Do not ask.")] = False,
    json: Json = False,
    data: Data = None,
) -> None:
    """Remove for ever: a tenant, a user, what is older than some time; or now what ledger.retention would remove.

    A tenant or a user goes without a trace: decisions, feedback, texts, sums that name them, their lines in the
    journals, all answers kept on disk to be given again, and what deleted rows leave behind in the file, which is
    rewritten for it; and from the copy that `ledger.postgres` names. Gateways may go on meanwhile; what a cache in
    their memory holds goes with its `ttl`.

    \b
    turnout ledger purge --user joe@example.com
    turnout ledger purge --tenant acme --yes
    turnout ledger purge --before 30d
    turnout ledger purge
    """  # noqa: D301 - \b keeps the lines as they are
    if before and (tenant or user):
        raise typer.BadParameter("Give either --before, or --tenant and --user.")
    directory, subject = find_data_directory(data), Subject(tenant, user)
    what = f"every trace of {subject}" if tenant or user else "what is too old"
    if not yes:
        typer.confirm(f"Remove {what} from {directory} for ever?", abort=True, err=True)
    with _opened(directory):
        pass
    with _progress("removing") as progress:
        removed = erase(directory, subject, progress) if tenant or user else _expire(directory, before, progress)
        if tenant or user:
            forget_all(state_file(directory))
            _forget_in_postgres(directory, tenant, user)
    _tell(
        json,
        {"tenant": tenant, "user": user, "decisions": removed},
        f"Removed {what}: {removed:,} of the decisions."
        + ("" if tenant or user else " turnout ledger vacuum gives their room back."),
    )


@app.command()
def vacuum(json: Json = False, data: Data = None) -> None:
    """Rewrite the ledger without the room of what was removed. Needs as much room again for a while.

    \b
    turnout ledger vacuum
    """  # noqa: D301 - \b keeps the lines as they are
    directory = find_data_directory(data)
    with _opened(directory) as store, _progress("rewriting") as progress:
        before = holdings(store, directory).bytes
        progress("rewriting", 0)
        store.vacuum()
        after = holdings(store, directory).bytes
    _tell(
        json,
        {"bytes_before": before, "bytes": after},
        f"{database_file(directory)} has {megabytes(after)}; before, it had {megabytes(before)}.",
    )


def _forget_in_postgres(directory: Path, tenant: str | None, user: str | None) -> None:
    """Forget them in the copy too, where there is one."""
    if not is_copied(directory):
        return
    copied = load_config().config.ledger.postgres
    if copied is None:
        told = "This ledger was copied to Postgres once, and turnout.yaml names no copy: nothing was removed there."
        typer.echo(told, err=True)
        return
    forget(copied.copy_of().url, tenant, user)


def _expire(directory: Path, before: str | None, progress: Callable[[str, int], None]) -> int:
    """Remove what is too old; how many decisions that were."""
    now = time.time()
    since = moment(before)
    kept = Retention(decisions=now - since.timestamp()) if since else retention_of(load_config().config)
    with _opened(directory) as store:
        number = next(store.rows("SELECT count(*) FROM decisions"), (0,))[0]
        while store.expire(kept, round(now * 1_000)):
            left = next(store.rows("SELECT count(*) FROM decisions"))[0]
            progress("removing", number - left)
        return int(number - next(store.rows("SELECT count(*) FROM decisions"), (0,))[0])


@contextmanager
def _opened(directory: Path, *, create: bool = False) -> Iterator[SqliteStore]:
    """The ledger, with what dead processes left in their journals taken in first."""
    if not (create or database_file(directory).exists() or journal_directory(directory).exists()):
        raise LedgerError(
            f"There is no ledger in {directory}. Say where it is: --data DIR, or ${ENVIRONMENT_VARIABLE}."
        )
    store = SqliteStore(database_file(directory), busy_s=_PATIENCE_S)
    with closing(store):
        Drain(journal_directory(directory), store).sweep()
        yield store


def _kind(file: str, known: Any) -> str:
    kind = "jsonl" if file == "-" else Path(file).suffix.lstrip(".").lower()
    if kind not in known:
        raise typer.BadParameter(f"{file!r} must end in .{', .'.join(known)}.", param_hint="FILE")
    return kind


class _Counted:
    """Counts what it passes on."""

    def __init__(self, decisions: Iterator[Decision], progress: Callable[[str, int], None]) -> None:
        self.number = 0
        self._decisions = decisions
        self._progress = progress

    def __iter__(self) -> Iterator[Decision]:
        for decision in self._decisions:
            yield decision
            self.number += 1
            if not self.number % 1_000:
                self._progress("exporting", self.number)


@contextmanager
def _replaced(file: Path) -> Iterator[BinaryIO]:
    """A file that is there whole or not at all."""
    draft = file.with_name(f"{file.name}.part")
    try:
        with draft.open("wb") as out:
            yield out
        draft.replace(file)
    except OSError as error:
        raise LedgerError(f"{file} cannot be written: {error.strerror}") from error
    finally:
        draft.unlink(missing_ok=True)


@contextmanager
def _progress(task: str) -> Iterator[Callable[[str, int], None]]:
    """Shows on a terminal what is being done, and how far it has come."""
    columns = (SpinnerColumn(), TextColumn("{task.description}"), TextColumn("{task.completed:,}"), TimeElapsedColumn())
    with Progress(*columns, console=Console(stderr=True), transient=True, disable=not sys.stderr.isatty()) as shown:
        number = shown.add_task(task, total=None)
        yield lambda what, done: shown.update(number, description=what, completed=done)


def _tell(json: bool, machine: dict[str, object], human: str) -> None:
    typer.echo(msgspec.json.encode(machine) if json else human)
