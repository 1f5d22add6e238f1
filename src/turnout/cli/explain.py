"""`turnout explain`: the decision without the call."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

import msgspec
import typer
from rich.console import Console
from rich.table import Table
from rich.text import Text

from turnout.cli.options import spread
from turnout.config.build import ConfiguredRouter, build_parts
from turnout.config.flagging import Flagging, source_of
from turnout.config.load import LoadedConfig, load_config
from turnout.policy.explain import Explanation
from turnout.router import Router
from turnout.state.flags import FlagFile
from turnout.testing.memory_ledger import MemoryLedger
from turnout.types.clock import SystemClock
from turnout.types.request import Caller


@dataclass(frozen=True, kw_only=True)
class Asker:
    """The options that say who asks."""

    user: Annotated[str | None, typer.Option(help="As x-turnout-user would say.")] = None
    source: Annotated[str | None, typer.Option(help="As x-turnout-source would say.")] = None
    tenant: Annotated[str, typer.Option(help="As the caller's key would say.")] = "default"


@spread("asker")
def explain(
    text: Annotated[str, typer.Argument(help="What the user says; - reads it from standard input.")],
    route: Annotated[
        str | None, typer.Option(help="The route's name, or a target's; by default the only route.")
    ] = None,
    *,
    asker: Asker,
    config: Annotated[
        Path | None, typer.Option("--config", "-c", help="The configuration; by default ./turnout.yaml.")
    ] = None,
    data: Annotated[
        Path | None, typer.Option(help="The data directory: what is set of feature flags at run time.")
    ] = None,
    json: Annotated[bool, typer.Option("--json", help="One JSON object for machines.")] = False,
) -> None:
    """Print what a route would decide: each rule's verdict, what was dropped and why, and the chain.

    \b
    turnout explain --route support "How do I reset my password?"
    turnout explain --route support --source checkout --json "I dispute this charge"
    """  # noqa: D301 - \b keeps the lines as they are
    said = typer.get_text_stream("stdin").read() if text == "-" else text
    messages = [{"role": "user", "content": said}]
    caller = Caller(user=asker.user, source=asker.source, tenant=asker.tenant)
    loaded = load_config(config, keyless=True)
    router = _router(loaded, data)
    explanation = router.explain(route=route or loaded.only_route(), messages=messages, caller=caller)
    if json:
        typer.echo(msgspec.json.encode(explanation))
    else:
        _print(explanation)


def _router(loaded: LoadedConfig, data: Path | None) -> Router:
    """A router that calls and writes nothing. It asks a provider of feature flags, where there is one."""
    clock = SystemClock()
    router = ConfiguredRouter.of_parts(loaded, build_parts(loaded, clock), MemoryLedger(), clock)
    router.parts.flags.source = source_of(loaded, clock)
    Flagging(router, FlagFile(loaded.data_directory(data))).look()
    return router


def _print(explanation: Explanation) -> None:
    console = Console()
    features = explanation.features
    console.print(
        f"[bold]{explanation.route}[/bold]  "
        f"{features.chars} characters, about {features.tokens} tokens in the query, "
        f"{features.context_tokens} in the whole input"
    )
    matched = ", ".join(f"{name}: “{phrase}”" for name, phrase in features.matches.items())
    if matched:
        console.print(Text(f"phrase lists: {matched}"))
    for name, variant in explanation.flags.items():
        console.print(Text(f"flag:     {name} {variant}"))
    if explanation.considered:
        console.print(_rules(explanation))
    for declined in explanation.declined:
        console.print(Text(f"declined: {declined.policy}: {declined.reason}", style="yellow"))
    for dropped in explanation.dropped:
        console.print(Text(f"dropped:  {dropped.target}: {dropped.reason}", style="yellow"))
    if not explanation.candidates:
        console.print(Text("No target would be called: the caller would get an error.", style="red"))
        return
    first, *rest = explanation.candidates
    console.print(Text.assemble("chosen:   ", (first.target, "bold green"), f"  ({first.reason or 'the only target'})"))
    if explanation.would_have:
        would = explanation.would_have
        told = f"would be: {would.target}  ({would.reason}), if what is observed were applied"
        console.print(Text(told, style="yellow"))
    if rest:
        console.print(Text(f"then:     {', '.join(candidate.target for candidate in rest)}"))


def _rules(explanation: Explanation) -> Table:
    table = Table(box=None, pad_edge=False, show_header=True, header_style="dim")
    table.add_column("rule")
    table.add_column("verdict")
    table.add_column("because")
    for considered in explanation.considered:
        verdict = Text("decides", style="green") if considered.chosen else Text("no", style="dim")
        table.add_row(Text(considered.name), verdict, Text(considered.because))
    return table
