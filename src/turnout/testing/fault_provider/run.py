"""The provider as a program."""

from __future__ import annotations

import asyncio
import signal
from collections.abc import Callable

from turnout.testing.fault_provider.provider import FaultProvider


async def run(provider: FaultProvider, started: Callable[[FaultProvider], None]) -> None:
    """Serve until SIGINT or SIGTERM.

    Args:
        provider: not yet entered.
        started: is called once the provider can be reached.
    """
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, stop.set)
    async with provider:
        started(provider)
        await stop.wait()
