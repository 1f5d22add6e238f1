"""What the beginning of a streamed answer tells, before the rest is written: let it flow, end it, or wait and see."""

from __future__ import annotations

from dataclasses import dataclass

from turnout.confidence.calibration import Calibration
from turnout.confidence.prefix import PrefixSignal
from turnout.confidence.signal import Held, read_free
from turnout.confidence.signals.request import request_values
from turnout.policy.base import Context
from turnout.types.candidate import Judged, Outcome


@dataclass(frozen=True, slots=True)
class Gate:
    """What the beginning of an answer must reach to be let through, and what ends it.

    Where nothing can be told, the answer is held to its end and judged there.

    Attributes:
        tokens: how many tokens the beginning has.
        release: from this confidence on the stream flows.
        stop: below this one the target is asked no further.
        signals: what is read off the beginning; none asks anything.
        calibration: what makes confidence of them.
    """

    tokens: int
    release: float
    stop: float
    signals: tuple[PrefixSignal, ...]
    calibration: Calibration

    def judge(self, context: Context, begun: Outcome) -> Judged:
        """Judge a beginning."""
        answer, asked = begun.answer, begun.asked
        if answer is None or asked is None:
            return self._judged(begun, {}, because="it cannot be read")
        held = Held(question=asked, answer=answer, features=context.features, target=begun.target, whole=False)
        values: dict[str, float] = {}
        for signal in self.signals:
            value = read_free(signal, held)
            if value is None:
                return self._judged(begun, values, because=f"{signal.name} cannot be read")
            values[signal.name] = value
        judgement = self.calibration.judge({**request_values(context.features), **values})
        return self._judged(begun, values, judgement.confidence, because=judgement.declined)

    def _judged(
        self, begun: Outcome, signals: dict[str, float], confidence: float | None = None, because: str = ""
    ) -> Judged:
        released = confidence is not None and confidence >= self.release
        stopped = confidence is not None and not released and confidence < self.stop
        return Judged(
            target=begun.target,
            accepted=released,
            because=f"after {self.tokens} tokens: {self._why(confidence) if confidence is not None else because}",
            confidence=confidence,
            signals=signals,
            artefact=self.calibration.id,
            prefix=self.tokens,
            settled=released or stopped,
        )

    def _why(self, confidence: float) -> str:
        if confidence >= self.release:
            return f"confidence {confidence:.3f} ≥ {self.release:g}"
        if confidence < self.stop:
            return f"confidence {confidence:.3f} < {self.stop:g}"
        return f"confidence {confidence:.3f}, so the end tells"
