"""The application: which path is served by what, and in which order.

1. the hot endpoints, as plain ASGI callables: POST of a conversation
2. everything else, by Starlette: models, feedback, health, metrics, /admin, and whatever pages whoever starts the
   gateway adds
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Iterator, Mapping, Sequence
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from functools import partial
from typing import Final

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Route
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from turnout.config.build import ConfiguredRouter
from turnout.config.drilling import DrillSwitch, drilling
from turnout.config.load import LoadedConfig
from turnout.config.reload import Reloader, reloading
from turnout.errors import CallerError, InvalidRequest, TurnoutError, UnknownPath
from turnout.features.query_hash import load_or_create_key
from turnout.server.admin.access import AdminAccess, Role
from turnout.server.admin.api import AdminApi
from turnout.server.admin.drills import Drills
from turnout.server.admin.flags import Flags
from turnout.server.admin.operations import operations
from turnout.server.admin.tenants import Tenants
from turnout.server.admission import Admission
from turnout.server.conversation import ConversationEndpoint
from turnout.server.feedback import FeedbackEndpoint
from turnout.server.health import HealthEndpoint
from turnout.server.heap import collecting_seldom
from turnout.server.lag import limiting_lag
from turnout.server.metrics import MetricsEndpoint
from turnout.server.models import ModelsEndpoint
from turnout.state.flags import FlagFile
from turnout.types.clock import SystemClock
from turnout.types.dialect import DialectName
from turnout.wire.anthropic_messages.counting import COUNT_PATH
from turnout.wire.registry import caller_dialect

CONVERSATIONS: Final[Mapping[str, DialectName]] = {
    "/v1/chat/completions": DialectName.OPENAI_CHAT,
    "/v1/responses": DialectName.OPENAI_RESPONSES,
    "/v1/messages": DialectName.ANTHROPIC_MESSAGES,
    "/v1/embeddings": DialectName.OPENAI_EMBEDDINGS,
}
"""What is answered by models: each path and its dialect."""

_FURTHER_PATHS: Final = (
    COUNT_PATH,
    "/v1/models",
    "/v1/feedback",
    "/health/live",
    "/health/ready",
    "/metrics",
    "/dashboard",
)

OpenRouter = Callable[[], AbstractAsyncContextManager[ConfiguredRouter]]
Pages = Callable[[ConfiguredRouter, AdminAccess], Sequence[BaseRoute]]
"""Further routes over an open router, for those that the access lets in."""

_SESSION_KEY: Final = "sessions.key"


class Gateway:
    """The service as an ASGI application.

    Args:
        open_router: opens the router when the server starts, within its event loop, and closes it when it stops.
        admission: what is asked before and while a request is served.
        pages: further routes; none by default.
    """

    def __init__(self, open_router: OpenRouter, admission: Admission, pages: Pages | None = None) -> None:
        self.admission = admission
        self._open_router = open_router
        self._pages = pages
        self._hot: dict[str, ASGIApp] = {}
        self._rest: Starlette | None = None
        self._reloader: Reloader | None = None
        self._router: ConfiguredRouter | None = None
        self._fault = ""

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request, or the server's start and stop."""
        if scope["type"] == "http" and scope["method"] == "POST":
            endpoint = self._hot.get(scope["path"])
            if endpoint is not None:
                await endpoint(scope, receive, send)
                return
        if scope["type"] == "lifespan":
            send = self._briefly(send)
        if self._rest is None:
            self._rest = Starlette(routes=[], lifespan=self._lifespan)
        await self._rest(scope, receive, send)

    def _briefly(self, send: Send) -> Send:
        """Whatever the start failed by is told in its own words; a defect, with its traceback."""

        async def brief(message: Message) -> None:
            if message["type"] == "lifespan.startup.failed" and self._fault:
                message = {**message, "message": self._fault}
            await send(message)

        return brief

    async def reload(self) -> None:
        """Read the configuration again."""
        if self._reloader is not None:
            await self._reloader.reload()

    def under_way(self) -> int:
        """How many requests have begun and have no record yet."""
        return self._router.under_way() if self._router is not None else 0

    def interrupt(self) -> None:
        """End every request that is under way by an error."""
        if self._router is not None:
            self._router.interrupt()

    @asynccontextmanager
    async def _lifespan(self, app: Starlette) -> AsyncIterator[None]:
        try:
            async with self._opened(app):
                yield
        except TurnoutError as error:
            self._fault = str(error)
            raise

    @asynccontextmanager
    async def _opened(self, app: Starlette) -> AsyncIterator[None]:
        clock = SystemClock()
        async with self._open_router() as router:
            access = AdminAccess(self.admission.host, load_or_create_key(router.data / _SESSION_KEY), clock)
            drills = DrillSwitch(router.data, clock)
            async with (
                reloading(router, clock, partial(self._renew, access)) as reloader,
                drilling(router, drills, clock),
                limiting_lag(self.admission.room, lambda: self.admission.limits.max_lag),
            ):
                self._router, self._reloader = router, reloader
                self.admission.directory = router.directory
                self._renew(access, router.loaded)
                flags = Flags(router, FlagFile(router.data), clock).operations()
                tenants = Tenants(router, clock).operations()
                further = [*Drills(router, drills, clock).operations(), *flags, *tenants]
                table = operations(access, lambda: reloader.in_effect, further)
                admin = AdminApi(access, table).routes()
                app.router.routes += self._routes(router, reloader, [*admin, *self._for_viewers(router, access)])
                with collecting_seldom():
                    yield

    def _renew(self, access: AdminAccess, loaded: LoadedConfig) -> None:
        """Another configuration takes effect. Raises `ConfigError` to refuse it, and changes nothing then."""
        self.admission.renew(loaded)
        access.renew(loaded.config.server.admin_keys)

    def _for_viewers(self, router: ConfiguredRouter, access: AdminAccess) -> Iterator[BaseRoute]:
        """What is looked at by whoever runs the gateway."""
        if router.metrics:
            metrics = MetricsEndpoint(router.metrics, partial(access.check, needs=Role.VIEWER))
            yield Route("/metrics", metrics.scrape)
        if self._pages:
            yield from self._pages(router, access)

    def _routes(self, router: ConfiguredRouter, reloader: Reloader, further: Sequence[BaseRoute]) -> list[BaseRoute]:
        for path, name in CONVERSATIONS.items():
            self._hot[path] = ConversationEndpoint(name, router, self.admission)
        counting = ConversationEndpoint(DialectName.ANTHROPIC_MESSAGES, router, self.admission, router.count_tokens)
        self._hot[COUNT_PATH] = counting
        models = ModelsEndpoint(router, self.admission)
        feedback = FeedbackEndpoint(router, self.admission)
        health = HealthEndpoint(self.admission, reloader, router.degraded)
        return [
            Route("/v1/models", models.list),
            Route("/v1/models/{name:path}", models.show),
            Route("/v1/feedback", feedback.take, methods=["POST"]),
            Route("/health/live", health.live),
            Route("/health/ready", health.ready),
            *further,
            Route("/{path:path}", _unknown, methods=["GET", "POST", "PUT", "PATCH", "DELETE"]),
        ]


async def _unknown(request: Request) -> Response:
    """An error that an SDK raises, with the paths that there are."""
    path = request.url.path
    named = CONVERSATIONS.get(path)
    likeliest = DialectName.ANTHROPIC_MESSAGES if "/messages" in path else DialectName.OPENAI_CHAT
    failed: CallerError
    if named is not None or path in (COUNT_PATH, "/v1/feedback"):
        failed = InvalidRequest(f"Send {path} by POST.")
    else:
        failed = UnknownPath(f"There is nothing at {path}. {_where_else(path)}")
    status, headers, body = caller_dialect(named or likeliest).encode_error(failed)
    return Response(body, status, dict(headers))


def _where_else(path: str) -> str:
    """What was meant: mostly a `base_url` has a `/v1` too few, or too many."""
    meant = "/v1" + path.replace("/v1", "")
    if meant in (*CONVERSATIONS, *_FURTHER_PATHS):
        return f"Did you mean {meant}? The base_url of OpenAI's SDK ends with /v1, that of Anthropic's does not."
    return f"There are: {', '.join([*CONVERSATIONS, *_FURTHER_PATHS])}."
