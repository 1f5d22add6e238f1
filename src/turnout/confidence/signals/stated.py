"""Verbalised confidence: how sure the target says it is."""

from __future__ import annotations

from typing import ClassVar

from turnout.confidence.signal import Held
from turnout.confidence.signals.measure import Measure
from turnout.confidence.signals.tail import TAIL


class StatedConfidence(Measure, frozen=True, kw_only=True):
    """How sure the target says it is, 0 to 1, in a tail of its answer that the caller never sees.

    Lin, Hilton and Evans, "Teaching Models to Express Their Uncertainty in Words" (2022). It takes no further call, but
    changes what is asked. A request that fixes its answer's form, forces a tool, has stop sequences, asks for
    log-probabilities or has fields that only its own dialect knows cannot be asked so; a tool call has no tail.
    """

    needs: ClassVar[frozenset[str]] = frozenset({TAIL})
    asks: ClassVar[str] = "the same target, within the answer's own call"

    def measure(self, held: Held) -> float | None:
        """See `Measure.measure`."""
        return held.stated
