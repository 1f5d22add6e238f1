"""Answers of a cheap model beside a dearer one's to the same prompts, as labels that `turnout calibrate` takes."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import numpy as np

from bench.quality.data import read
from turnout.confidence.calibration import Labelled
from turnout.confidence.signals.logprobs import bounded
from turnout.confidence.signals.request import request_values
from turnout.features.phrases import PhraseLists
from turnout.features.shape import read_features
from turnout.insight.labels import Labels
from turnout.types.request import Outline, Said

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    Array = np.ndarray[Any, np.dtype[Any]]

SIGNALS: Final = ("mean_logprob", "tokens", "chars")
"""How sure the cheap model is, and how long the question."""
LONG: Final = "output_tokens"
"""How long the cheap model's answer is: what a dearer one will cost."""


class Answers:
    """Every model's answers to 3,416 prompts of MMLU, MedMCQA and GSM8K, in the order of the prompts.

    Attributes:
        topics: the data set of each prompt.
    """

    def __init__(self, data: Path) -> None:
        prompts = read(data, "cascade_logprob_prompts")
        self._texts: list[str] = prompts["prompt"]
        self.topics: Array = np.array(prompts["dataset"])
        places = {qid: place for place, qid in enumerate(prompts["qid"])}
        told = read(data, "cascade_logprob_outcomes")
        self._models: Array = np.array(told["model"])
        self._places: Array = np.array([places[qid] for qid in told["qid"]])
        self._told = told
        lists = PhraseLists()
        read_ = (read_features(Outline(said=(Said("user", text),)), lists=lists) for text in self._texts)
        self._questions = [request_values(features) for features in read_]

    def labels(self, weak: str, strong: str, columns: Sequence[str] = (*SIGNALS, LONG)) -> Labels:
        """The answers of one model, with what the other's are worth and cost."""
        known = {
            "mean_logprob": np.array([bounded(value) for value in self._of(weak, "confidence_logprob")]),
            LONG: self._of(weak, "output_tokens"),
            **{name: np.array([each[name] for each in self._questions]) for name in ("tokens", "chars")},
        }
        labelled = Labelled(
            columns={name: known[name] for name in columns},
            acceptable=self._of(weak, "correct"),
            strong=self._of(strong, "correct"),
            strong_cost_usd=self._of(strong, "cost_usd"),
            groups=self._texts,
        )
        return Labels(labelled=labelled, cost_usd=self._of(weak, "cost_usd"), source="public data")

    def _of(self, model: str, name: str) -> Array:
        """A column of one model, in the order of the prompts."""
        chosen = self._models == model
        found = np.full(len(self._texts), np.nan)
        found[self._places[chosen]] = np.array(self._told[name], float)[chosen]
        return found


def split(labels: Labels, first: float, seed: int) -> tuple[Labels, Labels]:
    """The labels in two at random, the first with a share or a number of them; one prompt's are never in both."""
    prompts, members = np.unique(np.asarray(labels.labelled.groups), return_inverse=True)
    number = int(first * len(prompts)) if first < 1 else int(first)
    chosen = np.isin(members, np.random.default_rng(seed).permutation(len(prompts))[:number])
    return labels.rows(chosen), labels.rows(~chosen)
