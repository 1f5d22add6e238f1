"""`GET /health/live` and `/health/ready`: for whoever starts, stops and balances gateways."""

from __future__ import annotations

from collections.abc import Callable, Collection
from dataclasses import asdict

from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from turnout.config.reload import Reloader
from turnout.server.admission import Admission


class HealthEndpoint:
    """Neither asks a provider: a model that is down is no reason to restart the gateway.

    Args:
        admission: whether requests are welcome.
        reloader: knows the configuration that is in effect.
        degraded: names what is done without at the moment. That is no reason to send requests elsewhere.
    """

    def __init__(self, admission: Admission, reloader: Reloader, degraded: Callable[[], Collection[str]]) -> None:
        self._admission = admission
        self._reloader = reloader
        self._degraded = degraded

    async def live(self, _: Request) -> Response:
        """Answering at all is being alive."""
        return JSONResponse({"status": "ok"})

    async def ready(self, _: Request) -> Response:
        """200 while requests are welcome, 503 once the server stops. Tells the configuration and what is lacking."""
        draining = self._admission.draining
        status = {
            "status": "draining" if draining else "ok",
            "config": asdict(self._reloader.in_effect),
            "degraded": [*self._degraded()],
        }
        return JSONResponse(status, 503 if draining else 200)
