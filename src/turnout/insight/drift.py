"""Whether what was learnt still fits the traffic: `as measured`, or `retrain due`, and because of what.

observe(watched, decisions(store, Filter(since=...)), chosen=...)   Watch(due=("tokens have moved: ...",), ...)
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from itertools import islice
from pathlib import Path
from typing import Final

import msgspec

from turnout.confidence.artefact import load_artefact, short_checksum
from turnout.confidence.calibration import Calibration, load_calibration
from turnout.confidence.numbers import numpy
from turnout.confidence.shift import Window, drift
from turnout.confidence.signals.request import request_values
from turnout.errors import ArtefactError
from turnout.types.decision import Decision, escalated

LATEST: Final = 500
"""Decisions whose inputs and escalations are compared with those of before."""
READ: Final = 5_000
"""Decisions that are looked at: scores are rare."""
FEWEST: Final = 100
"""With fewer, nothing is said."""
GAP: Final = 0.05
"""How far promised and realised quality, or two escalation rates, may lie apart before it matters."""
_Z: Final = 3.29
"""Beyond this many standard errors lies chance once in a thousand looks (two-sided)."""


class Learnt(msgspec.Struct, frozen=True, kw_only=True):
    """An artefact that a configuration uses.

    Attributes:
        file: where it is.
        id: the start of its checksum, as decisions have it.
        kind: `calibration` or `classifier`.
        window: what its inputs looked like; None for a classifier, which keeps none.
    """

    file: str
    id: str
    kind: str
    window: Window | None = None


class Watch(msgspec.Struct, frozen=True, kw_only=True):
    """How an artefact fits the latest traffic.

    Attributes:
        file, id, kind: of the artefact.
        decisions: how many of its decisions were looked at.
        indices: the stability index of each input over the latest; empty where too few are on record.
        limit: the index above which an input has moved; None where it was not compared.
        escalated: the share of the latest that was escalated.
        escalated_before: the same of those before; None with too few.
        rated: how many somebody scored.
        promised: the mean chance of a good answer that it gave those; None with none.
        realised: their mean score.
        due: why it is time to retrain; empty while all is as measured.
    """

    file: str
    id: str
    kind: str
    decisions: int
    indices: Mapping[str, float] = msgspec.field(default_factory=dict)
    limit: float | None = None
    escalated: float | None = None
    escalated_before: float | None = None
    rated: int = 0
    promised: float | None = None
    realised: float | None = None
    due: tuple[str, ...] = ()

    @property
    def verdict(self) -> str:
        """In words."""
        if self.due:
            return f"retrain due, because {'; '.join(self.due)}"
        if self.decisions < FEWEST:
            return f"too few decisions yet: {self.decisions} of {FEWEST}"
        return "as measured"


def load_learnt(file: Path) -> Learnt:
    """An artefact, whichever kind it is.

    Raises:
        ArtefactError: it is none that this turnout can use.
    """
    try:
        calibration: Calibration = load_calibration(file)
    except ArtefactError as error:
        try:
            body = load_artefact(file, "classifier")
        except ArtefactError:
            raise error from None
        return Learnt(file=str(file), id=short_checksum(body), kind="classifier")
    return Learnt(file=str(file), id=calibration.id, kind="calibration", window=calibration.window)


def observe(learnt: Learnt, decisions: Iterable[Decision]) -> Watch:
    """How an artefact fits the traffic that it decided.

    Three looks, each of which chance alone fails about once in a thousand (the first, once for each input):

    - the population stability index of each feature and signal over the `LATEST`, against the window of the artefact
      (`turnout.confidence.shift`);
    - the escalation rate of the `LATEST` against that of those before: more than `GAP` and 3.29 standard errors of the
      difference of two proportions apart;
    - the mean score against the mean chance that was promised of the same answers: more than `GAP` and 3.29 standard
      errors apart, with the variance Σ p (1 − p) / n² of n answers that are as good as promised (calibration in the
      large; Spiegelhalter, Statistics in Medicine 5, 1986). Scores between 0 and 1 vary less.

    Args:
        learnt: the artefact.
        decisions: the latest first; those of other artefacts are passed over, and `READ` of its own are read.
    """
    own = list(islice((each for each in decisions if each.artefact == learnt.id), READ))
    known = Watch(file=learnt.file, id=learnt.id, kind=learnt.kind, decisions=len(own))
    if len(own) < FEWEST:
        return known
    return _rated(own, _escalations(own, _inputs(learnt.window, own[:LATEST], known)))


def _inputs(window: Window | None, latest: Sequence[Decision], known: Watch) -> Watch:
    if window is None:
        return known
    np = numpy()
    counts = {name: np.zeros(len(each.shares)) for name, each in window.histograms.items()}
    for decision in latest:
        values = {**(request_values(decision.features) if decision.features else {}), **decision.signals}
        for name in counts.keys() & values.keys():
            counts[name][window.histograms[name].place(values[name])] += 1
    found = drift(window, {name: each for name, each in counts.items() if each.sum() >= FEWEST})
    due = tuple(
        f"{name} has moved (stability index {found.indices[name]:.2f}, above {found.limit:.2f})"
        for name in found.shifted
    )
    return msgspec.structs.replace(known, indices=found.indices, limit=found.limit, due=known.due + due)


def _escalations(own: Sequence[Decision], known: Watch) -> Watch:
    latest, before = ([escalated(each) for each in part] for part in (own[:LATEST], own[LATEST:]))
    now = sum(latest) / len(latest)
    known = msgspec.structs.replace(known, escalated=now)
    if len(before) < FEWEST:
        return known
    then, both = sum(before) / len(before), sum((*latest, *before)) / len(own)
    error = (both * (1 - both) * (1 / len(latest) + 1 / len(before))) ** 0.5
    due = (f"{now:.0%} are escalated, {then:.0%} before",) if abs(now - then) > max(GAP, _Z * error) else ()
    return msgspec.structs.replace(known, escalated_before=then, due=known.due + due)


def _rated(own: Sequence[Decision], known: Watch) -> Watch:
    pairs = [
        (chance, each.feedback)
        for each in own
        if each.feedback is not None and (chance := _promised(each, known.kind)) is not None
    ]
    if not pairs:
        return known
    promised, realised = (sum(part) / len(pairs) for part in zip(*pairs, strict=True))
    error = sum(chance * (1 - chance) for chance, _ in pairs) ** 0.5 / len(pairs)
    apart = len(pairs) >= FEWEST and abs(realised - promised) > max(GAP, _Z * error)
    due = (f"answers are good in {realised:.0%}, where {promised:.0%} was promised ({len(pairs):,} scored)",)
    return msgspec.structs.replace(
        known, rated=len(pairs), promised=promised, realised=realised, due=known.due + (due if apart else ())
    )


def _promised(decision: Decision, kind: str) -> float | None:
    """The chance of a good answer that was given: by a calibration of the answer, by a classifier of the target."""
    if kind == "calibration":
        return decision.confidence
    return decision.signals.get(f"{decision.target}.chance")
