"""Whether what was learnt still fits the traffic: `as measured`, or `retrain due`, and because of what.

survey(store, load_learnt(file), Filter(route="support", since=...))   Watch(due=("tokens has moved ...",), ...)
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, Literal, NamedTuple

import msgspec

from turnout.confidence.artefact import load_artefact, short_checksum
from turnout.confidence.calibration import Calibration, load_calibration
from turnout.confidence.numbers import numpy
from turnout.confidence.shift import Window, drift, window_of
from turnout.confidence.signals.request import request_values
from turnout.errors import ArtefactError
from turnout.insight.query import Filter, newest_first, select
from turnout.insight.sample import sampled
from turnout.ledger.store import Store
from turnout.types.decision import Decision, escalated

if TYPE_CHECKING:
    import numpy as np

    Numbers = np.ndarray[Any, np.dtype[np.float64]]

LATEST: Final = 500
"""The latest decisions of an artefact reach back over so many of them, and over a day at least."""
DAY_MS: Final = 86_400_000
READ: Final = 5_000
"""Decisions of a route that are read of the latest, and as many of those before: of more, a sample is drawn."""
PASSED: Final = 20_000
"""Decisions of a route among which the latest of an artefact are looked for."""
FEWEST: Final = 100
"""With fewer, nothing is said."""
GAP: Final = 0.05
"""How far promised and realised quality, or two escalation rates, may lie apart before it matters."""
_Z: Final = 3.29
"""Beyond this many standard errors lies chance once in a thousand looks (two-sided)."""
_CONFIDENCE: Final = "confidence"


class Learnt(msgspec.Struct, frozen=True, kw_only=True):
    """An artefact that a configuration uses.

    Attributes:
        file: where it is.
        id: the start of its checksum, as decisions have it.
        kind: `calibration` or `classifier`.
        calibration: itself; None for a classifier, which keeps no window of its inputs.
    """

    file: str
    id: str
    kind: str
    calibration: Calibration | None = None


class Confidence(msgspec.Struct, frozen=True, kw_only=True):
    """How the confidences of the latest answers lie, against those of before.

    Attributes:
        index: their stability index.
        limit: the index above which they have moved.
        answers: how many were compared.
        against: what they were compared with: those given at `fitting`, or those `before` in the same ledger.
    """

    index: float
    limit: float
    answers: int
    against: Literal["fitting", "before"]


class Watch(msgspec.Struct, frozen=True, kw_only=True):
    """How an artefact fits the latest traffic.

    Attributes:
        file, id, kind: of the artefact.
        decisions: how many of its decisions were looked at.
        of: how many decisions its route has in the period, by whatever decided; None where that was not asked.
        read: about how many of those were read, each as likely as any other of its part of the period; None likewise.
        indices: the stability index of each input over the latest; empty where too few are on record.
        limit: the index above which an input has moved; None where it was not compared.
        confidence: how the confidences lie; None with too few, or with nothing to compare them with.
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
    of: int | None = None
    read: int | None = None
    indices: Mapping[str, float] = msgspec.field(default_factory=dict)
    limit: float | None = None
    confidence: Confidence | None = None
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


class _Told(NamedTuple):
    """What is kept of a decision while many are read: a fiftieth of its size.

    Attributes:
        values: features and signals, as numbers.
        promised: the chance of a good answer that was given.
        score: what somebody said of it.
        escalated: whether it was.
    """

    values: Mapping[str, float]
    promised: float | None
    score: float | None
    escalated: bool


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
    return Learnt(file=str(file), id=calibration.id, kind="calibration", calibration=calibration)


def survey(store: Store, learnt: Learnt, wanted: Filter) -> Watch:
    """How an artefact fits the traffic of its route; however much a ledger holds, `READ` decisions twice are read.

    The latest are those of the last day, and more where these are fewer than `LATEST` of the artefact's own; what they
    are compared with is the period before them. Of more than `READ` in either part, a uniform sample is read.

    Args:
        store: where decisions are.
        learnt: the artefact.
        wanted: the route, and the period.

    Raises:
        LedgerError: the store cannot be read.
    """
    began = _latest_began(store, wanted, learnt.id)
    latest = sampled(store, msgspec.structs.replace(wanted, since=began), most=READ)
    before = sampled(store, msgspec.structs.replace(wanted, until=began), most=READ)
    found = observe(learnt, latest.decisions, before.decisions)
    return msgspec.structs.replace(found, of=latest.of + before.of, read=latest.about + before.about)


def _latest_began(store: Store, wanted: Filter, artefact: str) -> datetime:
    """When the oldest of the latest decisions was admitted."""
    sql, parameters = select("time, json_extract(record, '$.artefact')", wanted, f"{newest_first(wanted)} LIMIT ?")
    newest = oldest = own = 0
    for time, decided in store.rows(sql, (*parameters, PASSED)):
        newest, oldest, own = newest or time, time, own + (decided == artefact)
        if own == LATEST:
            break
    began = datetime.fromtimestamp(min(oldest, newest - DAY_MS) / 1_000, UTC) if newest else datetime.now(UTC)
    return max(began, wanted.since) if wanted.since else began


