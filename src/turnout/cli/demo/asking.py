"""Sends the queries as an application would: by the official OpenAI SDK, with another `base_url` and nothing else."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import msgspec

from turnout.cli.demo.frontier import MAX_TOKENS
from turnout.cli.demo.lookups import LOOKUP, ROUTE
from turnout.cli.demo.queries import Query
from turnout.errors import MissingExtra
from turnout.insight.query import decision as recorded
from turnout.ledger.location import database_file
from turnout.ledger.sqlite import SqliteStore
from turnout.types.decision import Decision

if TYPE_CHECKING:
    from openai import AsyncOpenAI
    from openai.types.chat import ChatCompletionMessageParam

AT_ONCE: Final = 3
"""How many queries are under way at the same time."""

_SYSTEM: Final = "You are the support desk of an outdoor shop. Be friendly, and answer in two or three sentences."
_RECORD_WITHIN_S: Final = 10.0


class Asked(msgspec.Struct, frozen=True, kw_only=True):
    """One query and what became of it.

    Attributes:
        number: which one it was, counted from 1.
        query: what was asked.
        took_s: how long the caller waited for the whole answer, in seconds.
        text: the answer; None where there was none.
        error: what the SDK raised, in one line.
        decision: the record, as the ledger has it.
    """

    number: int
    query: Query
    took_s: float
    text: str | None = None
    error: str | None = None
    decision: Decision | None = None


class Desk:
    """Asks the gateway, and looks each decision up in the ledger.

    Args:
        address: the gateway's address.
        data: its data directory.

    Raises:
        MissingExtra: the OpenAI SDK is not installed.
    """

    def __init__(self, address: str, data: Path) -> None:
        try:
            from openai import AsyncOpenAI
        except ImportError:
            raise MissingExtra("the demo", "demo") from None
        self._client: AsyncOpenAI = AsyncOpenAI(base_url=f"{address}/v1", api_key="demo", max_retries=0)
        self.store = SqliteStore(database_file(data))

    async def ask_all(self, queries: Sequence[tuple[int, Query]]) -> AsyncIterator[Asked]:
        """Ask them, a few at a time, and give each as it is done."""
        waiting = list(reversed(queries))
        running: set[asyncio.Task[Asked]] = set()
        while waiting or running:
            while waiting and len(running) < AT_ONCE:
                running.add(asyncio.create_task(self.ask(*waiting.pop())))
            done, running = await asyncio.wait(running, return_when=asyncio.FIRST_COMPLETED)
            for task in done:
                yield task.result()

    async def ask(self, number: int, query: Query) -> Asked:
        """Ask one query."""
        from openai import APIError, APIStatusError

        began = time.perf_counter()
        text = error = decision_id = None
        try:
            text, decision_id = await (self._streamed(query) if query.stream else self._whole(query))
        except APIStatusError as failed:
            error, decision_id = failed.message, failed.request_id
        except APIError as failed:
            error = failed.message
        took = time.perf_counter() - began
        decision = await self._record(decision_id) if decision_id else None
        return Asked(number=number, query=query, took_s=took, text=text, error=error, decision=decision)

    async def close(self) -> None:
        """Let go of the connections."""
        await self._client.close()

    async def _whole(self, query: Query) -> tuple[str, str | None]:
        raw = await self._client.chat.completions.with_raw_response.create(
            model=query.route, messages=_messages(query), extra_headers=_headers(query), **_settings(query)
        )
        answer = raw.parse()
        return answer.choices[0].message.content or "", raw.headers.get("x-turnout-decision")

    async def _streamed(self, query: Query) -> tuple[str, str | None]:
        stream = await self._client.chat.completions.create(
            model=query.route,
            messages=_messages(query),
            extra_headers=_headers(query),
            stream=True,
            **_settings(query),
        )
        async with stream:
            pieces = [chunk.choices[0].delta.content or "" async for chunk in stream if chunk.choices]
        return "".join(pieces), stream.response.headers.get("x-turnout-decision")

    async def _record(self, decision_id: str) -> Decision | None:
        """The decision, once it has come from the journal into the ledger."""
        deadline = time.monotonic() + _RECORD_WITHIN_S
        while time.monotonic() < deadline:
            found = await asyncio.to_thread(recorded, self.store, decision_id)
            if found is not None:
                return found
            await asyncio.sleep(0.05)
        return None


def _messages(query: Query) -> list[ChatCompletionMessageParam]:
    """Of the cascade's questions nothing but the question: as its labels were asked."""
    asked: ChatCompletionMessageParam = {"role": "user", "content": query.text}
    return [asked] if query.route == ROUTE else [{"role": "system", "content": _SYSTEM}, asked]


def _settings(query: Query) -> dict[str, Any]:
    return LOOKUP if query.route == ROUTE else {"max_tokens": MAX_TOKENS}


def _headers(query: Query) -> dict[str, str]:
    given = {"x-turnout-user": query.user, "x-turnout-source": query.source}
    return {name: value for name, value in given.items() if value}
