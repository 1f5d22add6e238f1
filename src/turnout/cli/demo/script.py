"""The demo, from curtain to curtain."""

from __future__ import annotations

import asyncio
import os
import sys
from collections.abc import AsyncIterator, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path
from shutil import which
from typing import Any, Final

import msgspec
import yaml
from rich.console import Console

from turnout.cli.demo.answers import stock_answer
from turnout.cli.demo.asking import Asked, Desk
from turnout.cli.demo.frontier import Frontier, demo_config, real_frontier
from turnout.cli.demo.gateway import running_gateway
from turnout.cli.demo.queries import ROUTES, Query
from turnout.cli.demo.view import View
from turnout.execution.breaker import BreakerSettings
from turnout.insight.query import Filter
from turnout.insight.sums import Summary, summaries, summary
from turnout.policy.filters import BREAKER_OPEN
from turnout.testing.local_model import running_local_model
from turnout.testing.simulated_model import SimulatedModel

_BEFORE: Final = 0.35
"""The share of the queries that is asked before the primary fails."""
_AFTER: Final = 0.26
"""The share that is asked once it is back."""
_COOLDOWN_S: Final = BreakerSettings().cooldown


class Stage(msgspec.Struct, frozen=True, kw_only=True):
    """Everything that runs while the demo does.

    Attributes:
        address: the gateway's address.
        config, data: its configuration and data directory.
        primary: the stand-in that fails and comes back.
        simulated: the names of the targets that are stand-ins.
    """

    address: str
    config: Path
    data: Path
    primary: SimulatedModel
    simulated: frozenset[str]


class Told(msgspec.Struct, frozen=True, kw_only=True):
    """What came of the demo.

    Attributes:
        asked: every query and its decision, in the order in which they were answered.
        by_rule, total: the sums, as the ledger has them; under "" what no rule decided.
    """

    asked: tuple[Asked, ...]
    by_rule: dict[str, Summary]
    total: Summary


@asynccontextmanager
async def staged(data: Path, port: int | None, console: Console) -> AsyncIterator[Stage]:
    """Start the models and the gateway, saying what is what.

    Raises:
        TurnoutError: something does not start.
    """
    frontier = real_frontier(os.environ)
    async with AsyncExitStack() as stack:
        with console.status("Starting a real model on this machine ..."):
            local = await asyncio.to_thread(stack.enter_context, running_local_model(data / "local-model.log"))
        console.print("[bold]small[/]      SmolLM2-135M, a real model, served by llama.cpp on this machine")
        primary = await stack.enter_async_context(SimulatedModel(stock_answer))
        secondary = await stack.enter_async_context(SimulatedModel(stock_answer, first_token_s=0.6, tokens_per_s=70))
        addresses = {"local": local, "primary": primary.base_url, "secondary": secondary.base_url}
        config = data / "turnout.yaml"
        config.write_text(demo_config(addresses, frontier), "utf-8")
        simulated = _simulated(config)
        _introduce(console, frontier, simulated)
        with console.status("Starting the gateway ..."):
            address = await stack.enter_async_context(running_gateway(config, data, port))
        console.print(f"[bold]gateway[/]    {address}")
        yield Stage(address=address, config=config, data=data, primary=primary, simulated=simulated)


async def perform(stage: Stage, queries: Sequence[Query], console: Console) -> Told:
    """Ask everything, with an outage in the middle."""
    view, desk = View(console, stage.simulated), Desk(stage.address, stage.data)
    numbered = list(enumerate(queries, 1))
    down, up = round(len(numbered) * _BEFORE), round(len(numbered) * (1 - _AFTER))
    asked: list[Asked] = []

    async def ask(some: Sequence[tuple[int, Query]]) -> None:
        with console.status("") as status:
            async for one in desk.ask_all(some):
                view.asked(one)
                asked.append(one)
                status.update(f"{len(asked)} of {len(numbered)}")

    view.heading("1  An ordinary morning at the support desk", "The rules of the route decide who answers.")
    await ask(numbered[:down])
    await stage.primary.stop()
    view.heading(
        "2  The primary provider goes down",
        "It refuses connections. Callers notice nothing: the next target of the chain answers (✗ marks who was tried "
        "in vain). After a few failures a target's circuit breaker opens, and it is left out at once (in brackets).",
    )
    await ask(numbered[down:up])
    await stage.primary.start()
    if any(_left_out(one) for one in asked):
        with console.status(f"The primary is back; a breaker stays open for {_COOLDOWN_S:.0f} seconds ..."):
            await asyncio.sleep(_COOLDOWN_S)
    view.heading(
        "3  It is back", "One request probes each target whose breaker is open; its answer closes the breaker."
    )
    await ask(numbered[up:])
    await desk.close()
    total = summary(desk.store, Filter())
    by_rule = {rule or "": summed for rule, summed in summaries(desk.store, Filter(), by="rule").items()}
    view.title("What it came to")
    view.totals(by_rule, total)
    return Told(asked=tuple(asked), by_rule=by_rule, total=total)


def whats_next(stage: Stage, told: Told, console: Console, *, kept: bool) -> None:
    """Where to look next, with commands that work as they stand."""
    turnout = "turnout" if which("turnout") else f"{sys.executable} -m turnout.cli"
    first = "Try it while it runs" if kept else "Look closer"
    console.print(f"\n[bold]{first}[/]")
    if kept:
        for variables in (
            f"OPENAI_BASE_URL={stage.address}/v1 OPENAI_API_KEY=demo",
            f"ANTHROPIC_BASE_URL={stage.address} ANTHROPIC_API_KEY=demo",
        ):
            console.print(f"  {variables} python your_application.py", soft_wrap=True)
        console.print(f"  with one of these as the model: {', '.join(ROUTES)}, or any target's name", style="dim")
        console.print(f"  {stage.address}/dashboard shows what was decided, what it cost and saved", soft_wrap=True)
    for command in (
        f"decisions --fallbacks --data {stage.data}",
        f"decisions show {_telling(told)} --data {stage.data}",
        f'explain --config {stage.config} --route support "I was charged twice"',
    ):
        console.print(f"  {turnout} {command}", soft_wrap=True)


def _left_out(asked: Asked) -> bool:
    return asked.decision is not None and any(each.reason == BREAKER_OPEN for each in asked.decision.dropped)


def _telling(told: Told) -> str:
    """The decision that has most to tell: the one with the most attempts."""
    made = [asked.decision for asked in told.asked if asked.decision]
    return max(made, key=lambda decision: len(decision.attempts)).id if made else "ID"


def _introduce(console: Console, frontier: Frontier | None, simulated: frozenset[str]) -> None:
    if frontier is not None:
        console.print(f"[bold]mid[/]        {frontier.mid}, a real model, paid for by your {frontier.key_env}")
        console.print(f"[bold]strong[/]     {frontier.strong}, likewise")
    stars = ", ".join(sorted(simulated))
    console.print(f"[bold]simulated[/]  {stars}: they answer without a model, and are marked with a star [bold]*[/]")


def _simulated(config: Path) -> frozenset[str]:
    targets: dict[str, dict[str, Any]] = yaml.safe_load(config.read_text("utf-8"))["targets"]
    return frozenset(name for name, target in targets.items() if target.get("simulated"))
