"""How canaries read in a terminal, and as JSON."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import msgspec
from rich.console import Console
from rich.table import Table
from rich.text import Text

from turnout.cli.canary.place import Look
from turnout.cli.decision_words import plain
from turnout.insight.canary.judging import Found, Standing
from turnout.insight.canary.measure import COST, LATENCY, QUALITY
from turnout.insight.canary.progress import percent, waits_for
from turnout.types.canary import Canary, CanaryStatus

_STYLES = {
    CanaryStatus.RUNNING: "yellow",
    CanaryStatus.PROMOTED: "green",
    CanaryStatus.HELD: "cyan",
    CanaryStatus.ROLLED_BACK: "bold red",
    CanaryStatus.STOPPED: "dim",
}
_STANDINGS = {
    Standing.WORSE: ("worse", "bold red"),
    Standing.BETTER: ("better", "green"),
    Standing.SAME: ("the same", "green"),
    Standing.NOT_WORSE: ("not worse", "green"),
    Standing.UNCLEAR: ("not clear yet", "yellow"),
    Standing.UNKNOWN: ("too few yet", "dim"),
}


def print_all(canaries: Mapping[str, Canary], console: Console) -> None:
    """Every canary, a line each."""
    if not canaries:
        console.print("There is no canary. Begin with: turnout canary start FLAG; see docs/how-to/canary.md.")
        return
    table = Table(box=None, pad_edge=False, header_style="dim")
    for title in ("flag", "route", "stands", "share", "because"):
        table.add_column(title)
    for each in canaries.values():
        stands = Text(_status(each), _STYLES[each.status])
        table.add_row(
            Text(plain(each.flag), "bold"), plain(each.route), stands, _share(each.share), plain(each.because)
        )
    console.print(table)


def print_look(look: Look, console: Console) -> None:
    """How one canary does."""
    canary = look.canary
    console.print(
        Text.assemble(
            (plain(canary.flag), "bold"),
            f": {plain(canary.variant)} on {plain(canary.route)}, ",
            (_status(canary), _STYLES[canary.status]),
            f" at {_share(canary.share)}",
        )
    )
    table = Table(box=None, pad_edge=False, header_style="dim")
    for title in ("measure", "old", "new", "harm", "surely within", "tolerated", "so it is"):
        table.add_column(title, justify="left" if title in {"measure", "so it is"} else "right")
    for each in look.found:
        table.add_row(*_row(each))
    console.print(table)
    old, new = (sum(stretch.requests[side] for stretch in look.stretches) for side in (0, 1))
    sure = f"{(1 - canary.alpha) * 100:g} %"
    console.print(Text(f"{old:,} and {new:,} requests. {sure} sure, however often you look.", "dim"))
    if canary.status is CanaryStatus.RUNNING:
        console.print(f"Waits for {waits_for(canary, look.stretches, look.found)}.")
    console.print()
    for step in canary.walked:
        console.print(
            Text.assemble(
                (step.time[:19].replace("T", " "), "dim"), f"  {_share(step.share):>5}  {plain(step.because)}"
            )
        )


def print_moved(before: Canary, after: Canary, console: Console) -> None:
    """What came of a step."""
    if after is before:
        console.print(f"{plain(after.flag)}: stays at {_share(after.share)}.")
        return
    told = f" {_share(before.share)} → {_share(after.share)}: " if after.share != before.share else " "
    console.print(Text.assemble((plain(after.flag), "bold"), ":", told, (plain(after.because), _STYLES[after.status])))


def look_json(look: Look) -> bytes:
    """A canary, how it stands, and what it waits for."""
    running = look.canary.status is CanaryStatus.RUNNING
    told: dict[str, Any] = {
        **msgspec.structs.asdict(look.canary),
        "share": look.canary.share,
        "because": look.canary.because,
        "requests": {
            side: sum(stretch.requests[place] for stretch in look.stretches)
            for place, side in enumerate(("old", "new"))
        },
        "measures": look.found,
        "waits_for": waits_for(look.canary, look.stretches, look.found) if running else None,
    }
    return msgspec.json.encode(told)


def _status(canary: Canary) -> str:
    return canary.status.value.replace("_", " ")


def _row(found: Found) -> tuple[Text | str, ...]:
    word, style = _STANDINGS[found.standing]
    values = [
        _value(found.measure, each) if number else "–"
        for each, number in zip((found.old, found.new), found.values, strict=True)
    ]
    if found.measure == QUALITY and not any(found.values):
        word = "nobody said"
    if found.harm is None or found.low is None or found.high is None:
        return found.measure, *values, "–", "–", percent(found.measure, found.tolerance), Text(word, style)
    within = f"{percent(found.measure, found.low)} to {percent(found.measure, found.high)}"
    harm, tolerated = percent(found.measure, found.harm), percent(found.measure, found.tolerance)
    return found.measure, *values, harm, within, tolerated, Text(word, style)


def _value(measure: str, value: float) -> str:
    if measure == COST:
        return f"${value:.6f}"
    if measure == LATENCY:
        return f"{value:,.0f} ms"
    return f"{value * 100:.2f} %"


def _share(share: float) -> str:
    return f"{share * 100:g} %"
