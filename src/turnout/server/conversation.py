"""The endpoints that answer conversations: one class for every dialect, since only the wire format differs."""

from __future__ import annotations

import logging
from collections.abc import Awaitable, Callable, Mapping
from typing import Any, Final

import msgspec
from starlette.types import Receive, Scope, Send

from turnout.errors import InternalError, InvalidRequest, PermissionDenied, RequestFailed, RequestTooLarge
from turnout.router import Router
from turnout.server.admission import Admission
from turnout.server.asgi import CallerWatch, Response, headers_of, read_body
from turnout.server.caller import read_caller
from turnout.tenancy.holder import Holder
from turnout.types.dialect import DialectName
from turnout.types.events import TurnedAway
from turnout.types.reply import Reply
from turnout.types.request import LONGEST_NAME, Caller, Request
from turnout.wire.registry import caller_dialect

Answering = Callable[[Request], Awaitable[Reply]]

_log = logging.getLogger(__name__)

_PLAIN: Final = frozenset({None, "", "identity"})
_CONVERSATIONS: Final = ("messages", "input")
"""The field that holds the conversation, in any dialect."""


class ConversationEndpoint:
    """`POST` of a conversation in one dialect. A plain ASGI callable: this is the hot path.

    Args:
        name: the dialect.
        router: who answers.
        admission: what is asked before and while a request is served.
        answer: what is done with the conversation; by default it is answered.
    """

    def __init__(
        self, name: DialectName, router: Router, admission: Admission, answer: Answering | None = None
    ) -> None:
        self._name = name
        self._dialect = caller_dialect(name)
        self._router = router
        self._answer = answer or router.handle
        self._admission = admission

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request: the edge, at which every failure becomes an error that the caller's SDK raises."""
        response = Response(send, last=self._admission.draining)
        try:
            await self._serve(scope, receive, response)
        except RequestFailed as error:
            if error.decision_id is None:
                self._router.observer.observe(TurnedAway(error.kind))
            await response.whole(*self._dialect.encode_error(error))
        except Exception:  # whatever defect there is, the caller gets an error it can read, and the log the rest
            _log.exception("a request failed by a defect")
            defect = InternalError("turnout failed; its log tells why.")
            if response.started:
                await response.last(self._dialect.encode_stream_error(defect))
            else:
                await response.whole(*self._dialect.encode_error(defect))

    async def _serve(self, scope: Scope, receive: Receive, response: Response) -> None:
        headers = headers_of(scope)
        holder = self._admission.keys.check(headers)
        room, who = self._admission.room, holder.who
        room.check(who)
        try:
            request = await self._read(headers, holder, receive)
        except RequestFailed:
            await self._router.refused(Caller(tenant=holder.tenant.name, limited=holder.limited))
            raise
        with CallerWatch(receive):
            await room.enter(who)
            try:
                await response.send(await self._answer(request), self._admission.heartbeat_s)
            finally:
                room.leave(who)

    async def _read(self, headers: Mapping[str, str], holder: Holder, receive: Receive) -> Request:
        limits = self._admission.limits
        if headers.get("content-encoding") not in _PLAIN:
            raise InvalidRequest("Send the body without a content-encoding.", param="content-encoding")
        caller = read_caller(headers, holder)
        raw = await read_body(receive, limits.max_body)
        body = _decoded(raw)
        model = body.get("model")
        if not isinstance(model, str) or not 0 < len(model) <= LONGEST_NAME:
            raise InvalidRequest("`model` must name a route or a target.", param="model")
        if not holder.may(model):
            raise PermissionDenied(f"This API key may not ask for '{model}'.", param="model")
        for field in _CONVERSATIONS:
            turns = body.get(field)
            if isinstance(turns, list) and len(turns) > limits.max_messages:
                raise RequestTooLarge(f"The conversation has over {limits.max_messages} messages.", param=field)
        stream = body.get("stream")
        if stream is not None and not isinstance(stream, bool):
            raise InvalidRequest("`stream` must be true or false.", param="stream")
        return Request(dialect=self._name, route=model, raw=raw, body=body, stream=bool(stream), caller=caller)


def _decoded(raw: bytes) -> dict[str, Any]:
    try:
        body = msgspec.json.decode(raw)
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise InvalidRequest(f"The body is not valid JSON: {error}.") from error
    except RecursionError as error:
        raise InvalidRequest("The body's JSON is nested too deeply.") from error
    if not isinstance(body, dict):
        raise InvalidRequest("The body must be a JSON object.")
    return body
