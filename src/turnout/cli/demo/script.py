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
from turnout.cli.demo.gateway import running_gateway, took_effect
from turnout.cli.demo.lookups import AIM, ROUTE, Labelling, calibrated, label, lookups
from turnout.cli.demo.queries import ROUTES, Query
from turnout.cli.demo.view import View
from turnout.config.load import load_config
from turnout.execution.breaker import BreakerSettings
from turnout.insight.calibrate import Calibrated
from turnout.insight.query import Filter
from turnout.insight.sums import Summary, summaries, summary
from turnout.policy.filters import BREAKER_OPEN
from turnout.testing.local_model import running_local_model
from turnout.testing.simulated_model import SimulatedModel

_BEFORE: Final = 0.35
"""The share of the queries that is asked before the primary fails."""
_AFTER: Final = 0.26
"""The share that is asked once it is back."""
LABELS: Final = "labels.jsonl"
"""In the data directory: what the local model answered, and whether it was right."""
_COOLDOWN_S: Final = BreakerSettings().cooldown


class Stage(msgspec.Struct, frozen=True, kw_only=True):
    """Everything that runs while the demo does.

    Attributes:
        address: the gateway's address.
        model: the real model's address.
        config, data: its configuration and data directory.
        primary: the stand-in that fails and comes back.
        simulated: the names of the targets that are stand-ins.
    """

    address: str
    model: str
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
        yield Stage(address=address, model=local, config=config, data=data, primary=primary, simulated=simulated)


async def perform(stage: Stage, queries: Sequence[Query], console: Console) -> Told:
    """Ask everything: the rules with an outage in the middle, then the cascade."""
    numbered = list(enumerate(queries, 1))
    ruled = [each for each in numbered if each[1].route != ROUTE]
    show = _Show(stage, console, len(numbered))
    if not (cascaded := [each for each in numbered if each[1].route == ROUTE]):
        await _outage(show, ruled)
        return await show.over()
    labelling = asyncio.create_task(label(stage.model, lookups(), stage.data / LABELS))
    try:
        await _outage(show, ruled)
        await _cascade(show, cascaded, labelling)
    finally:
        labelling.cancel()
    return await show.over()


class _Show:
    """The demo under way: what is asked is shown, and kept."""

    def __init__(self, stage: Stage, console: Console, queries: int) -> None:
        self.stage = stage
        self.console = console
        self.view = View(console, stage.simulated)
        self.asked: list[Asked] = []
        self._desk = Desk(stage.address, stage.data)
        self._queries = queries

    async def ask(self, some: Sequence[tuple[int, Query]], *, judged: bool = False) -> None:
        with self.console.status("") as status:
            async for one in self._desk.ask_all(some):
                self.view.asked(one)
                if judged:
                    self.view.judged(one)
                self.asked.append(one)
                status.update(f"{len(self.asked)} of {self._queries}")

    async def over(self) -> Told:
        """Say what it came to."""
        await self._desk.close()
        store = self._desk.store
        total = summary(store, Filter())
        by_rule = {rule or "": summed for rule, summed in summaries(store, Filter(), by="rule").items()}
        self.view.title("What it came to")
        self.view.totals(by_rule, total)
        return Told(asked=tuple(self.asked), by_rule=by_rule, total=total)


async def _outage(show: _Show, numbered: Sequence[tuple[int, Query]]) -> None:
    view, primary = show.view, show.stage.primary
    down, up = round(len(numbered) * _BEFORE), round(len(numbered) * (1 - _AFTER))
    view.heading("1  An ordinary morning at the support desk", "The rules of the route decide who answers.")
    await show.ask(numbered[:down])
    await primary.stop()
    view.heading(
        "2  The primary provider goes down",
        "It refuses connections. Callers notice nothing: the next target of the chain answers (✗ marks who was tried "
        "in vain). After a few failures a target's circuit breaker opens, and it is left out at once (in brackets).",
    )
    await show.ask(numbered[down:up])
    await primary.start()
    if any(_left_out(one) for one in show.asked):
        with show.console.status(f"The primary is back; a breaker stays open for {_COOLDOWN_S:.0f} seconds ..."):
            await asyncio.sleep(_COOLDOWN_S)
    view.heading(
        "3  It is back", "One request probes each target whose breaker is open; its answer closes the breaker."
    )
    await show.ask(numbered[up:])


async def _cascade(show: _Show, numbered: Sequence[tuple[int, Query]], labelling: asyncio.Task[Labelling]) -> None:
    stage, console = show.stage, show.console
    with console.status("The small model answers questions of which the answers are known ..."):
        labelled = await labelling
    with console.status("Calibrating ..."):
        found = await asyncio.to_thread(calibrated, labelled, stage.config)
        await took_effect(stage.address, load_config(stage.config).version)
    show.view.heading(
        "4  A cascade: the small model answers what it is sure of",
        f"Meanwhile it was asked {labelled.labels} questions with known answers, and {labelled.right} of its answers "
        f"were right. From those, and from how likely it held its own tokens to be: {found.promise} "
        f"{_threshold_told(found)}",
    )
    await show.ask(numbered, judged=True)


def _threshold_told(found: Calibrated) -> str:
    if not found.holds:
        return "So nothing is promised here, and its own word counts, from 0.85 on."
    return (
        f"So an answer is kept from a confidence of {found.chosen.threshold:.2f} on: {found.chosen.kept:.0%} of those "
        f"that it was tested on, {found.chosen.error:.0%} of them wrong. The others are escalated to a dearer model."
    )


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
    labels = stage.data / LABELS
    for command in (
        f"decisions --fallbacks --data {stage.data}",
        f"decisions show {_telling(told)} --data {stage.data}",
        f'explain --config {stage.config} --route support "I was charged twice"',
        *(
            [f"calibrate {ROUTE} --config {stage.config} --labels {labels} --error {AIM.alpha}"]
            if labels.exists()
            else []
        ),
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
