"""A calibration: what turns the signals of an answer into confidence, and what it knows about itself."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import msgspec

from turnout.confidence.artefact import load_artefact, save_artefact, short_checksum
from turnout.confidence.blend import Blend, cross_fitted, fit_blend, grouped_folds
from turnout.confidence.cost_line import CostLine, fit_cost
from turnout.confidence.curves import AnyCurve, CurveName, fit_curve
from turnout.confidence.numbers import numpy, one_thread
from turnout.confidence.quality import brier, calibration_error, log_loss
from turnout.confidence.shift import Histogram, Window, window_of
from turnout.errors import ArtefactError

if TYPE_CHECKING:
    import numpy as np

    Numbers = np.ndarray[Any, np.dtype[np.float64]]

LEAST_LABELS: Final = 40
"""Fewer cannot be cross-validated: of five folds each must hold a few answers of either kind."""
DEAREST: Final = 1e6
"""USD, and the price of what cannot be had: nobody pays more for one more acceptable answer."""
_NOTHING: Final = 1e-12
"""A gain that is none."""
_TELL: Final = "Make it again with `turnout calibrate`, from labels with the columns strong and strong_cost_usd."
_CURVES: Final[tuple[CurveName, ...]] = ("logistic", "beta", "isotonic")


class Labelled(msgspec.Struct, frozen=True, kw_only=True):
    """Answers whose worth is known; one row for each.

    Attributes:
        columns: signals and features, by name.
        acceptable: 1 where the answer was good enough, else 0.
        strong: the same of the next stage's answer to the same request; None where that is not known.
        strong_cost_usd: what that answer cost, in USD; None where that is not known.
        groups: what belongs together (the prompt, or its hash): a group is never split between fitting and checking.
    """

    columns: Mapping[str, Any]
    acceptable: Any
    strong: Any = None
    strong_cost_usd: Any = None
    groups: Sequence[str]

    def __len__(self) -> int:
        """How many answers."""
        return len(self.acceptable)

    def rows(self, chosen: Any) -> Labelled:
        """Those of a mask or an index."""
        picked = numpy().arange(len(self))[chosen]
        return Labelled(
            columns={name: values[picked] for name, values in self.columns.items()},
            acceptable=self.acceptable[picked],
            strong=None if self.strong is None else self.strong[picked],
            strong_cost_usd=None if self.strong_cost_usd is None else self.strong_cost_usd[picked],
            groups=[self.groups[place] for place in picked],
        )


class Quality(msgspec.Struct, frozen=True, kw_only=True):
    """How good confidences are on answers that they were not fitted to.

    Attributes:
        labels: on how many answers.
        acceptable: the share of them that was acceptable.
        calibration_error: see `turnout.confidence.quality`.
        brier: the same.
        log_loss: in nats.
        coverage: the share of the answers whose confidence could be computed.
    """

    labels: int
    acceptable: float
    calibration_error: float
    brier: float
    log_loss: float
    coverage: float = 1.0


class Calibration(msgspec.Struct, frozen=True, kw_only=True):
    """What turns signals into confidence.

    Attributes:
        target: whose answers it judges.
        blend: signals and features into one probability.
        curve: that probability into confidence.
        strong: signals and features into the probability that the next stage's answer is acceptable; None if unknown.
        cost: signals and features into what that answer costs; None if unknown.
        quality: cross-validated.
        window: what the inputs looked like, for telling when traffic has shifted.
        spread: where the confidences lay that it gives those answers; None where an older turnout made it.
        provenance: where it comes from: route, period, how the labels were made; for people.
        prefix: the number of tokens after which the signals are read; None for whole answers.
        id: the start of the artefact's checksum; empty until it has been saved.
    """

    target: str
    blend: Blend
    curve: AnyCurve
    strong: Blend | None = None
    cost: CostLine | None = None
    quality: Quality
    window: Window
    spread: Histogram | None = None
    provenance: Mapping[str, Any] = msgspec.field(default_factory=dict)
    prefix: int | None = None
    id: str = ""

    @property
    def inputs(self) -> tuple[str, ...]:
        """The names of the signals and features that it needs."""
        return tuple(each.name for each in self.blend.inputs)

    def judge(self, values: Mapping[str, float]) -> Judgement:
        """The confidence in one answer; declined where nothing is known about an answer like it."""
        unknown = self.blend.unknown(values)
        if unknown:
            return Judgement(declined=f"outside_calibration:{','.join(unknown)}")
        confidence = float(self.curve.at(numpy().array([self.blend.chance(values)]))[0])
        if self.strong is None:
            return Judgement(confidence=confidence)
        gain = self.strong.chance(values) - confidence
        price = None if self.cost is None else min(self.cost.usd(values) / max(gain, _NOTHING), DEAREST)
        return Judgement(confidence=confidence, gain=gain, price=price)

    @property
    def tells_prices(self) -> bool:
        """Whether it can say what one more acceptable answer costs."""
        return self.strong is not None and self.cost is not None

    def prices(self, columns: Mapping[str, Numbers]) -> Numbers:
        """What one more acceptable answer costs, of many answers; see `Judgement.price`.

        Raises:
            ArtefactError: the labels that it was fitted to did not tell.
        """
        if self.strong is None or self.cost is None:
            raise ArtefactError("it was not learnt what escalating brings and costs.", fix=_TELL)
        np = numpy()
        given = [columns[name] for name in self.inputs]
        gains = self.strong.chances(given) - self.confidences(columns)
        prices: Numbers = np.minimum(self.cost.usd_of(given) / np.maximum(gains, _NOTHING), DEAREST)
        return prices

    def confidences(self, columns: Mapping[str, Numbers]) -> Numbers:
        """The confidences of many answers, whatever their inputs."""
        return self.curve.at(self.blend.chances([columns[name] for name in self.inputs]))


class Judgement(msgspec.Struct, frozen=True, kw_only=True):
    """What a calibration says of one answer: a confidence, or why it has none.

    Attributes:
        confidence: the probability that the answer is acceptable.
        gain: by how much the next stage's answer is likelier to be acceptable; None where that is not known.
        price: what one more acceptable answer is expected to cost, in USD, if answers like this one are escalated: the
            next stage's cost over the gain. `DEAREST` where there is none to be had; None where that is not known.
        declined: why nothing can be said, in machine-readable words; the answer is then not accepted.
    """

    confidence: float | None = None
    gain: float | None = None
    price: float | None = None
    declined: str = ""


def fit_calibration(
    labelled: Labelled, *, target: str, provenance: Mapping[str, Any] | None = None, seed: int = 0
) -> Calibration:
    """Fit a calibration; its curve is the one with the least cross-validated log loss.

    Raises:
        ArtefactError: there are too few labels, or only of one kind.
    """
    if len(labelled) < LEAST_LABELS:
        raise ArtefactError(
            f"{len(labelled)} labels are too few to calibrate on.", fix=f"Give at least {LEAST_LABELS}."
        )
    labels = labelled.acceptable
    if not 0 < labels.mean() < 1:
        kind = "acceptable" if labels.mean() else "unacceptable"
        told = f"every labelled answer is {kind}: there is nothing to tell apart."
        raise ArtefactError(told, fix="Label answers of both kinds.")
    with one_thread():
        return _fitted(labelled, target, dict(provenance or {}), grouped_folds(labelled.groups, seed=seed))


def _fitted(labelled: Labelled, target: str, provenance: Mapping[str, Any], folds: Numbers) -> Calibration:
    np = numpy()
    labels = labelled.acceptable
    blend = fit_blend(labelled.columns, labels, folds=folds)
    unseen = cross_fitted(labelled.columns, labels, folds=folds, pull=blend.pull)
    name = min(_CURVES, key=lambda each: log_loss(_cross_curved(each, unseen, labels, folds), labels))
    confidences = _cross_curved(name, unseen, labels, folds)
    curve = fit_curve(name, unseen, labels)
    given = curve.at(blend.chances(list(labelled.columns.values())))
    return Calibration(
        target=target,
        blend=blend,
        curve=curve,
        strong=None if labelled.strong is None else fit_blend(labelled.columns, labelled.strong, folds=folds),
        cost=None if labelled.strong_cost_usd is None else fit_cost(labelled.columns, labelled.strong_cost_usd),
        quality=Quality(
            labels=len(labels),
            acceptable=float(labels.mean()),
            calibration_error=calibration_error(confidences, labels),
            brier=brier(confidences, labels),
            log_loss=log_loss(confidences, labels),
            coverage=float(np.isfinite(confidences).mean()),
        ),
        window=window_of(labelled.columns),
        spread=window_of({"confidence": given}).histograms["confidence"],
        provenance=provenance,
    )


def save_calibration(path: Path, calibration: Calibration, accept: Mapping[str, Any] | None = None) -> Calibration:
    """Write a calibration as an artefact, with the rule that was chosen on it.

    Returns:
        The same with its id.

    Raises:
        ArtefactError: it cannot be written.
    """
    body: dict[str, Any] = msgspec.to_builtins(calibration)
    del body["id"]
    written = save_artefact(path, "calibration", body | ({"accept": dict(accept)} if accept else {}))
    return msgspec.structs.replace(calibration, id=short_checksum(written))


def load_calibration(path: Path) -> Calibration:
    """Read a calibration.

    Raises:
        ArtefactError: it is not one that this turnout can use.
    """
    body = load_artefact(path, "calibration")
    try:
        found = msgspec.convert(body, Calibration)
    except msgspec.ValidationError as error:
        told = f"{path}: not a calibration that this turnout can use: {error}."
        raise ArtefactError(told, fix="Make it again with `turnout calibrate`.") from error
    return msgspec.structs.replace(found, id=short_checksum(body))


def _cross_curved(name: CurveName, unseen: Numbers, labels: Numbers, folds: Numbers) -> Numbers:
    """Each answer's confidence by a curve that was fitted without its fold."""
    np = numpy()
    confidences: Numbers = np.zeros(len(labels))
    for fold in np.unique(folds):
        out = folds == fold
        confidences[out] = fit_curve(name, unseen[~out], labels[~out]).at(unseen[out])
    return confidences
