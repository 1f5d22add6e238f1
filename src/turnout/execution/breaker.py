"""Circuit breakers: a target that keeps failing is left alone, and asked again one probe at a time.

A breaker opens after `consecutive` failures in a row, or when of at least `minimum` calls within `window` seconds the
share `ratio` failed. After `cooldown` seconds it is half open: one call is let through as a probe, whose result closes
or opens it. Failures that the caller caused never count. Where the provider said how long it wants to be left alone
(`Retry-After`), the breaker stays open for that long; of several such wishes the one that ends last holds.
"""

from __future__ import annotations

from collections.abc import Callable, Container, Iterable, Iterator
from typing import Final, NamedTuple

import msgspec

from turnout.types.clock import Clock
from turnout.types.conditions import BreakerState
from turnout.types.events import BreakerChanged

_BUCKETS: Final = 6


class BreakerSettings(msgspec.Struct, frozen=True, kw_only=True):
    """When a breaker opens and for how long; times in seconds."""

    consecutive: int = 5
    ratio: float = 0.5
    minimum: int = 20
    window: float = 30.0
    cooldown: float = 10.0


class _Window:
    """Calls and failures of the last `seconds`, in a ring of buckets."""

    def __init__(self, seconds: float) -> None:
        self._width = seconds / _BUCKETS
        self._calls = [0] * _BUCKETS
        self._failures = [0] * _BUCKETS
        self._last = 0

    def add(self, now: float, *, failed: bool) -> None:
        slot = int(now / self._width)
        if slot > self._last:
            for stale in range(max(self._last + 1, slot - _BUCKETS + 1), slot + 1):
                self._calls[stale % _BUCKETS] = self._failures[stale % _BUCKETS] = 0
            self._last = slot
        self._calls[slot % _BUCKETS] += 1
        self._failures[slot % _BUCKETS] += failed

    def totals(self) -> tuple[int, int]:
        return sum(self._calls), sum(self._failures)

    def clear(self) -> None:
        self._calls = [0] * _BUCKETS
        self._failures = [0] * _BUCKETS


class Permit(NamedTuple):
    """Leave to make one call; exactly one of its methods tells how that ended."""

    breaker: Breaker
    probe: bool

    def succeeded(self) -> None:
        """The call gave an answer."""
        self.breaker.succeeded(probe=self.probe)

    def failed(self, reason: str, retry_after_s: float | None = None) -> None:
        """The call failed in a way that speaks against the target."""
        self.breaker.failed(reason, retry_after_s, probe=self.probe)

    def abandoned(self) -> None:
        """The call ended in a way that says nothing about the target."""
        self.breaker.abandoned(probe=self.probe)


