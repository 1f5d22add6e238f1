"""One deadline spans the whole chain; each phase of each attempt gets no more than what is left of it."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable
from typing import TypeVar

import msgspec

from turnout.types.clock import Clock
from turnout.types.failure import Failure, FailureKind

T = TypeVar("T")

_SAID = {
    FailureKind.CONNECT_TIMEOUT: "no connection within {:.3g} s",
    FailureKind.FIRST_TOKEN_TIMEOUT: "no output within {:.3g} s",
    FailureKind.IDLE_TIMEOUT: "no more output for {:.3g} s",
    FailureKind.ANSWER_TIMEOUT: "no complete answer within {:.3g} s",
}


class AttemptFailed(Exception):
    """An attempt ended without a usable answer. Raised and caught within execution only."""

    def __init__(self, failure: Failure) -> None:
        self.failure = failure
        super().__init__(failure.message)


class Deadline(msgspec.Struct):
    """The moment by which the request must have ended, on the monotonic clock; it can be brought forward to now."""

    at: float
    clock: Clock
    _cause: Failure | None = None
    _alarms: set[_Alarm] = set()

    @property
    def remaining(self) -> float:
        """Seconds left; negative once it has passed."""
        return self.at - self.clock.monotonic()

    def check(self) -> None:
        """Raise `AttemptFailed` if it has passed."""
        if self.remaining <= 0:
            raise AttemptFailed(self._cause or _timed_out(FailureKind.DEADLINE, 0))

    def cut(self, cause: Failure) -> None:
        """It has passed, because of `cause`: what is being awaited ends now, and nothing more is begun."""
        self.at = min(self.at, self.clock.monotonic())
        self._cause = cause
        for alarm in self._alarms:
            alarm.ring()

    async def limit(self, awaitable: Awaitable[T], seconds: float, late: FailureKind, since: float | None = None) -> T:
        """Await within `seconds` (counted from `since`, or from now) and within the deadline.

        Raises:
            AttemptFailed: with the kind `late`, or `DEADLINE` where that came first.
        """
        now = self.clock.monotonic()
        end = (now if since is None else since) + seconds
        kind, end = (late, end) if end <= self.at else (FailureKind.DEADLINE, self.at)
        alarm = _Alarm(end - now)
        self._alarms.add(alarm)
        try:
            return await awaitable
        except asyncio.CancelledError:
            if alarm.is_ours():
                raise AttemptFailed(self._cause or _timed_out(kind, seconds)) from None
            raise
        finally:
            self._alarms.discard(alarm)
            alarm.stop()


class _Alarm:
    """Cancels the current task after `seconds`: `asyncio.timeout` at a third of its price, paid for every chunk.

    As there, a cancellation from elsewhere is never taken for ours, nor swallowed with it.
    """

    __slots__ = ("_before", "_rang", "_task", "_timer")

    def __init__(self, seconds: float) -> None:
        task = asyncio.current_task()
        assert task is not None  # noqa: S101 - whoever awaits is a task
        self._task = task
        self._before = task.cancelling()
        self._rang = False
        self._timer = asyncio.get_running_loop().call_later(seconds, self.ring)

    def is_ours(self) -> bool:
        """Whether the cancellation that has arrived is this one's alone; if so it is taken back."""
        if not self._rang:
            return False
        self._rang = False
        return self._task.uncancel() <= self._before

    def stop(self) -> None:
        """The wait is over."""
        self._timer.cancel()
        if self._rang:  # it rang while the answer was on its way
            self._task.uncancel()

    def ring(self) -> None:
        """Time is up."""
        if not self._rang:
            self._rang = True
            self._task.cancel()


def _timed_out(kind: FailureKind, seconds: float) -> Failure:
    said = _SAID.get(kind, "the request's deadline passed")
    return Failure(kind=kind, message=said.format(seconds))
