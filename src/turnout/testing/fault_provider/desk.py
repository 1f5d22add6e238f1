"""Answers the requests of a connection: reads, chooses the fault, plays the script, writes down what became of it."""

from __future__ import annotations

import random
import time
from collections import deque
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import msgspec

from turnout.testing.fault_provider.answer import Answer, compose
from turnout.testing.fault_provider.anthropic_counting import AnthropicCounting
from turnout.testing.fault_provider.anthropic_messages import AnthropicMessages
from turnout.testing.fault_provider.ask import Ask, UnreadableRequestError
from turnout.testing.fault_provider.complaint import Complaint
from turnout.testing.fault_provider.connection import Connection, Played, Request
from turnout.testing.fault_provider.fault import HEALTHY, Fault
from turnout.testing.fault_provider.gemini import Gemini
from turnout.testing.fault_provider.ledger import Ledger, now
from turnout.testing.fault_provider.models import models
from turnout.testing.fault_provider.openai_chat import OpenAIChat
from turnout.testing.fault_provider.openai_embeddings import OpenAIEmbeddings
from turnout.testing.fault_provider.openai_responses import OpenAIResponses
from turnout.testing.fault_provider.response import refusal, respond
from turnout.testing.fault_provider.rules import Rule, fault_for
from turnout.testing.fault_provider.script import Script
from turnout.testing.fault_provider.speech import Speech
from turnout.testing.fault_provider.verb import FaultSyntaxError

_KEPT = 10_000
_OPENAI_CHAT, _OPENAI_RESPONSES, _ANTHROPIC = OpenAIChat(), OpenAIResponses(), AnthropicMessages()
_SPEECHES: dict[str, Speech] = {
    "/chat/completions": _OPENAI_CHAT,
    "/responses": _OPENAI_RESPONSES,
    "/messages": _ANTHROPIC,
    "/messages/count_tokens": AnthropicCounting(),
    "/embeddings": OpenAIEmbeddings(),
}


@dataclass(frozen=True, slots=True)
class SeenRequest:
    """A request as the provider read it.

    Attributes:
        id: what the caller calls it (`x-request-id` or `x-turnout-decision`), else made up.
        connection: the number of its connection, counted from 1.
        path: without the query.
        headers: names in lower case.
        body: the parsed JSON.
        fault: what went wrong with it.
    """

    id: str
    connection: int
    path: str
    headers: Mapping[str, str]
    body: Mapping[str, Any]
    fault: str


