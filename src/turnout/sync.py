"""The library for programs without an event loop: a thin face over the same router."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import AsyncGenerator, Coroutine, Iterator, Mapping
from contextlib import AbstractAsyncContextManager
from pathlib import Path
from types import TracebackType
from typing import Any, Self, TypeVar

from turnout.config.build import ConfiguredRouter
from turnout.policy.explain import Explanation
from turnout.router.library import Answer, Embeddings, Inputs
from turnout.types.feedback import Feedback, Kind
from turnout.types.request import Caller

T = TypeVar("T")


class SyncRouter:
    """A router that blocks: `with SyncRouter.from_config("turnout.yaml") as router: router.chat(...)`.

    Its event loop runs in a thread of its own; any number of threads may call it.
    """

    def __init__(self, opening: AbstractAsyncContextManager[ConfiguredRouter]) -> None:
        self._opening = opening
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, name="turnout", daemon=True)

    @classmethod
    def from_config(
        cls, path: str | Path | None = None, *, data: str | Path | None = None, env: Mapping[str, str] | None = None
    ) -> Self:
        """See `turnout.Router.from_config`."""
        return cls(ConfiguredRouter.from_config(path, data=data, env=env))

    def __enter__(self) -> Self:
        self._thread.start()
        self._router = self._wait(self._opening.__aenter__())
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self._wait(self._opening.__aexit__(kind, error, traceback))
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
        self._loop.close()

    def chat(
        self, *, route: str, messages: list[dict[str, Any]], caller: Caller | None = None, **fields: Any
    ) -> Answer:
        """See `turnout.Router.chat`."""
        return self._wait(self._router.chat(route=route, messages=messages, caller=caller, **fields))

    def stream(
        self, *, route: str, messages: list[dict[str, Any]], caller: Caller | None = None, **fields: Any
    ) -> Iterator[str]:
        """The answer's text, piece by piece; see `turnout.Router.stream`."""
        opened = self._wait(self._router.stream(route=route, messages=messages, caller=caller, **fields))
        texts = opened.text()
        try:
            while (text := self._wait(_next(texts))) is not None:
                yield text
        finally:
            self._wait(texts.aclose())
            self._wait(opened.close())

    def embed(
        self,
        *,
        route: str,
        input: Inputs,  # noqa: A002 - OpenAI's name of it
        caller: Caller | None = None,
        **fields: Any,
    ) -> Embeddings:
        """See `turnout.Router.embed`."""
        return self._wait(self._router.embed(route=route, input=input, caller=caller, **fields))

    def explain(
        self, *, route: str, messages: list[dict[str, Any]], caller: Caller | None = None, **fields: Any
    ) -> Explanation:
        """See `turnout.Router.explain`."""
        return self._router.explain(route=route, messages=messages, caller=caller, **fields)

    def feedback(
        self,
        decision_id: str,
        *,
        score: float | None = None,
        label: str | None = None,
        comment: str | None = None,
        kind: Kind = "feedback",
        caller: Caller | None = None,
    ) -> Feedback:
        """See `turnout.Router.feedback`."""
        said = self._router.feedback(decision_id, score=score, label=label, comment=comment, kind=kind, caller=caller)
        return self._wait(said)

    def _wait(self, work: Coroutine[Any, Any, T]) -> T:
        return asyncio.run_coroutine_threadsafe(work, self._loop).result()


async def _next(texts: AsyncGenerator[str, None]) -> str | None:
    return await anext(texts, None)
