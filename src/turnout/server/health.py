"""`GET /health/live` and `/health/ready`: for whoever starts, stops and balances gateways."""

from __future__ import annotations

from dataclasses import asdict

from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from turnout.config.reload import Reloader
from turnout.server.admission import Admission


class HealthEndpoint:
    """Neither asks a provider: a model that is down is no reason to restart the gateway."""

    def __init__(self, admission: Admission, reloader: Reloader) -> None:
        self._admission = admission
        self._reloader = reloader

    async def live(self, _: Request) -> Response:
        """Answering at all is being alive."""
        return JSONResponse({"status": "ok"})

    async def ready(self, _: Request) -> Response:
        """200 while requests are welcome, 503 once the server stops; with the configuration that is in effect."""
        draining = self._admission.draining
        status = {"status": "draining" if draining else "ok", "config": asdict(self._reloader.in_effect)}
        return JSONResponse(status, 503 if draining else 200)
