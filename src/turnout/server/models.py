"""`GET /v1/models`: the routes and targets, in the form that the caller's SDK expects."""

from __future__ import annotations

from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from turnout.errors import RequestFailed, UnknownRoute
from turnout.router import Router
from turnout.server.admission import Admission
from turnout.server.anthropic import models as anthropic_models
from turnout.server.listed import listed
from turnout.server.openai import models as openai_models
from turnout.types.dialect import DialectName
from turnout.wire.registry import dialect


class ModelsEndpoint:
    """Lists routes and targets, or shows one. An Anthropic caller is known by its `anthropic-version` header."""

    def __init__(self, router: Router, admission: Admission) -> None:
        self._router = router
        self._admission = admission

    async def list(self, request: Request) -> Response:
        """`GET /v1/models`."""
        return self._answer(request, None)

    async def show(self, request: Request) -> Response:
        """`GET /v1/models/{name}`."""
        return self._answer(request, request.path_params["name"])

    def _answer(self, request: Request, name: str | None) -> Response:
        anthropic_caller = "anthropic-version" in request.headers
        form = anthropic_models if anthropic_caller else openai_models
        try:
            holder = self._admission.keys.check(request.headers)
            names = self._router.route_names() if name is None else [name]
            told = (listed(self._router.parts, each) for each in names if holder.may(each))
            found = [each for each in told if each is not None]
            if name is None:
                return JSONResponse(form.model_list(found))
            if not found:
                raise UnknownRoute(f"There is no route or target '{name}'.", param="model")
            return JSONResponse(form.model(found[0]))
        except RequestFailed as error:
            named = DialectName.ANTHROPIC_MESSAGES if anthropic_caller else DialectName.OPENAI_CHAT
            status, headers, body = dialect(named).encode_error(error)
            return Response(body, status, dict(headers))
