"""`GET /metrics`: for Prometheus. Any worker tells for all of them."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping

from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response

from turnout.errors import CallerError
from turnout.telemetry.exposition import exposition
from turnout.telemetry.metrics import Metrics


class MetricsEndpoint:
    """What was counted, to whoever may look.

    Args:
        metrics: what counts.
        allow: raises `CallerError` for the headers of somebody who may not look.
    """

    def __init__(self, metrics: Metrics, allow: Callable[[Mapping[str, str]], object]) -> None:
        self._metrics = metrics
        self._allow = allow

    async def scrape(self, request: Request) -> Response:
        """`GET /metrics`, in the format that the scraper asks for."""
        try:
            self._allow(request.headers)
        except CallerError as error:
            return PlainTextResponse(f"{error.message}\n", error.status)
        body, content_type = await asyncio.to_thread(self._exposition, request.headers.get("accept", ""))
        return Response(body, headers={"content-type": content_type, "cache-control": "no-store"})

    def _exposition(self, accept: str) -> tuple[bytes, str]:
        return exposition(self._metrics.counted(), accept)
