"""An evaluation in a terminal."""

from __future__ import annotations

from collections.abc import Sequence

from rich.console import Console
from rich.table import Table
from rich.text import Text

from turnout.cli.evaluate import words
from turnout.insight.evaluate.evaluation import Evaluation
from turnout.insight.evaluate.verdict import Assumed, Verdict


def print_evaluation(console: Console, found: Evaluation, told: Sequence[Verdict], assumed: Assumed) -> None:
    """Print the verdicts, the table and what both rest on."""
    for sentence in words.sentences(told):
        console.print(Text(sentence, "bold"))
    console.print()
    table = Table(box=None, padding=(0, 2, 0, 0), header_style="dim")
    for place, heading in enumerate(words.columns(found)):
        table.add_column(heading, justify="right" if 0 < place < len(words.COLUMNS) - 1 else "left", overflow="fold")
    for each, row in zip(found.standings, words.rows(found, words.about_as), strict=True):
        table.add_row(*row, style="bold" if each.efficient else "dim" if each.kind == "oracle" else "")
    console.print(table)
    console.print(Text("Bold: nobody else is both better and no dearer.", "dim"))
    console.print()
    console.print(Text(words.about(found), "dim"))
    for line in words.assumptions(found, assumed, told):
        console.print(Text(line, "dim"))
