"""`turnout fault-provider`: a provider that fails on demand, for drills."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.table import Table
from rich.text import Text

from turnout.testing.fault_provider import VERBS, FaultProvider, FaultSyntaxError, Listen, run


def fault_provider(
    *,
    port: Annotated[int, typer.Option(help="Where it serves; 0 is a free port.")] = 9000,
    control_port: Annotated[int, typer.Option(help="Where /control/... is reached; 0 is a free port.")] = 9001,
    fault: Annotated[str | None, typer.Option(help="What goes wrong: verbs joined by +; healthy without.")] = None,
    ledger: Annotated[Path | None, typer.Option(help="Append what was received and billed to this file.")] = None,
    seed: Annotated[int, typer.Option(help="Seed of every random draw.")] = 0,
    list_verbs: Annotated[bool, typer.Option("--list-verbs", help="Print what can go wrong, and end.")] = False,
) -> None:
    """Run a provider that fails on demand, in the dialects of OpenAI (chat, responses), Anthropic and Gemini.

    \b
    turnout fault-provider --fault "stall_after(5, 30)"
    turnout fault-provider --fault "flap(10, 20)+status(503)" --ledger drill.jsonl --seed 1
    turnout fault-provider --list-verbs

    A model's name chooses a fault as well (fault:status(429, retry_after=2)), and so does the control API:

    \b
    curl localhost:9001/control/config -d '{"fault": "cut_after(5)", "share": 0.3, "match": {"model": "gpt-*"}}'
    curl localhost:9001/control/log
    curl -X POST localhost:9001/control/reset
    """  # noqa: D301 - the backspace itself, which a raw docstring would spell out, keeps the lines apart
    if list_verbs:
        Console().print(_verbs())
        return
    try:
        provider = FaultProvider(fault, seed=seed, ledger=ledger, listen=Listen("127.0.0.1", port, control_port))
    except FaultSyntaxError as error:
        raise typer.BadParameter(str(error), param_hint="--fault") from error
    asyncio.run(run(provider, _greet))


def _greet(provider: FaultProvider) -> None:
    typer.echo(f"OpenAI base_url:    {provider.openai_base_url}")
    typer.echo(f"Anthropic base_url: {provider.anthropic_base_url}")
    typer.echo(f"Gemini base_url:    {provider.gemini_base_url}")
    typer.echo(f"control:            {provider.control_url}/control/config (POST), reset (POST), log, verbs")


def _verbs() -> Table:
    table = Table("verb", "what it does", "for", box=None, header_style="bold")
    for verb in VERBS.values():
        table.add_row(Text(verb.signature, style="cyan"), Text(verb.meaning), Text(verb.only or "any"))
    return table