class Breaker:
    """One target's breaker. A call that was admitted before it opened neither closes it nor stands for its probe."""

    def __init__(
        self, target: str, settings: BreakerSettings, clock: Clock, changed: Callable[[BreakerChanged], None]
    ) -> None:
        self._target = target
        self._settings = settings
        self._clock = clock
        self._changed = changed
        self._window = _Window(settings.window)
        self._in_a_row = 0
        self._open_until: float | None = None
        self._reason = ""
        self._probing = False
        self._call = Permit(self, probe=False)
        self._probe = Permit(self, probe=True)

    def report_to(self, changed: Callable[[BreakerChanged], None]) -> None:
        """Tell `changed` from now on, and nobody else."""
        self._changed = changed

    @property
    def state(self) -> BreakerState:
        """The state now."""
        if self._open_until is None:
            return BreakerState.CLOSED
        if self._clock.monotonic() < self._open_until:
            return BreakerState.OPEN
        return BreakerState.HALF_OPEN

    @property
    def open_until(self) -> float | None:
        """Until when it is open, on the monotonic clock, or was before it became half open; None while it is closed."""
        return self._open_until

    @property
    def reason(self) -> str:
        """Why it is as it is; empty where nothing has happened."""
        return self._reason

    def follow(self, open_until: float | None, reason: str) -> None:
        """Be open until then, or closed, whatever was seen here: a probe, or another process, knows better."""
        was_open, self._open_until, self._reason = self._open_until is not None, open_until, reason
        if open_until is None:
            self._in_a_row = 0
            self._window.clear()
        if was_open != (open_until is not None):
            state = BreakerState.CLOSED if open_until is None else BreakerState.OPEN
            self._changed(BreakerChanged(self._target, state, reason))

    def admit(self, *, last_resort: bool = False) -> Permit | None:
        """Leave to make a call now, or None. While the breaker is not closed, at most one admitted call is under way.

        Args:
            last_resort: nothing else is left to try, so an open breaker is probed before its time.
        """
        if self._open_until is None:
            return self._call
        if self._probing or not (last_resort or self.state is BreakerState.HALF_OPEN):
            return None
        self._probing = True
        return self._probe

    def succeeded(self, *, probe: bool) -> None:
        """A call gave an answer."""
        self._in_a_row = 0
        self._window.add(self._clock.monotonic(), failed=False)
        if probe:
            self._probing = False
            self.follow(None, "the probe succeeded")

    def failed(self, reason: str, retry_after_s: float | None = None, *, probe: bool) -> None:
        """A call failed in a way that speaks against the target."""
        now = self._clock.monotonic()
        self._in_a_row += 1
        self._window.add(now, failed=True)
        if probe:
            self._probing = False
        if retry_after_s:
            self._open(now + retry_after_s, f"{reason}; asked to wait {retry_after_s:g} s")
        elif probe:
            self._open(now + self._settings.cooldown, f"the probe failed: {reason}")
        elif self._open_until is None and (why := self._too_many()):
            self._open(now + self._settings.cooldown, f"{why}; last: {reason}")

    def abandoned(self, *, probe: bool) -> None:
        """A call ended in a way that says nothing about the target."""
        if probe:
            self._probing = False

    def _too_many(self) -> str | None:
        settings = self._settings
        if self._in_a_row >= settings.consecutive:
            return f"{self._in_a_row} failures in a row"
        calls, failures = self._window.totals()
        if calls >= settings.minimum and failures >= settings.ratio * calls:
            return f"{failures} of {calls} calls failed"
        return None

    def _open(self, until: float, reason: str) -> None:
        was_open = self._open_until is not None
        self._open_until = max(until, self._open_until or until)
        self._reason = reason
        if not was_open:
            self._changed(BreakerChanged(self._target, BreakerState.OPEN, reason))


class BreakerBoard:
    """Every target's breaker."""

    def __init__(
        self,
        targets: Iterable[str],
        settings: BreakerSettings,
        clock: Clock,
        changed: Callable[[BreakerChanged], None] = lambda _: None,
    ) -> None:
        self._troubled: set[str] = set()
        self._settings = settings
        self._clock = clock
        self._told = changed
        self._breakers = {target: Breaker(target, settings, clock, self._note) for target in targets}

    def __iter__(self) -> Iterator[str]:
        return iter(self._breakers)

    def __getitem__(self, target: str) -> Breaker:
        return self._breakers[target]

    def renewed(self, targets: Iterable[str], kept: Container[str]) -> BreakerBoard:
        """A board of `targets` that takes the place of this one; the breakers of `kept` move to it as they are."""
        board = BreakerBoard(targets, self._settings, self._clock, self._told)
        for target, breaker in self._breakers.items():
            if target in kept:
                board._breakers[target] = breaker
                breaker.report_to(board._note)
        board._troubled = {target for target in self._troubled if target in kept}
        return board

    def not_closed(self) -> dict[str, BreakerState]:
        """The state of each breaker that is not closed."""
        if not self._troubled:
            return {}
        return {target: self._breakers[target].state for target in sorted(self._troubled)}

    def _note(self, change: BreakerChanged) -> None:
        if change.state is BreakerState.CLOSED:
            self._troubled.discard(change.target)
        else:
            self._troubled.add(change.target)
        self._told(change)
