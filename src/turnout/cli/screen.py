"""Where commands print their tables."""

from __future__ import annotations

from typing import Final

from rich.console import Console

_PIPED_WIDTH: Final = 120


def screen() -> Console:
    """The terminal; what is piped is not cut to a terminal's width."""
    console = Console(highlight=False)
    return console if console.is_terminal else Console(highlight=False, width=_PIPED_WIDTH)