class Desk:
    """Serves the connections of one provider.

    Args:
        ledger: where each request and its end are written down.
        draw: the source of shares and ids.
        refuse: closes the port for some seconds.
    """

    def __init__(self, ledger: Ledger, draw: random.Random, refuse: Callable[[float], None]) -> None:
        self.requests: deque[SeenRequest] = deque(maxlen=_KEPT)
        self.rules: list[Rule] = []
        self._ledger = ledger
        self._draw = draw
        self._refuse = refuse
        self._started = time.monotonic()
        self._received = 0

    async def serve(self, connection: Connection) -> None:
        """Answer one request after another."""
        if any(rule.fault.find("rst_on_accept") is not None and rule.strikes(self._draw) for rule in self.rules):
            connection.reset()
        while not connection.is_over:
            request = await connection.next_request()
            await self._answer(connection, request)

    async def _answer(self, connection: Connection, request: Request) -> None:
        speech = _SPEECHES.get(request.path.removeprefix("/v1")) or Gemini.at(request.path, request.query)
        if speech is None or request.method != "POST":
            await connection.play(self._elsewhere(request), request)
            return
        self._received += 1
        identity = request.headers.get("x-request-id") or request.headers.get("x-turnout-decision")
        exchange = _Exchange(self._received, identity or f"req_{self._hex()}", connection, request, speech)
        try:
            ask = _understood(speech, request.body)
            fault = fault_for(ask, self.rules, self._draw, self._started)
            answer = compose(ask, self._hex(), int(time.time()))
        except (UnreadableRequestError, FaultSyntaxError) as error:
            param = error.param if isinstance(error, UnreadableRequestError) else "model"
            self._receive(exchange, None, HEALTHY)
            complaint = Complaint(400, str(error), param=param)
            await self._end(exchange, refusal(speech, complaint, exchange.id), None)
            return
        self._receive(exchange, ask, fault)
        if not self._strike_connection(connection, fault):
            script = respond(speech, answer, fault, request.path, exchange.id)
            await self._end(exchange, script, answer)
            _close_unannounced(connection, fault)

    def _strike_connection(self, connection: Connection, fault: Fault) -> bool:
        """Let the connection suffer what needs no answer; whether it did."""
        closed_for = fault.find("refuse")
        stale = fault.find("close_keepalive_after")
        is_stale = stale is not None and stale[1] == "reuse" and connection.answered >= int(stale[0])
        if closed_for is None and not is_stale and not fault.acts_before_any_request:
            return False
        if closed_for is not None:
            self._refuse(float(closed_for[0]))
        connection.reset()
        return True

    def _receive(self, exchange: _Exchange, ask: Ask | None, fault: Fault) -> None:
        request = exchange.request
        body = ask.body if ask else {}
        self.requests.append(
            SeenRequest(exchange.id, exchange.connection.number, request.path, request.headers, body, str(fault))
        )
        line = {
            "event": "received",
            "number": exchange.number,
            "id": exchange.id,
            "connection": exchange.connection.number,
            "time": now(),
            "dialect": ask.dialect if ask else None,
            "model": ask.model if ask else None,
            "stream": ask.stream if ask else None,
            "bytes": request.size,
            "fault": str(fault),
        }
        self._ledger.write(line | ({"body": body} if self._ledger.bodies else {}))

    async def _end(self, exchange: _Exchange, script: Script, answer: Answer | None) -> None:
        played = await exchange.connection.play(script, exchange.request)
        billed = script.billed and not isinstance(exchange.speech, AnthropicCounting)
        self._ledger.write(
            {
                "event": "ended",
                "number": exchange.number,
                "id": exchange.id,
                "time": now(),
                "status": script.status,
                "tokens": played.tokens,
                "completed": played.finished,
                "aborted": played.aborted,
                "billed": _bill(answer if billed else None, played),
            }
        )

    def _elsewhere(self, request: Request) -> Script:
        if request.method == "GET" and request.path.removeprefix("/v1") == "/models":
            return models(for_anthropic="anthropic-version" in request.headers)
        said = f"Unknown request URL: {request.method} {request.path}."
        speech: Speech = _ANTHROPIC if "anthropic-version" in request.headers else _OPENAI_CHAT
        if request.path.startswith("/v1beta/"):
            speech = Gemini()
        return refusal(speech, Complaint(404, said), f"req_{self._hex()}")

    def _hex(self) -> str:
        return f"{self._draw.getrandbits(96):024x}"


@dataclass(frozen=True, slots=True)
class _Exchange:
    """A request with what identifies it."""

    number: int
    id: str
    connection: Connection
    request: Request
    speech: Speech


def _understood(speech: Speech, body: bytes) -> Ask:
    try:
        return speech.read(msgspec.json.decode(body, type=dict[str, Any]))
    except (msgspec.MsgspecError, UnicodeDecodeError) as error:
        raise UnreadableRequestError("We could not parse the JSON body of your request.") from error


def _bill(answer: Answer | None, played: Played) -> dict[str, int]:
    """What the provider would charge: the prompt and what it has sent, in full once it is finished."""
    if answer is None:
        return {"input_tokens": 0, "cached_tokens": 0, "output_tokens": 0}
    return {
        "input_tokens": answer.ask.input_tokens,
        "cached_tokens": answer.ask.cached_tokens,
        "output_tokens": answer.output_tokens if played.finished else min(played.tokens, answer.output_tokens),
    }


def _close_unannounced(connection: Connection, fault: Fault) -> None:
    limit = fault.find("close_keepalive_after")
    if limit is not None and limit[1] == "idle" and connection.answered >= int(limit[0]):
        connection.close()
