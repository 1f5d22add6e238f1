"""The control API: choose the fault, read the log, start anew, over HTTP."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Protocol

import msgspec

from turnout.testing.fault_provider.connection import Connection, Request
from turnout.testing.fault_provider.fault import Fault
from turnout.testing.fault_provider.rules import Rule
from turnout.testing.fault_provider.script import Script
from turnout.testing.fault_provider.table import VERBS
from turnout.testing.fault_provider.verb import FaultSyntaxError


class Controlled(Protocol):
    """What the control API needs of a provider."""

    @property
    def log(self) -> list[dict[str, Any]]:
        """The lines of the ledger."""
        ...

    @property
    def open_connections(self) -> int:
        """How many connections are open."""
        ...

    def use_rules(self, rules: list[Rule], *, seed: int | None = None) -> None:
        """Choose what goes wrong."""
        ...

    def reset(self) -> None:
        """Be healthy, and forget."""
        ...


class _RuleBody(msgspec.Struct, forbid_unknown_fields=True):
    fault: str = "healthy"
    share: float = 1.0
    match: dict[str, Any] = {}
    times: int | None = None
    seed: int | None = None


class Control:
    """Answers `POST /control/config`, `POST /control/reset`, `GET /control/log` and `GET /control/verbs`."""

    def __init__(self, provider: Controlled) -> None:
        self._provider = provider
        self._routes: dict[tuple[str, str], Callable[[bytes], Any]] = {
            ("POST", "/control/config"): self._configure,
            ("POST", "/control/reset"): self._reset,
            ("GET", "/control/log"): self._log,
            ("GET", "/control/verbs"): self._verbs,
        }

    async def serve(self, connection: Connection) -> None:
        """Answer one request after another."""
        while not connection.is_over:
            request = await connection.next_request()
            await connection.play(self.answer(request), request)

    def answer(self, request: Request) -> Script:
        """What to say to a request."""
        route = self._routes.get((request.method, request.path))
        if route is None:
            known = ", ".join(" ".join(each) for each in self._routes)
            return _say({"error": f"no {request.method} {request.path}; known are {known}"}, 404)
        try:
            return _say(route(request.body))
        except (FaultSyntaxError, msgspec.MsgspecError) as error:
            return _say({"error": str(error)}, 400)

    def _configure(self, body: bytes) -> dict[str, Any]:
        """One rule, or a list of rules of which the first that takes a request counts."""
        read = msgspec.json.decode(body, type=_RuleBody | list[_RuleBody])
        bodies = read if isinstance(read, list) else [read]
        rules = [Rule(Fault.parse(each.fault), each.share, each.match, each.times) for each in bodies]
        seeds = [each.seed for each in bodies if each.seed is not None]
        self._provider.use_rules(rules, seed=seeds[0] if seeds else None)
        return {"rules": [str(rule.fault) for rule in rules]}

    def _reset(self, _: bytes) -> dict[str, Any]:
        self._provider.reset()
        return {"rules": []}

    def _log(self, _: bytes) -> dict[str, Any]:
        return {"log": self._provider.log, "open_connections": self._provider.open_connections}

    def _verbs(self, _: bytes) -> dict[str, Any]:
        return {verb.signature: verb.meaning for verb in VERBS.values()}


def _say(what: dict[str, Any], status: int = 200) -> Script:
    return Script.document(msgspec.json.encode(what), status)
