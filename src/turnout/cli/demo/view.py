"""What the demo shows: a line for each decision as it is made, and the totals at the end."""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal
from typing import Final

from rich.console import Console
from rich.padding import Padding
from rich.rule import Rule
from rich.table import Table
from rich.text import Text

from turnout.cli.demo.asking import Asked
from turnout.insight.sums import Summary
from turnout.policy.filters import BREAKER_OPEN
from turnout.types.decision import Decision

_ASKS: Final = "the customer asks"
_WIDTHS: Final = {
    "#": 3,
    _ASKS: 0,
    "route": 9,
    "rule": 10,
    "answered by": 21,
    "took": 6,
    "cost": 8,
    "saved": 5,
}
"""The columns and their widths; the query takes what is left."""
_NARROW: Final = 100
"""On a screen narrower than this the route is left out, and the gaps are of one space."""


class View:
    """Prints the demo as it goes along.

    Args:
        console: where to.
        simulated: the names of the targets that are stand-ins; they are shown with a star.
    """

    def __init__(self, console: Console, simulated: frozenset[str]) -> None:
        self._console = console
        self._simulated = simulated
        narrow = console.width < _NARROW
        self._gap = 1 if narrow else 2
        self._widths = {name: width for name, width in _WIDTHS.items() if not (narrow and name == "route")}
        left = min(console.width, 140) - sum(width + self._gap for width in self._widths.values())
        self._widths[_ASKS] = max(1, left)

    def heading(self, title: str, said: str) -> None:
        """Announce a part of the demo, and what to look for in it."""
        self.title(title)
        self._console.print(Padding(Text(said, style="dim"), (0, 0, 0, 2)))
        self._line({name: Text(name, style="dim") for name in _WIDTHS})

    def title(self, title: str) -> None:
        """A line across the screen."""
        self._console.print()
        self._console.print(Rule(Text(title, style="bold"), align="left", style="dim"))

    def asked(self, asked: Asked) -> None:
        """One decision: ✗ is before a target that was tried in vain, brackets are around one whose breaker is open."""
        decision = asked.decision
        self._line(
            {
                "#": Text(str(asked.number), style="dim"),
                _ASKS: Text(asked.query.text),
                "route": Text(asked.query.route),
                "rule": Text((decision.rule if decision else None) or "–", style="cyan"),
                "answered by": self._answered_by(asked),
                "took": Text(f"{asked.took_s:.1f} s", justify="right"),
                "cost": Text(usd(decision.cost_usd if decision else None), justify="right"),
                "saved": _saved(decision),
            }
        )
        if asked.error:
            self._console.print(Padding.indent(Text(asked.error, style="red"), _WIDTHS["#"] + self._gap))

    def judged(self, asked: Asked) -> None:
        """What the local model said, and why it was kept or not; below the decision's line."""
        for considered in asked.decision.considered if asked.decision else ():
            mark = Text("kept     ", style="green") if considered.chosen else Text("escalated", style="yellow")
            kept = Text(f"  {asked.text}", style="dim") if considered.chosen and asked.text else Text()
            told = Text.assemble(mark, f"  {considered.because}", kept)
            self._console.print(Padding.indent(told, _WIDTHS["#"] + self._gap), no_wrap=True, overflow="ellipsis")

    def _line(self, cells: Mapping[str, Text]) -> None:
        table = Table.grid(padding=(0, self._gap, 0, 0))
        for width in self._widths.values():
            table.add_column(width=width, no_wrap=True, overflow="ellipsis")
        table.add_row(*(cells[name] for name in self._widths))
        self._console.print(table)

    def _answered_by(self, asked: Asked) -> Text:
        decision = asked.decision
        if decision is None:
            return Text("no record yet" if asked.text else "nobody", style="red")
        failed = dict.fromkeys(attempt.target for attempt in decision.attempts if attempt.outcome == "failed")
        left_out = [dropped.target for dropped in decision.dropped if dropped.reason == BREAKER_OPEN]
        told = Text()
        for target in left_out:
            told.append(f"({target}) ", style="dim")
        for target in failed:
            told.append(f"✗{target} ", style="red")
        if decision.target is None:
            return told.append("nobody", style="red")
        return told.append(self.named(decision.target), style="yellow" if told else "green")

    def named(self, target: str) -> str:
        """The target's name, with a star if it is a stand-in."""
        return f"{target}*" if target in self._simulated else target

    def totals(self, by_rule: Mapping[str, Summary], total: Summary) -> None:
        """What everything cost, and would have cost at the baseline."""
        table = Table(box=None, pad_edge=False, header_style="dim", padding=(0, self._gap, 0, 0))
        table.add_column("decided by")
        for title in ("requests", "fell back", "tokens", "cost", "baseline", "saved"):
            table.add_column(title, justify="right")
        for rule, summary in sorted(by_rule.items(), key=lambda each: -each[1].decisions):
            table.add_row(*_cells(f"rule {rule}" if rule else "a chain", summary))
        table.add_row(*_cells("all", total), style="bold")
        self._console.print(table)


def _cells(name: str, summary: Summary) -> tuple[str, ...]:
    return (
        name,
        str(summary.decisions),
        str(summary.fallbacks),
        f"{summary.input_tokens + summary.output_tokens:,}",
        usd(summary.cost_usd) + (" + ?" if summary.unpriced else ""),
        usd(summary.baseline_cost_usd),
        percent(summary.saved_usd, summary.baseline_cost_usd),
    )


def _saved(decision: Decision | None) -> Text:
    if decision is None or decision.cost_usd is None or decision.baseline_cost_usd is None:
        return Text("?", justify="right")
    saved = decision.baseline_cost_usd - decision.cost_usd
    return Text(percent(saved, decision.baseline_cost_usd), justify="right", style="green" if saved > 0 else "")


def usd(amount: Decimal | None) -> str:
    """An amount as a reader wants it: `$0.00041`, `$12.30`; `?` if it is unknown."""
    if amount is None:
        return "?"
    return f"${amount:,.2f}" if amount >= 1 else f"${amount:.5f}"


def percent(part: Decimal, whole: Decimal) -> str:
    """`part` of `whole`; a dash where there is nothing to compare with."""
    return f"{part / whole:.0%}" if whole else "–"
