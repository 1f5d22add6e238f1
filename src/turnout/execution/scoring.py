"""Scores by code of the user's. Whatever it does, the answer is that there is a score or that there is none."""

from __future__ import annotations

import asyncio
import logging
import math
import threading
from collections.abc import Awaitable, Callable, Iterable, Mapping
from contextlib import suppress
from importlib import import_module
from inspect import isawaitable
from typing import Any, Final, cast

import msgspec

from turnout.confidence.signals.scored import HttpScore, PythonScore
from turnout.errors import ConfigError
from turnout.providers.transport import HttpCall, Transport, TransportFailed
from turnout.types.candidate import Scorer

Function = Callable[[Mapping[str, Any]], Any]

MAX_REPLY: Final = 64 * 1024
"""The longest reply of a scorer, in bytes."""

MAX_RUNNING: Final = 8
"""How many calls of one function may be under way: what a function that hangs can hold on to."""

_GOOD: Final = range(200, 300)
_log = logging.getLogger(__name__)


class NoScore(Exception):
    """Why there is no score."""


class _Watched:
    """A scorer that says once when it stops working, and once when it works again."""

    def __init__(self, name: str, timeout_s: float) -> None:
        self.name = name
        self._timeout_s = timeout_s
        self._works = True

    async def score(self, case: Mapping[str, Any]) -> float | None:
        """See `Scorer.score`."""
        score = None
        try:
            async with asyncio.timeout(self._timeout_s):
                score = await self._score(case)
        except TimeoutError:
            self._fails(f"no score within {self._timeout_s:g} s")
        except NoScore as reason:
            self._fails(str(reason))
        else:
            self._succeeds()
        return score

    async def _score(self, case: Mapping[str, Any]) -> float | None:
        raise NotImplementedError

    def _succeeds(self) -> None:
        if not self._works:
            self._works = True
            _log.warning("the scorer %s works again", self.name)

    def _fails(self, reason: str) -> None:
        if self._works:
            self._works = False
            _log.warning("the scorer %s fails, and answers that need it count as unsure: %s", self.name, reason)


class HttpScorer(_Watched):
    """A service, called over the transport that it is given.

    Args:
        signal: what the configuration says of it.
        transport: its pool.
    """

    def __init__(self, signal: HttpScore, transport: Transport) -> None:
        super().__init__(signal.name, signal.timeout_s)
        self._url = signal.url
        self._headers = {"content-type": "application/json", **signal.headers}
        self._transport = transport

    async def _score(self, case: Mapping[str, Any]) -> float | None:
        call = HttpCall(self._url, self._headers, msgspec.json.encode(case))
        try:
            exchange = await self._transport.open(call, connect_timeout=self._timeout_s)
            try:
                body = await exchange.read(MAX_REPLY)
            finally:
                exchange.abort()
        except TransportFailed as error:
            raise NoScore(error.failure.message) from error
        if exchange.status not in _GOOD:
            raise NoScore(f"status {exchange.status}")
        try:
            told = msgspec.json.decode(body)
        except ValueError as error:
            raise NoScore(f"no JSON: {error}") from error
        return number_of(told.get("score") if isinstance(told, dict) else told)


class PythonScorer(_Watched):
    """A function, called on a thread of its own: it may block, and it may never return.

    Args:
        signal: what the configuration says of it.

    Raises:
        ConfigError: there is no such function.
    """

    def __init__(self, signal: PythonScore) -> None:
        super().__init__(signal.name, signal.timeout_s)
        self._function = load_function(signal)
        self._running = threading.BoundedSemaphore(MAX_RUNNING)

    async def _score(self, case: Mapping[str, Any]) -> float | None:
        if not self._running.acquire(blocking=False):
            raise NoScore(f"{MAX_RUNNING} calls of it are under way and do not end")
        loop = asyncio.get_running_loop()
        told: asyncio.Future[asyncio.Task[Any]] = loop.create_future()
        arguments = (loop, told, case)
        threading.Thread(target=self._run, args=arguments, name=f"turnout-{self.name}", daemon=True).start()
        task = await told
        if (error := task.exception()) is not None:
            raise NoScore(f"{type(error).__name__}: {error}")
        return number_of(task.result())

    def _run(
        self, loop: asyncio.AbstractEventLoop, told: asyncio.Future[asyncio.Task[Any]], case: Mapping[str, Any]
    ) -> None:
        """On the thread. A task keeps whatever the function raises, as what became of it."""
        try:
            task = asyncio.run(_finished(self._call(case)))
        finally:
            self._running.release()
        with suppress(RuntimeError):  # the process is stopping: its loop is closed, and nobody waits
            loop.call_soon_threadsafe(_tell, told, task)

    async def _call(self, case: Mapping[str, Any]) -> Any:
        try:
            result = self._function(case)
            return await result if isawaitable(result) else result
        except SystemExit as error:  # which asyncio would not keep, but raise on the thread
            raise NoScore(f"SystemExit: {error}") from error


async def _finished(work: Awaitable[Any]) -> asyncio.Task[Any]:
    task = asyncio.ensure_future(work)
    await asyncio.wait({task})
    return task


def _tell(told: asyncio.Future[asyncio.Task[Any]], task: asyncio.Task[Any]) -> None:
    if not told.done():
        told.set_result(task)


def number_of(told: Any) -> float | None:
    """A score as it was told. None is no opinion, and no failure.

    Raises:
        NoScore: it is no finite number.
    """
    if told is None:
        return None
    if not isinstance(told, int | float) or not math.isfinite(told):
        raise NoScore(f"{told!r:.80} is no number")
    return float(told)


def load_function(signal: PythonScore) -> Function:
    """The function that a signal names.

    Raises:
        ConfigError: there is none, or it cannot be called.
    """
    module_name, _, path = signal.call.partition(":")
    fix = "Write it as package.module:function, and install the package where turnout runs, or set PYTHONPATH."
    try:
        found: Any = import_module(module_name)
        for name in path.split("."):
            found = getattr(found, name)
    except (ImportError, AttributeError, SyntaxError) as error:
        told = f"the signal {signal.name} cannot be made: {signal.call} is not there: {error}."
        raise ConfigError(told, fix=fix) from error
    if not callable(found):
        raise ConfigError(f"the signal {signal.name} cannot be made: {signal.call} is no function.", fix=fix)
    return cast("Function", found)


def scorers_of(signals: Iterable[object], transport: Transport) -> dict[str, Scorer]:
    """What performs the `Score`s of signals, by name.

    Args:
        signals: those of a configuration; the ones that need no scorer are passed over.
        transport: what services are called over.

    Raises:
        ConfigError: a function is not there.
    """
    found: dict[str, Scorer] = {}
    for signal in signals:
        if isinstance(signal, PythonScore):
            found[signal.name] = PythonScorer(signal)
        elif isinstance(signal, HttpScore):
            found[signal.name] = HttpScorer(signal, transport)
    return found
