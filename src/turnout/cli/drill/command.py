"""`turnout drill`: the command."""

from __future__ import annotations

import re
import signal
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from types import FrameType
from typing import Annotated, Final

import msgspec
import typer
from rich.console import Console

from turnout.cli.drill.admin_client import AdminClient
from turnout.cli.drill.watch import watched
from turnout.cli.drill.words import verdict_words
from turnout.cli.options import spread
from turnout.config.durations import parse_duration
from turnout.config.load import find_data_directory
from turnout.errors import LedgerError
from turnout.insight.drill import DrillVerdict
from turnout.ledger.location import database_file
from turnout.ledger.sqlite import SqliteStore
from turnout.types.drill import MAX_SECONDS, DrillMode

_FINDING: Final = 1
DEFAULT_URL: Final = "http://127.0.0.1:8080"


@dataclass(frozen=True, kw_only=True)
class Gateway:
    """The options that say which gateway."""

    url: Annotated[str, typer.Option(help="The gateway's address.", envvar="TURNOUT_URL")] = DEFAULT_URL
    key: Annotated[
        str | None, typer.Option(help="One of its server.admin_keys, role admin.", envvar="TURNOUT_ADMIN_KEY")
    ] = None
    data: Annotated[
        Path | None, typer.Option(help="Its data directory, as for `turnout serve`: the verdict comes from its ledger.")
    ] = None


@dataclass(frozen=True, kw_only=True)
class Outage:
    """The options that say what happens."""

    mode: Annotated[DrillMode, typer.Option(help="What it seems to suffer from.")] = DrillMode.REFUSE
    share: Annotated[str, typer.Option(help="Of the calls to it, how many are taken.")] = "100%"
    for_: Annotated[str, typer.Option("--for", help="How long: 30s, 5m; an hour at most.")] = "60s"
    settle: Annotated[str, typer.Option(help="How long its recovery is waited for afterwards.")] = "30s"
    force: Annotated[bool, typer.Option("--force", help="Even where callers would have nobody left to ask.")] = False


@spread("gateway")
@spread("outage")
def drill(
    target: Annotated[str, typer.Argument(help="Who is taken away: a target, or a provider with all its targets.")],
    *,
    outage: Outage,
    gateway: Gateway,
    expect: Annotated[str, typer.Option(help="The availability below which the exit status is 1.")] = "99.9%",
    json: Annotated[bool, typer.Option("--json", help="The verdict as one JSON object, for machines.")] = False,
) -> None:
    """Take a target away in a running gateway, and see what real traffic makes of it.

    \b
    turnout drill primary --for 60s
    turnout drill openai --mode brown-out --share 30% --for 5m --expect 99.95%
    turnout drill sonnet --mode rate-limit --json > verdict.json

    It ends by itself, also if this command dies; Ctrl-C ends it at once. No other target is touched.

    \b
    refuse            connections are refused
    brown-out         of the calls taken, a third get 503, the others are two seconds late
    slow-first-token  eight seconds without a token
    stall             silence after the first pieces of an answer
    rate-limit        429 with Retry-After
    """  # noqa: D301 - \b keeps the lines as they are
    plan = {
        "target": target,
        "mode": outage.mode.value,
        "share": _share(outage.share, "--share"),
        "seconds": _seconds(outage.for_, "--for", most=MAX_SECONDS),
        "force": outage.force,
    }
    settle_s, expected = _seconds(outage.settle, "--settle"), _share(expect, "--expect")
    console = Console(quiet=json, highlight=False)
    verdict = _run(plan, gateway, console, settle_s)
    if json:
        typer.echo(msgspec.json.encode(verdict))
    else:
        verdict_words(verdict, expected, console)
    if verdict.during.availability is not None and verdict.during.availability < expected:
        raise typer.Exit(_FINDING)


def _run(plan: Mapping[str, object], gateway: Gateway, console: Console, settle_s: float) -> DrillVerdict:
    client = AdminClient(gateway.url, gateway.key)
    data = find_data_directory(gateway.data)
    if not database_file(data).exists():
        raise LedgerError(f"There is no ledger in {data}. --data says where the gateway keeps it.")
    prices = {each.name: each.price for each in client.targets()}
    store = SqliteStore(database_file(data))
    try:
        begun = client.begin(plan)
        with _interruptible():
            return watched(client, store, begun, prices, console, settle_s)
    finally:
        store.close()


@contextmanager
def _interruptible() -> Iterator[None]:
    """A SIGTERM ends the drill as Ctrl-C does."""

    def interrupt(_: int, __: FrameType | None) -> None:
        raise KeyboardInterrupt

    before = signal.signal(signal.SIGTERM, interrupt)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, before)


def _share(given: str, option: str) -> float:
    match = re.fullmatch(r"(\d+(?:\.\d+)?)\s*%", given.strip())
    share = float(match[1]) / 100 if match else 0.0
    if not 0 < share <= 1:
        raise typer.BadParameter("write a percentage above 0, up to 100, like 30%.", param_hint=option)
    return share


def _seconds(given: str, option: str, *, most: float = 86_400.0) -> float:
    try:
        seconds = parse_duration(given)
    except ValueError as error:
        raise typer.BadParameter("write a duration like 30s or 5m.", param_hint=option) from error
    if seconds > most:
        raise typer.BadParameter(f"at most {most:g} s.", param_hint=option)
    return seconds
