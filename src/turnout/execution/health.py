"""Passive health: what the calls that are made anyway tell of each target.

Latencies are kept as quantiles in a histogram of geometric buckets (as DDSketch: Masson, Rim, Lee, VLDB 2019), whose
counts fade by forward decay (Cormode, Shkapenyuk, Srivastava, Xu, ICDE 2009): a new observation weighs the more the
later it comes, so that nothing old is ever touched. The latency to reckon with is a peak-EWMA (Finagle's `PeakEwma`):
it jumps to every slower call at once, and forgets by time.

What the caller caused says nothing of the target and is not counted.
"""

from __future__ import annotations

import math
from bisect import bisect_left
from collections.abc import Container, Iterable
from itertools import accumulate
from typing import Final

from turnout.types.clock import Clock
from turnout.types.health import HealthRead, TargetHealth

_FINEST_S: Final = 0.001
_STEP: Final = math.log(1.1)
"""Buckets grow by a tenth: what is read off them is within 5 % of the truth."""
_BUCKETS: Final = 150
"""From 1 ms to 25 minutes."""
_HALF_LIFE_S: Final = 30.0
_RENEW_AFTER: Final = 500.0
"""Half-lives after which weights are scaled down, well before they overflow."""
_FEWEST: Final = 5
"""Fewer observations than this are not called a quantile."""
_FORGOTTEN_S: Final = 120.0
"""What is older says nothing: a target that nobody called for so long is unknown again, and gets tried."""
_PEAK_FADES_S: Final = 10.0
_FAILURE_S: Final = 5.0
"""What a failure is reckoned as, where it was not slower still: quick failures must not look like quick answers."""
_RATE_FROM_TOKENS: Final = 8
"""Shorter answers do not tell a speed."""
_SMOOTHING: Final = 0.1


class FadingQuantiles:
    """Quantiles of durations in seconds, the newer ones counting more. Of a fixed size."""

    __slots__ = ("_count", "_landmark", "_weights")

    def __init__(self) -> None:
        self._weights = [0.0] * _BUCKETS
        self._landmark = 0.0
        self._count = 0

    def add(self, seconds: float, now: float) -> None:
        """A call took so long."""
        age = (now - self._landmark) / _HALF_LIFE_S
        if age > _RENEW_AFTER:
            fade = 2.0 ** max(-age, -1000.0)
            self._weights = [weight * fade for weight in self._weights]
            self._landmark, age = now, 0.0
        bucket = math.ceil(math.log(max(seconds, _FINEST_S) / _FINEST_S) / _STEP)
        self._weights[min(bucket, _BUCKETS - 1)] += 2.0**age
        self._count += 1

    def quantile(self, share: float) -> float | None:
        """The duration in seconds within which `share` (0 to 1) of the calls ended; None where there were too few."""
        if self._count < _FEWEST:
            return None
        sums = list(accumulate(self._weights))
        bucket = bisect_left(sums, share * sums[-1])
        return _FINEST_S * math.exp((bucket - 0.5) * _STEP)


