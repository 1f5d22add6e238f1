"""The bare relay, what Starlette, uvicorn and aiohttp cost with no journey: body in, POST, reply out.

`UPSTREAMS` in the environment is a JSON object: the first segment of the path to the upstream's base URL.
"""

from __future__ import annotations

import contextlib
import json
import os
import sys
from typing import TYPE_CHECKING

import aiohttp
import uvicorn
from starlette.applications import Starlette
from starlette.responses import Response, StreamingResponse
from starlette.routing import Route

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from starlette.requests import Request

_HEADERS = {"content-type": "application/json", "authorization": "Bearer bench"}


def build(upstreams: dict[str, str]) -> Starlette:
    """The relay as an ASGI application; `upstreams` maps a workload to the mock provider's base URL."""
    endpoints = {f"/{name}/v1/chat/completions": f"{url}/v1/chat/completions" for name, url in upstreams.items()}

    @contextlib.asynccontextmanager
    async def lifespan(app: Starlette) -> AsyncIterator[None]:
        async with aiohttp.ClientSession(connector=aiohttp.TCPConnector(limit=0)) as session:
            app.state.session = session
            yield

    async def unary(request: Request) -> Response:
        body = await request.body()
        session: aiohttp.ClientSession = request.app.state.session
        async with session.post(endpoints[request.url.path], data=body, headers=_HEADERS) as reply:
            return Response(await reply.read(), reply.status, media_type=reply.content_type)

    async def stream(request: Request) -> Response:
        body = await request.body()
        session: aiohttp.ClientSession = request.app.state.session
        reply = await session.post(endpoints[request.url.path], data=body, headers=_HEADERS)

        async def events() -> AsyncIterator[bytes]:
            async with reply:
                async for piece in reply.content.iter_any():
                    yield piece

        return StreamingResponse(events(), reply.status, media_type=reply.content_type)

    routes = [
        Route("/unary/v1/chat/completions", unary, methods=["POST"]),
        Route("/{workload}/v1/chat/completions", stream, methods=["POST"]),
    ]
    return Starlette(routes=routes, lifespan=lifespan)


def main() -> None:
    """`python -m bench.relay PORT`."""
    app = build(json.loads(os.environ["UPSTREAMS"]))
    uvicorn.run(
        app,
        host="127.0.0.1",
        port=int(sys.argv[1]),
        loop="uvloop",
        http="httptools",
        access_log=False,
        log_level="warning",
    )


if __name__ == "__main__":
    main()
