"""The application: which path is served by what, and in which order.

1. the hot endpoints, as plain ASGI callables: POST of a conversation
2. everything else, by Starlette: models, health
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from typing import Final

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route
from starlette.types import ASGIApp, Receive, Scope, Send

from turnout.config.schema import LimitsConfig
from turnout.errors import CallerError, InvalidRequest, UnknownPath
from turnout.router import Router
from turnout.server.auth import Keys
from turnout.server.conversation import ConversationEndpoint
from turnout.server.heap import collecting_seldom
from turnout.server.models import ModelsEndpoint
from turnout.types.dialect import DialectName
from turnout.wire.registry import dialect

CONVERSATIONS: Final[Mapping[str, DialectName]] = {
    "/v1/chat/completions": DialectName.OPENAI_CHAT,
    "/v1/responses": DialectName.OPENAI_RESPONSES,
    "/v1/messages": DialectName.ANTHROPIC_MESSAGES,
}
"""Each conversation's path and dialect."""

OpenRouter = Callable[[], AbstractAsyncContextManager[Router]]


class Gateway:
    """The service as an ASGI application.

    Args:
        open_router: opens the router when the server starts, within its event loop, and closes it when it stops.
        keys: who may call.
        limits: what a request may not exceed.
    """

    def __init__(self, open_router: OpenRouter, keys: Keys, limits: LimitsConfig) -> None:
        self._open_router = open_router
        self._keys = keys
        self._limits = limits
        self._hot: dict[str, ASGIApp] = {}
        self._rest: Starlette | None = None

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request, or the server's start and stop."""
        if scope["type"] == "http" and scope["method"] == "POST":
            endpoint = self._hot.get(scope["path"])
            if endpoint is not None:
                await endpoint(scope, receive, send)
                return
        if self._rest is None:
            self._rest = Starlette(routes=[], lifespan=self._lifespan)
        await self._rest(scope, receive, send)

    @asynccontextmanager
    async def _lifespan(self, app: Starlette) -> AsyncIterator[None]:
        async with self._open_router() as router:
            for path, name in CONVERSATIONS.items():
                self._hot[path] = ConversationEndpoint(name, router, self._keys, self._limits)
            models = ModelsEndpoint(router, self._keys)
            app.router.routes += [
                Route("/v1/models", models.list),
                Route("/v1/models/{name:path}", models.show),
                Route("/health/live", _well),
                Route("/health/ready", _well),
                Route("/{path:path}", _unknown, methods=["GET", "POST", "PUT", "PATCH", "DELETE"]),
            ]
            with collecting_seldom():
                yield


async def _well(_: Request) -> Response:
    """Answering at all is being alive; and nothing is served before the router is open."""
    return JSONResponse({"status": "ok"})


async def _unknown(request: Request) -> Response:
    """An error that an SDK raises, with the paths that there are."""
    path = request.url.path
    named = CONVERSATIONS.get(path)
    failed: CallerError
    if named is not None:
        failed = InvalidRequest(f"Send {path} by POST.")
    else:
        paths = ", ".join([*CONVERSATIONS, "/v1/models", "/health/live", "/health/ready"])
        failed = UnknownPath(f"There is nothing at {path}. There are: {paths}.")
    status, headers, body = dialect(named or DialectName.OPENAI_CHAT).encode_error(failed)
    return Response(body, status, dict(headers))
