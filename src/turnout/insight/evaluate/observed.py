"""What was observed and what every contender would have done, as arrays: what estimators take."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from math import isnan
from typing import TYPE_CHECKING, Any, Final, NamedTuple

from turnout.features.measures import measure
from turnout.features.ngrams import numpy
from turnout.insight.evaluate.direct import direct
from turnout.insight.evaluate.doubly_robust import doubly_robust
from turnout.insight.evaluate.driving import Came, Contender
from turnout.insight.evaluate.inverse_propensity import inverse_propensity
from turnout.insight.evaluate.outcome_model import expected_outcomes
from turnout.insight.evaluate.parts import Parts
from turnout.insight.evaluate.traffic import Answer, Asked
from turnout.policy.drawing import HELD

if TYPE_CHECKING:
    import numpy as np

    Array = np.ndarray[Any, np.dtype[Any]]

OUTCOMES: Final[Mapping[str, Callable[[Answer], float]]] = {
    "quality": lambda answer: answer.quality,
    "cost_usd": lambda answer: answer.cost_usd,
    "latency_ms": lambda answer: answer.latency_ms,
}
"""What is estimated, by name."""


class Estimated(NamedTuple):
    """One outcome of one contender.

    Attributes:
        parts: the estimate.
        check: the self-normalised inverse propensity estimate beside a doubly robust one; None for a direct one.
        unknown: the share of the requests whose outcome nothing tells.
    """

    parts: Parts
    check: Parts | None = None
    unknown: float = 0.0


class Direct:
    """Requests for which the outcome of every contender's choice was observed."""

    how: Final = "direct"

    def __init__(self, traffic: Sequence[Asked], came: Mapping[str, Sequence[Came]]) -> None:
        np = numpy()
        known = np.ones(len(traffic), bool)
        for of_one in came.values():
            known &= np.array([each.answer is not None and not isnan(each.answer.quality) for each in of_one], bool)
        self._places = np.flatnonzero(known)
        self.requests = [traffic[place] for place in self._places]
        self._came = came

    def came(self, name: str) -> list[Came]:
        """What a contender came to, for each request."""
        return [self._came[name][place] for place in self._places]

    def of(self, contender: Contender, outcome: str) -> Estimated:
        """An outcome of a contender."""
        read = OUTCOMES[outcome]
        return Estimated(direct(numpy().array([read(each.answer or Answer()) for each in self.came(contender.name)])))


class Explored:
    """Requests of which one outcome was observed, of a choice whose probability is known."""

    how: Final = "doubly robust"

    def __init__(self, traffic: Sequence[Asked], came: Mapping[str, Sequence[Came]]) -> None:
        np = numpy()
        self._places = np.array(
            [place for place, asked in enumerate(traffic) if asked.logged and not isnan(asked.logged.came.quality)], int
        )
        self.requests = [traffic[place] for place in self._places]
        self._came = came
        self._logged = [asked.logged for asked in self.requests if asked.logged is not None]
        self._ways = sorted({way for logged in self._logged for way in logged.chances})
        at = {way: place for place, way in enumerate(self._ways)}
        self._done = np.array([at[logged.first] for logged in self._logged], int)
        self._chance = np.array([[logged.chances.get(way, 0.0) for way in self._ways] for logged in self._logged])
        self._models: dict[str, Array] = {}

    def came(self, name: str) -> list[Came]:
        """What a contender came to, for each request."""
        return [self._came[name][place] for place in self._places]

    def of(self, contender: Contender, outcome: str) -> Estimated:
        """An outcome of a contender."""
        np = numpy()
        wanted = self._wanted(contender)
        rows = np.arange(len(self.requests))
        observed = np.array([OUTCOMES[outcome](logged.came) for logged in self._logged])
        seen = ~np.isnan(observed)
        known = np.where(seen, observed, 0.0)
        model = self._model(outcome, known, seen)
        supported = np.where(self._chance > 0, wanted, 0.0)
        missing = float(1.0 - supported.sum(axis=1).mean()) if len(rows) else 1.0
        done, chance = supported[rows, self._done], self._chance[rows, self._done]
        told = supported.sum(axis=1)
        robust = doubly_robust(known, done / chance, (supported * model).sum(axis=1), model[rows, self._done])
        # What nothing tells of has no part in the mean: it widens the interval instead.
        parts = Parts(np.where(seen, robust.above, 0.0), np.where(seen, told, 0.0))
        check = inverse_propensity(known, np.where(seen, done, 0.0), chance)
        return Estimated(parts, check, max(0.0, missing))

    def _wanted(self, contender: Contender) -> Array:
        """With which probability the contender would have gone each way."""
        wanted: Array = numpy().zeros((len(self.requests), len(self._ways)))
        at = {way: place for place, way in enumerate(self._ways)}
        for row, (asked, came) in enumerate(zip(self.requests, self.came(contender.name), strict=True)):
            same = contender.route is not None and contender.route.policy_version == asked.policy_version
            for way, chance in came.ways.items():
                # Another policy would judge a held answer otherwise, and nothing tells what it would have come to.
                if way in at and (same or not way.endswith(HELD)):
                    wanted[row, at[way]] += chance
        return wanted

    def _model(self, outcome: str, observed: Array, seen: Array) -> Array:
        np = numpy()
        if outcome not in self._models:
            shapes = np.array([measure(asked.features, asked.query or "") for asked in self.requests])
            clusters = [asked.cluster for asked in self.requests]
            done = np.where(seen, self._done, -1)
            self._models[outcome] = expected_outcomes(shapes, done, observed, len(self._ways), clusters)
        return self._models[outcome]
