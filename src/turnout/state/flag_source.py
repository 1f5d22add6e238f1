"""Flags that a provider of your own evaluates: asked in threads, waited for briefly, left alone when it is slow."""

from __future__ import annotations

import asyncio
import logging
import threading
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import Future
from contextlib import suppress
from queue import SimpleQueue
from typing import Final, NamedTuple

from turnout.types.clock import Clock
from turnout.types.flag import Flag
from turnout.types.request import Caller

_log = logging.getLogger(__name__)

_THREADS: Final = 4
_REST_S: Final = 5.0


class Said(NamedTuple):
    """What a provider says of a flag for one caller.

    Attributes:
        variant: None where it does not tell.
        reason: `provider`, or `provider_` and what went wrong.
    """

    variant: str | None
    reason: str


Evaluate = Callable[[Flag, Caller], Said]
Answers = dict[str, Said]


class FlagSource:
    """Asks a provider, however it behaves.

    A request waits for it once, and no longer than the timeout. After a timeout nobody asks for five seconds; then one
    request tries.

    Args:
        evaluate: asks the provider; may block for as long as it likes, but does not raise.
        timeout_s: the longest wait of a request, in seconds.
        clock: for the rest after a timeout.
    """

    def __init__(self, evaluate: Evaluate, timeout_s: float, clock: Clock) -> None:
        self._evaluate = evaluate
        self._timeout_s = timeout_s
        self._clock = clock
        self._jobs: SimpleQueue[tuple[Future[Answers], Callable[[], Answers]] | None] = SimpleQueue()
        self._silent = False
        self._rests_until = 0.0
        self._threads: list[threading.Thread] = []

    async def ask(self, flags: Sequence[Flag], caller: Caller) -> Mapping[str, Said]:
        """What the provider says of `flags`; where it does not answer in time, that it did not. Never raises."""
        asked = self._submit(flags, caller)
        if asked is None:
            return _all(flags, "provider_resting")
        with suppress(TimeoutError):
            async with asyncio.timeout(self._timeout_s):
                return self._answered(await asyncio.wrap_future(asked))
        return self._timed_out(flags)

    def ask_now(self, flags: Sequence[Flag], caller: Caller) -> Mapping[str, Said]:
        """The same, where there is no event loop to wait in."""
        asked = self._submit(flags, caller)
        if asked is None:
            return _all(flags, "provider_resting")
        with suppress(TimeoutError):
            return self._answered(asked.result(self._timeout_s))
        asked.cancel()
        return self._timed_out(flags)

    def close(self) -> None:
        """Let the threads end; one that a provider holds on to dies with the process."""
        for _ in self._threads:
            self._jobs.put(None)

    def _submit(self, flags: Sequence[Flag], caller: Caller) -> Future[Answers] | None:
        now = self._clock.monotonic()
        if self._silent and now < self._rests_until:
            return None
        if self._silent:
            self._rests_until = now + _REST_S  # for all but this request, which finds out
        if len(self._threads) < _THREADS:
            self._threads.append(threading.Thread(target=self._work, name="turnout-flags", daemon=True))
            self._threads[-1].start()
        asked: Future[Answers] = Future()
        self._jobs.put((asked, lambda: {flag.name: self._evaluate(flag, caller) for flag in flags}))
        return asked

    def _work(self) -> None:
        while (job := self._jobs.get()) is not None:
            asked, run = job
            if asked.set_running_or_notify_cancel():
                asked.set_result(run())

    def _answered(self, answers: Answers) -> Answers:
        if self._silent:
            _log.warning("the provider of feature flags answers again")
        self._silent = False
        return answers

    def _timed_out(self, flags: Sequence[Flag]) -> Answers:
        if not self._silent:
            wait = self._timeout_s * 1000
            _log.warning("the provider of feature flags has not answered within %.0f ms: flags are at default", wait)
        self._silent, self._rests_until = True, self._clock.monotonic() + _REST_S
        return _all(flags, "provider_timeout")


def _all(flags: Sequence[Flag], reason: str) -> Answers:
    return {flag.name: Said(None, reason) for flag in flags}
