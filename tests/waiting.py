"""Waiting, in an event loop, for what is going to be true."""

from __future__ import annotations

import asyncio
from collections.abc import Callable


async def until(true: Callable[[], object], within_s: float = 30.0) -> None:
    """Return once `true()` is."""
    async with asyncio.timeout(within_s):
        while not true():
            await asyncio.sleep(0.02)
