"""What policies learn, learnt from the earlier requests alone."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Final

from turnout.confidence.calibration import Calibration, Labelled, fit_calibration
from turnout.confidence.signals.request import request_values
from turnout.errors import ArtefactError
from turnout.features.ngrams import numpy
from turnout.insight.evaluate.traffic import Answer, Traffic
from turnout.insight.train.corpus import read_corpus
from turnout.insight.train.recipe import Recipe, fit_classifier
from turnout.insight.train.rows import Rows
from turnout.policy.classifier.model import Classifier

RECIPE: Final = Recipe("logistic regression", ("linear",))
GOOD: Final = 0.5
"""The quality from which an answer is acceptable."""


class Learning:
    """Trains what a configuration names files of, on requests that nothing will be scored on.

    Args:
        traffic: the earlier requests.
        seed: makes it repeatable.
    """

    def __init__(self, traffic: Traffic, *, seed: int = 0) -> None:
        self._traffic, self._seed = traffic, seed
        self._made: dict[tuple[str, ...], Classifier] = {}

    def classifier(self, names: Sequence[str]) -> Classifier:
        """A classifier of targets, by a logistic regression over words and measures.

        Raises:
            ArtefactError: too few answers are labelled, or the names are not targets that have answers.
            MissingExtra: `learn` is not installed.
        """
        if tuple(names) not in self._made:
            rows = rows_of(self._traffic, names)
            self._made[tuple(names)] = fit_classifier(rows, read_corpus(rows), RECIPE, seed=self._seed)
        return self._made[tuple(names)]

    def calibration(self, target: str, beside: str | None = None) -> Calibration:
        """A calibration of a target's answers, by the signals that were recorded of every one of them.

        Args:
            target: whose.
            beside: another target: of requests that both have answered, so that it tells what that one brings.

        Raises:
            ArtefactError: too few answers are labelled, or nothing was read off them.
        """
        np = numpy()
        known = [(asked, asked.answers[target]) for asked in self._traffic if target in asked.answers]
        judged = [(asked, answer) for asked, answer in known if not np.isnan(answer.quality) and answer.signals]
        judged = [each for each in judged if beside is None or _told(each[0].answers.get(beside))]
        if not judged:
            told = f"no earlier answer of '{target}' was judged and has signals{_with(beside)}."
            raise ArtefactError(told, fix="Give --train-fraction 0 to use the calibration as it is.")
        shared = set.intersection(*(set(answer.signals) for _, answer in judged))
        columns = [{**request_values(a.features), **{name: b.signals[name] for name in shared}} for a, b in judged]
        return fit_calibration(
            Labelled(
                columns={name: np.array([row[name] for row in columns]) for name in columns[0]},
                acceptable=np.array([float(answer.quality >= GOOD) for _, answer in judged]),
                strong=beside and np.array([float(asked.answers[beside].quality >= GOOD) for asked, _ in judged]),
                strong_cost_usd=beside and np.array([asked.answers[beside].cost_usd for asked, _ in judged]),
                groups=[asked.question for asked, _ in judged],
            ),
            target=target,
            seed=self._seed,
        )


def _told(answer: Answer | None) -> bool:
    """Whether it is known how good an answer is and what it cost."""
    return answer is not None and math.isfinite(answer.quality) and math.isfinite(answer.cost_usd)


def _with(beside: str | None) -> str:
    return f", with one of '{beside}' whose quality and cost are known" if beside else ""


def rows_of(traffic: Traffic, names: Sequence[str]) -> Rows:
    """Requests whose text is kept, as training takes them."""
    np = numpy()
    kept = [asked for asked in traffic if asked.query is not None and any(name in asked.answers for name in names)]
    if not kept:
        told = f"of no earlier request the text is kept with a judged answer of {' or '.join(names)}."
        raise ArtefactError(told, fix="Keep texts (privacy), or give --labels FILE.")
    answers = [[asked.answers.get(name, Answer()) for name in names] for asked in kept]
    quality = np.array([[each.quality for each in row] for row in answers])
    nothing = [""] * len(kept)
    return Rows(
        names=tuple(names),
        texts=[asked.query or "" for asked in kept],
        features=[asked.features for asked in kept],
        acceptable=np.where(np.isnan(quality), np.nan, (quality >= GOOD).astype(float)),
        cost_usd=np.array([[each.cost_usd for each in row] for row in answers]),
        latency_ms=np.array([[each.latency_ms for each in row] for row in answers]),
        output_tokens=np.array([[each.output_tokens for each in row] for row in answers]),
        groups=[asked.question for asked in kept],
        times=[asked.time for asked in kept],
        segments=nothing,
        topics=nothing,
    )
