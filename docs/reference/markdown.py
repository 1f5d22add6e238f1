"""Tables and code in Markdown."""

from __future__ import annotations

from collections.abc import Iterable


def table(head: Iterable[str], rows: Iterable[Iterable[object]]) -> str:
    """A Markdown table."""
    lines = [list(head), *([str(cell) for cell in row] for row in rows)]
    told = ["| " + " | ".join(" ".join(cell.split()).replace("|", "\\|") for cell in line) + " |" for line in lines]
    return "\n".join([told[0], "|" + " --- |" * len(lines[0]), *told[1:]])


def code(*words: object) -> str:
    """Each word as code."""
    return ", ".join(f"`{word}`" for word in words)
