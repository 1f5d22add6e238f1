"""The gateway of the demo: `turnout serve` as a child process, as a user would start it."""

from __future__ import annotations

import asyncio
import os
import signal
import socket
import sys
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from pathlib import Path
from typing import Final

import aiohttp

from turnout.errors import TurnoutError

_READY_WITHIN_S: Final = 30.0
_STOP_WITHIN_S: Final = 10.0


class GatewayFailed(TurnoutError):
    """The gateway ended before it was ready, or never was."""

    def __init__(self, log: Path) -> None:
        last = log.read_text(errors="replace").strip().splitlines()[-5:]
        super().__init__("\n".join([f"The gateway did not start. Its log is {log}", *last]))


@asynccontextmanager
async def running_gateway(config: Path, data: Path, port: int | None = None) -> AsyncIterator[str]:
    """Run the gateway for as long as the block lasts, and give its address.

    Raises:
        GatewayFailed: it is not ready in time.
    """
    port = port or _free_port()
    log = data / "gateway.log"
    command = ["-m", "turnout.cli", "serve", "--config", str(config), "--port", str(port), "--data", str(data)]
    with log.open("ab") as logged:
        child = await asyncio.create_subprocess_exec(
            sys.executable,
            *command,
            stdout=logged,
            stderr=logged,
            env={**os.environ, "TURNOUT_DATA_DIR": str(data)},
            start_new_session=True,  # an interrupt at the terminal is for the demo, which then stops it
        )
    try:
        await _ready(child, f"http://127.0.0.1:{port}", log)
        yield f"http://127.0.0.1:{port}"
    finally:
        await _stop(child)


async def took_effect(address: str, version: str) -> bool:
    """Wait until the gateway has seen that its configuration has changed. Whether it is the one of that version."""
    deadline = time.monotonic() + _READY_WITHIN_S
    async with aiohttp.ClientSession() as session:
        while time.monotonic() < deadline:
            async with session.get(f"{address}/health/ready") as answer:
                in_effect = (await answer.json())["config"]
            if version == in_effect["version"] or in_effect["error"]:
                return bool(version == in_effect["version"])
            await asyncio.sleep(0.1)
    return False


async def _ready(child: asyncio.subprocess.Process, address: str, log: Path) -> None:
    deadline = time.monotonic() + _READY_WITHIN_S
    async with aiohttp.ClientSession() as session:
        while not await _well(session, address):
            if child.returncode is not None or time.monotonic() > deadline:
                raise GatewayFailed(log)
            await asyncio.sleep(0.1)


async def _well(session: aiohttp.ClientSession, address: str) -> bool:
    with suppress(aiohttp.ClientError):
        async with session.get(f"{address}/health/ready") as answer:
            return answer.status == 200
    return False


async def _stop(child: asyncio.subprocess.Process) -> None:
    if child.returncode is not None:
        return
    child.send_signal(signal.SIGINT)  # unlike SIGTERM it gives no load balancer time to notice
    try:
        async with asyncio.timeout(_STOP_WITHIN_S):
            await child.wait()
    except TimeoutError:
        child.kill()
        await child.wait()


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port
