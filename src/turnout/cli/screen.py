"""Where commands print their tables."""

from __future__ import annotations

import os
from typing import Final

from rich.console import Console

_PIPED_WIDTH: Final = 120


def screen() -> Console:
    """The terminal; what is piped is not cut to a terminal's width, unless `COLUMNS` asks for one."""
    console = Console(highlight=False)
    wide = not console.is_terminal and "COLUMNS" not in os.environ
    return Console(highlight=False, width=_PIPED_WIDTH) if wide else console
