"""`/admin`: serves the table of operations. Who may do what is checked here, and nowhere else."""

from __future__ import annotations

import re
from collections.abc import Sequence
from functools import partial
from typing import Any, Final

import msgspec
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Route

from turnout.errors import InvalidRequest, LedgerError, Overloaded, RequestFailed, TenancyError, UnknownPath
from turnout.server.admin.access import AdminAccess, Asker
from turnout.server.admin.openapi import PARAMETER, Refusal, Refused
from turnout.server.admin.operation import Answered, Asked, Operation
from turnout.server.asgi import read_body

_MAX_BODY: Final = 65_536
_METHODS: Final = ["GET", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "TRACE"]


class AdminApi:
    """Serves operations to whoever may ask for them.

    Args:
        access: tells who may.
        operations: the table.
    """

    def __init__(self, access: AdminAccess, operations: Sequence[Operation]) -> None:
        self._access = access
        self._operations = operations

    def routes(self) -> list[BaseRoute]:
        """Everything under `/admin`."""
        served: list[BaseRoute] = [
            Route(operation.path, partial(self._serve, operation), methods=[operation.method])
            for operation in self._operations
        ]
        return [*served, Route("/admin/{path:path}", self._nothing, methods=_METHODS)]

    async def _serve(self, operation: Operation, request: Request) -> Response:
        try:
            asker = self._authorised(operation, request)
            body = await _body(operation, request)
            secure = "https" in {request.url.scheme, request.headers.get("x-forwarded-proto")}
            asked = Asked(path=request.path_params, headers=request.headers, body=body, secure=secure, asker=asker)
            return _reply(operation.status, await operation.answer(asked))
        except RequestFailed as error:
            return _refused(error)
        except (LedgerError, TenancyError) as error:  # what the data directory cannot keep or tell
            return _refused(Overloaded(str(error)))

    def _authorised(self, operation: Operation, request: Request) -> Asker | None:
        """Who asks, who may. Raises `CallerError`."""
        if operation.needs is None:
            return None
        if not operation.of_tenants:
            self._access.check(request.headers, needs=operation.needs)
        return self._access.asker(request.headers, needs=operation.needs)

    async def _nothing(self, request: Request) -> Response:
        path = request.url.path
        methods = [each.method for each in self._operations if _pattern(each.path).fullmatch(path)]
        if methods:
            known = ", ".join(methods)
            wrong = InvalidRequest(f"{path} takes {known}, not {request.method}.")
            wrong.status = 405
            return _refused(wrong, allow=known)
        return _refused(UnknownPath(f"There is nothing at {path}. /admin/openapi.json describes what there is."))


async def _body(operation: Operation, request: Request) -> Any:
    """What the operation takes. Only JSON by its name: no page of another site can send that without being asked."""
    if operation.takes is None:
        return None
    kind = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    if kind != "application/json":
        raise InvalidRequest("Send the body as `content-type: application/json`.")
    raw = await read_body(request.receive, _MAX_BODY)
    try:
        return msgspec.json.decode(raw, type=operation.takes)
    except (msgspec.DecodeError, ValueError) as error:
        raise InvalidRequest(f"The body cannot be used: {error}.") from error


def _reply(status: int, answered: Answered) -> Response:
    headers = {"cache-control": "no-store", **answered.headers}
    return Response(msgspec.json.encode(answered.body), status, headers, media_type="application/json")


def _refused(error: RequestFailed, **headers: str) -> Response:
    told = Refused(error=Refusal(kind=error.kind, message=error.message, param=error.param))
    return _reply(error.status, Answered(body=told, headers=headers))


def _pattern(path: str) -> re.Pattern[str]:
    return re.compile(PARAMETER.sub(r"[^/]+", path))