def observe(learnt: Learnt, latest: Iterable[Decision], before: Iterable[Decision] = ()) -> Watch:
    """How an artefact fits the traffic that it decided.

    Four looks, each of which chance alone fails about once in a thousand (the first, once for each input):

    - the population stability index of each feature and signal over the latest, against the window of the artefact
      (`turnout.confidence.shift`);
    - the same index of the confidences that it gives the latest answers, kept or discarded, against those at fitting;
      where the artefact does not have these, against those before;
    - the escalation rate of the latest against that of those before: more than `GAP` and 3.29 standard errors of the
      difference of two proportions apart;
    - the mean score against the mean chance that was promised of the same answers: more than `GAP` and 3.29 standard
      errors apart, with the variance Σ p (1 − p) / n² of n answers that are as good as promised (calibration in the
      large; Spiegelhalter, Statistics in Medicine 5, 1986). Scores between 0 and 1 vary less.

    Args:
        learnt: the artefact.
        latest: decisions; those of other artefacts are passed over.
        before: those that the latest are compared with, likewise.
    """
    now, then = ([_told(each, learnt.kind) for each in part if each.artefact == learnt.id] for part in (latest, before))
    known = Watch(file=learnt.file, id=learnt.id, kind=learnt.kind, decisions=len(now) + len(then))
    if known.decisions < FEWEST or not now:
        return known
    known = _confidences(learnt.calibration, now, then, _inputs(learnt.calibration, now, known))
    return _rated([*now, *then], _escalations(now, then, known))


def _told(decision: Decision, kind: str) -> _Told:
    """A calibration gives its chance to an answer, a classifier to a target before it answers."""
    values = {**(request_values(decision.features) if decision.features else {}), **decision.signals}
    promised = decision.confidence if kind == "calibration" else values.get(f"{decision.target}.chance")
    return _Told(values, promised, decision.feedback, escalated(decision))


def _inputs(calibration: Calibration | None, latest: Sequence[_Told], known: Watch) -> Watch:
    if calibration is None:
        return known
    window = calibration.window
    columns = {name: [each.values[name] for each in latest if name in each.values] for name in window.histograms}
    counts = {name: window.histograms[name].counts(each) for name, each in columns.items() if len(each) >= FEWEST}
    found = drift(window, counts)
    due = tuple(
        f"{name} has moved (stability index {found.indices[name]:.2f}, above {found.limit:.2f})"
        for name in found.shifted
    )
    limit = found.limit if counts else None
    return msgspec.structs.replace(known, indices=found.indices, limit=limit, due=known.due + due)


def _confidences(
    calibration: Calibration | None, latest: Sequence[_Told], before: Sequence[_Told], known: Watch
) -> Watch:
    now = _given(calibration, latest)
    against: Literal["fitting", "before"] = "before"
    if calibration is not None and calibration.spread is not None:
        against, window = "fitting", Window(calibration.window.labels, {_CONFIDENCE: calibration.spread})
    elif len(then := _given(calibration, before)) >= FEWEST:
        window = window_of({_CONFIDENCE: then})
    else:
        return known
    if len(now) < FEWEST:
        return known
    found = drift(window, {_CONFIDENCE: window.histograms[_CONFIDENCE].counts(now)})
    index = found.indices[_CONFIDENCE]
    told = Confidence(index=index, limit=found.limit, answers=len(now), against=against)
    of = "at fitting" if against == "fitting" else "before"
    due = (f"confidence is another than {of} (stability index {index:.2f}, above {found.limit:.2f})",)
    return msgspec.structs.replace(known, confidence=told, due=known.due + (due if found.shifted else ()))


def _given(calibration: Calibration | None, told: Sequence[_Told]) -> Numbers:
    """The confidences, of discarded answers as well: what a calibration makes of what was read off each again."""
    np = numpy()
    if calibration is None:
        chances: Numbers = np.array([each.promised for each in told if each.promised is not None], dtype=float)
        return chances
    judged = [each.values for each in told if not calibration.blend.unknown(each.values)]
    columns = {name: np.array([each[name] for each in judged]) for name in calibration.inputs}
    given: Numbers = calibration.confidences(columns)
    return given


def _escalations(latest: Sequence[_Told], before: Sequence[_Told], known: Watch) -> Watch:
    now = _mean([each.escalated for each in latest])
    known = msgspec.structs.replace(known, escalated=now)
    if min(len(latest), len(before)) < FEWEST:
        return known
    then, both = _mean([each.escalated for each in before]), _mean([each.escalated for each in (*latest, *before)])
    error = (both * (1 - both) * (1 / len(latest) + 1 / len(before))) ** 0.5
    due = (f"{now:.0%} are escalated, {then:.0%} before",) if abs(now - then) > max(GAP, _Z * error) else ()
    return msgspec.structs.replace(known, escalated_before=then, due=known.due + due)


def _rated(own: Sequence[_Told], known: Watch) -> Watch:
    pairs = [(each.promised, each.score) for each in own if each.promised is not None and each.score is not None]
    if not pairs:
        return known
    promised, realised = (_mean(part) for part in zip(*pairs, strict=True))
    error = sum(chance * (1 - chance) for chance, _ in pairs) ** 0.5 / len(pairs)
    apart = len(pairs) >= FEWEST and abs(realised - promised) > max(GAP, _Z * error)
    due = (f"answers are good in {realised:.0%}, where {promised:.0%} was promised ({len(pairs):,} scored)",)
    return msgspec.structs.replace(
        known, rated=len(pairs), promised=promised, realised=realised, due=known.due + (due if apart else ())
    )


def _mean(numbers: Sequence[float]) -> float:
    return sum(numbers) / len(numbers)
