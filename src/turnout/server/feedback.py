"""`POST /v1/feedback`: how good an answer was found."""

from __future__ import annotations

from typing import Any, Final

import msgspec
from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from turnout.config.build import ConfiguredRouter
from turnout.errors import InvalidRequest, RequestFailed
from turnout.server.admission import Admission
from turnout.server.asgi import headers_of, read_body
from turnout.server.caller import read_caller
from turnout.types.dialect import DialectName
from turnout.types.request import Caller
from turnout.wire.registry import dialect

_MOST_BYTES: Final = 64_000
_FIELDS: Final = ("decision_id", "score", "label", "comment", "kind", "user")


class FeedbackEndpoint:
    """Takes feedback from whoever may call; errors are in OpenAI's form."""

    def __init__(self, router: ConfiguredRouter, admission: Admission) -> None:
        self._router = router
        self._admission = admission

    async def take(self, request: Request) -> Response:
        """`POST /v1/feedback`: 201 once it is durable."""
        try:
            headers = headers_of(request.scope)
            caller = read_caller(headers, self._admission.keys.check(headers))
            body = _read(await read_body(request.receive, _MOST_BYTES))
            said = await self._router.feedback(
                body["decision_id"],
                score=body.get("score"),
                label=body.get("label"),
                comment=body.get("comment"),
                kind=body.get("kind", "feedback"),
                caller=_of_user(caller, body.get("user")),
            )
        except RequestFailed as error:
            status, told, raw = dialect(DialectName.OPENAI_CHAT).encode_error(error)
            return Response(raw, status, dict(told))
        told_back = {
            "id": said.id,
            "object": "feedback",
            "decision_id": said.decision,
            "time": said.time,
            "user": said.user,
            "score": said.score,
            "label": said.label,
            "comment": said.comment,
            "kind": said.kind,
        }
        return JSONResponse(told_back, 201, {"x-turnout-decision": said.decision})


def _read(raw: bytes) -> dict[str, Any]:
    try:
        body = msgspec.json.decode(raw, type=dict[str, Any])
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise InvalidRequest('The body must be a JSON object like {"decision_id": "...", "score": 1}.') from error
    unknown = sorted(set(body) - set(_FIELDS))
    if unknown:
        raise InvalidRequest(f"There is no field `{unknown[0]}`. There are: {', '.join(_FIELDS)}.", param=unknown[0])
    if not isinstance(body.get("decision_id"), str):
        raise InvalidRequest("`decision_id` must be a text: what `x-turnout-decision` said.", param="decision_id")
    return body


def _of_user(caller: Caller, user: object) -> Caller:
    """`caller` with the user that the body names, unless a header named one."""
    if user is not None and not (isinstance(user, str) and 0 < len(user) <= 256):
        raise InvalidRequest("`user` must be a text of 1 to 256 characters.", param="user")
    return caller if caller.user or user is None else msgspec.structs.replace(caller, user=user)