class TargetWatch:
    """One target's health. Each call that `began` ends by exactly one of `answered`, `failed` and `unknown`."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self.in_flight = 0
        self._forget()

    def _forget(self) -> None:
        self._first_token = FadingQuantiles()
        self._total = FadingQuantiles()
        self._tokens_per_s: float | None = None
        self._output_tokens: float | None = None
        self._error_rate: float | None = None
        self._peak: float | None = None
        self._last = self._clock.monotonic()

    def began(self) -> None:
        """A call is made."""
        self.in_flight += 1

    def answered(self, total_s: float, first_token_s: float | None, output_tokens: int) -> None:
        """A call gave a complete answer.

        Args:
            total_s: after so many seconds.
            first_token_s: its first token came after so many seconds, where it was streamed.
            output_tokens: its length.
        """
        now = self._ended()
        self._error_rate = _smoothed(self._error_rate, 0.0)
        self._output_tokens = _smoothed(self._output_tokens, output_tokens)
        self._total.add(total_s, now)
        if first_token_s is None:
            written_s = output_tokens / self._tokens_per_s if self._tokens_per_s else 0.0
            self._reckon_with(max(total_s - written_s, _FINEST_S), now)
            return
        self._began_to_answer(first_token_s, now)
        if output_tokens >= _RATE_FROM_TOKENS and total_s > first_token_s:
            self._tokens_per_s = _smoothed(self._tokens_per_s, output_tokens / (total_s - first_token_s))

    def failed(self, after_s: float, first_token_s: float | None) -> None:
        """A call failed in a way that speaks against the target."""
        now = self._ended()
        self._error_rate = _smoothed(self._error_rate, 1.0)
        if first_token_s is not None:
            self._first_token.add(first_token_s, now)
        self._reckon_with(max(after_s, _FAILURE_S), now)

    def unknown(self, after_s: float, first_token_s: float | None) -> None:
        """A call ended in a way that says nothing of the target, but for how long it had been silent."""
        now = self._ended()
        if first_token_s is not None:
            self._began_to_answer(first_token_s, now)
        elif after_s > (self._first_token.quantile(0.5) or math.inf):
            self._began_to_answer(after_s, now)

    def silence(self, share: float) -> float | None:
        """Within so many seconds `share` of the calls had their first token; None where that is not known."""
        return self._first_token.quantile(share) if self._known() else None

    def now(self) -> TargetHealth:
        """What is known now."""
        if not self._known():
            return TargetHealth(in_flight=self.in_flight)
        peak = self._peak
        if peak is not None:
            peak *= math.exp((self._last - self._clock.monotonic()) / _PEAK_FADES_S)
        return TargetHealth(
            first_token_ms=_ms(self._first_token.quantile(0.9)),
            total_ms=_ms(self._total.quantile(0.9)),
            tokens_per_s=_rounded(self._tokens_per_s),
            output_tokens=_rounded(self._output_tokens),
            error_rate=_rounded(self._error_rate),
            peak_ms=_ms(peak),
            in_flight=self.in_flight,
        )

    def _known(self) -> bool:
        return self._clock.monotonic() - self._last <= _FORGOTTEN_S

    def _ended(self) -> float:
        self.in_flight -= 1
        if not self._known():
            self._forget()
        return self._clock.monotonic()

    def _began_to_answer(self, seconds: float, now: float) -> None:
        self._first_token.add(seconds, now)
        self._reckon_with(seconds, now)

    def _reckon_with(self, seconds: float, now: float) -> None:
        kept = math.exp((self._last - now) / _PEAK_FADES_S)
        peak = self._peak
        self._peak = seconds if peak is None else max(seconds, peak * kept + seconds * (1 - kept))
        self._last = now


class HealthBoard:
    """Every target's health."""

    def __init__(self, targets: Iterable[str], clock: Clock) -> None:
        self._clock = clock
        self._watches = {target: TargetWatch(clock) for target in targets}

    def __getitem__(self, target: str) -> TargetWatch:
        return self._watches[target]

    def renewed(self, targets: Iterable[str], kept: Container[str]) -> HealthBoard:
        """A board of `targets` that takes the place of this one; what is known of `kept` moves to it."""
        board = HealthBoard(targets, self._clock)
        board._watches |= {target: watch for target, watch in self._watches.items() if target in kept}
        return board

    def read(self) -> HealthRead:
        """What one decision may read; nothing is computed before it does."""
        return HealthRead(lambda target: self._watches[target].now())


def _smoothed(before: float | None, value: float) -> float:
    return value if before is None else before + _SMOOTHING * (value - before)


def _ms(seconds: float | None) -> float | None:
    return None if seconds is None else round(seconds * 1000, 1)


def _rounded(value: float | None) -> float | None:
    return None if value is None else round(value, 3)
