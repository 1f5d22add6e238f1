"""Services at real addresses, for whatever calls some."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager, suppress
from typing import Any

Reply = Callable[[dict[str, Any]], tuple[int, bytes]]


@asynccontextmanager
async def service(reply: Reply, *, headers: str = "", heard: list[str] | None = None) -> AsyncIterator[str]:
    """A service at a real address."""

    async def answered(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        head = (await reader.readuntil(b"\r\n\r\n")).decode()
        length = int(next(line for line in head.lower().splitlines() if line.startswith("content-length")).split()[1])
        case = json.loads(await reader.readexactly(length))
        if heard is not None:
            heard.append(head)
        status, body = reply(case)
        told = f"HTTP/1.1 {status} Told\r\ncontent-length: {len(body)}\r\n{headers}connection: close\r\n\r\n"
        writer.write(told.encode() + body)

    async with listening(answered) as url:
        yield url


@asynccontextmanager
async def listening(
    answered: Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]],
) -> AsyncIterator[str]:
    """A server that is gone, with its connections, when the block ends."""
    under_way: set[asyncio.Task[None] | None] = set()

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        under_way.add(asyncio.current_task())
        await answered(reader, writer)
        writer.close()
        with suppress(OSError):
            await writer.wait_closed()

    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    async with server:
        yield f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}/score"
        await asyncio.gather(*(task for task in under_way if task is not None))
