"""`turnout demo`: see it route, on this machine, in two minutes."""

from __future__ import annotations

import asyncio
import os
import signal
import tempfile
from pathlib import Path
from typing import Annotated

import msgspec
import typer
from rich.console import Console

from turnout.cli.demo.frontier import real_frontier
from turnout.cli.demo.queries import Query, own_queries, read_queries
from turnout.cli.demo.script import Told, perform, staged, whats_next
from turnout.cli.demo.view import usd
from turnout.testing.local_model import installed_weights

_FINDING = 1


def demo(
    queries: Annotated[
        Path | None,
        typer.Option(help="Your own queries: CSV or JSONL with `query`, and if you like user, source, route, stream."),
    ] = None,
    keep: Annotated[bool, typer.Option("--keep", help="Leave everything running until Ctrl-C.")] = False,
    port: Annotated[int | None, typer.Option(help="The gateway's port; by default any that is free.")] = None,
    json: Annotated[bool, typer.Option("--json", help="One JSON object at the end, for machines.")] = False,
) -> None:
    r"""Send customer-support queries through the gateway, with a real local model and an outage half-way.

    \b
    turnout demo
    turnout demo --queries my-queries.csv --keep
    """
    console = Console(quiet=json, highlight=False)
    asked = read_queries(queries) if queries else own_queries()
    installed_weights()  # so that what is missing is said before anything starts
    _say_what_it_costs(asked, console)
    told = asyncio.run(_run(asked, console, keep=keep, port=port))
    if json:
        typer.echo(msgspec.json.encode(told))
    if any(one.error for one in told.asked):
        raise typer.Exit(_FINDING)


async def _run(queries: list[Query], console: Console, *, keep: bool, port: int | None) -> Told:
    data = Path(tempfile.mkdtemp(prefix="turnout-demo-"))
    async with staged(data, port, console) as stage:
        told = await perform(stage, queries, console)
        if stage.simulated:
            console.print("\n* answered without a model; reckoned at the list price of the one it stands in for.")
        whats_next(stage, told, console, kept=keep)
        if keep:
            console.print("\nRunning until Ctrl-C.")
            await _interrupted()
    return told


async def _interrupted() -> None:
    stop = asyncio.Event()
    for name in (signal.SIGINT, signal.SIGTERM):
        asyncio.get_running_loop().add_signal_handler(name, stop.set)
    await stop.wait()


def _say_what_it_costs(queries: list[Query], console: Console) -> None:
    frontier = real_frontier(os.environ)
    if frontier is not None:
        most = usd(frontier.most_usd(queries))
        console.print(f"Found {frontier.key_env}: real models answer, at a cost of {most} at most.", style="yellow")
