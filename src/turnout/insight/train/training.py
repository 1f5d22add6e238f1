"""Training: which recipe, how good it is on later requests, and the classifier that is fitted to all of them."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial
from typing import TYPE_CHECKING, Any, Final, NamedTuple

import msgspec

from turnout.confidence.blend import grouped_folds
from turnout.confidence.quality import log_loss
from turnout.errors import ArtefactError
from turnout.features.ngrams import numpy
from turnout.insight.train.appraisal import OfSegment, OfTarget, of_segments, of_targets
from turnout.insight.train.contest import BAR, Contest, bar_at, hold, share_of_cost
from turnout.insight.train.corpus import Corpus, read_corpus
from turnout.insight.train.recipe import Recipe, fit_classifier
from turnout.insight.train.rows import Rows
from turnout.policy.classifier.model import Classifier

if TYPE_CHECKING:
    import numpy as np

    Array = np.ndarray[Any, np.dtype[Any]]

RECIPES: Final = (
    Recipe("logistic regression", ("linear",), strength=0.1),
    Recipe("logistic regression, freer", ("linear",), strength=1.0),
    Recipe("gradient boosting over logistic regression", ("linear",), trees=True),
    Recipe("k nearest", ("nearest",)),
    Recipe("gradient boosting over logistic regression and k nearest", ("linear", "nearest"), trees=True),
)
TOPICAL: Final = Recipe("gradient boosting over logistic regression and topics", ("linear", "topics"), trees=True)
"""Tried where labels tell topics."""
FOLDS: Final = 3
LATER: Final = 0.25
"""The share of the requests, the latest, that nothing is fitted to."""
LEAST: Final = 80
LEAST_EARLIER: Final = 60
"""Fewer labels of a target cannot be cross-validated: two thirds of them are fitted to, in five folds."""
LEAST_LATER: Final = 10
"""With fewer later requests nothing is measured."""
LEAST_COMPARED: Final = 40
"""With fewer later requests whose targets are all labelled, ways to choose are not compared."""
Rules = Callable[[Rows], Sequence[int | None]]
"""The place among the targets of the one that is chosen for each request today; None where it is none of them."""
Tell = Callable[[str, int, int], None]
"""Told what is being done, how many steps are done, and of how many."""


class Tried(NamedTuple):
    """A recipe, cross-validated on the earlier requests: the lower its score the better.

    Attributes:
        name: of the recipe.
        score: its cost at equal quality, as a share of always the dearest; where targets cannot be compared, log loss.
    """

    name: str
    score: float


class Trained(NamedTuple):
    """What training came to.

    Attributes:
        classifier: fitted to all requests.
        recipe: its recipe's name.
        tried: the recipes, the best first.
        settings: what to write into the policy.
        targets, contest, segments: measured on later requests by the same recipe, fitted to the earlier ones; no
            contest where too few requests have every target labelled.
        earlier, later: how many requests were fitted to and measured on.
        timed: whether the requests were split by time; else at random.
    """

    classifier: Classifier
    recipe: str
    tried: tuple[Tried, ...]
    settings: dict[str, Any]
    targets: tuple[OfTarget, ...]
    contest: Contest | None
    segments: tuple[OfSegment, ...]
    earlier: int
    later: int
    timed: bool


def train(
    rows: Rows,
    *,
    rules: Rules | None = None,
    embeddings: bool = False,
    recipes: Sequence[Recipe] | None = None,
    seed: int = 0,
    tell: Tell = lambda _doing, _done, _of: None,
) -> Trained:
    """Train a classifier.

    Args:
        rows: labelled requests.
        rules: what chooses today; None where nothing does.
        embeddings: whether queries are also compared by meaning.
        recipes: what to try; None for all that the rows allow.
        seed: makes it repeatable.
        tell: is told of the progress.

    Raises:
        ArtefactError: there are too few labels.
        MissingExtra: `learn`, or for embeddings `embeddings`, is not installed.
    """
    offered = tuple(recipes or (RECIPES + ((TOPICAL,) if len(set(rows.topics)) > 1 else ())))
    steps = len(offered) * FOLDS + 3
    tell("reading", 0, steps)
    corpus = read_corpus(rows, embeddings=embeddings)
    earlier, later = split(rows, seed=seed)
    before, after, seen = rows.take(earlier), rows.take(later), corpus.take(earlier)
    _check(before)
    unseen: dict[Recipe, Array] = {}
    for number, recipe in enumerate(offered):
        told = partial(_tell_fold, tell, recipe.name, number * FOLDS, steps)
        unseen[recipe] = _cross_fitted(before, seen, recipe, seed, told)
    tried = sorted(((_score(before, chances), recipe) for recipe, chances in unseen.items()), key=lambda each: each[0])
    recipe = tried[0][1]
    settings = _settings(before, unseen[recipe], rules)
    tell(f"measuring {recipe.name}", steps - 2, steps)
    measured = _chances(fit_classifier(before, seen, recipe, seed=seed), corpus.take(later))
    tell(f"fitting {recipe.name} to all", steps - 1, steps)
    classifier = fit_classifier(rows, corpus, recipe, seed=seed)
    tell("done", steps, steps)
    return Trained(
        classifier=classifier,
        recipe=recipe.name,
        tried=tuple(Tried(each.name, score) for score, each in tried),
        settings=settings,
        targets=of_targets(after, measured, seed=seed),
        contest=_contest(after, measured, rules, seed),
        segments=_segments(after, measured, settings, seed),
        earlier=len(before),
        later=len(after),
        timed=all(rows.times),
    )


def _check(rows: Rows) -> None:
    """Raises `ArtefactError` where too few of the earlier requests have a label of some target."""
    np = numpy()
    labels = (~np.isnan(rows.acceptable)).sum(axis=0)
    place = int(labels.argmin())
    if labels[place] < LEAST_EARLIER:
        told = f"{labels[place]} of the earlier requests have a label for '{rows.names[place]}': too few to learn from."
        raise ArtefactError(told, fix=f"Give at least {LEAST_EARLIER} of each target, besides the latest quarter.")


def _tell_fold(tell: Tell, doing: str, done: int, steps: int, fold: int) -> None:
    tell(doing, done + fold, steps)


def split(rows: Rows, *, seed: int) -> tuple[Array, Array]:
    """The places of the earlier and of the later requests; a group that is in both is left out of the later.

    Raises:
        ArtefactError: there are too few.
    """
    np = numpy()
    if len(rows) < LEAST:
        raise ArtefactError(f"{len(rows)} labelled requests are too few.", fix=f"Give at least {LEAST}.")
    if all(rows.times):
        order = np.argsort(np.asarray(rows.times), kind="stable")
    else:
        _, members = np.unique(np.asarray(rows.groups), return_inverse=True)
        shuffled = np.random.default_rng(seed).permutation(int(members.max()) + 1)
        order = np.argsort(shuffled[members], kind="stable")
    bound = int(len(rows) * (1 - LATER))
    earlier = np.sort(order[:bound])
    known = {rows.groups[place] for place in earlier}
    later = np.array([place for place in np.sort(order[bound:]) if rows.groups[place] not in known], int)
    if len(later) < LEAST_LATER:
        told = f"only {len(later)} of the later requests are no repetitions of earlier ones: too few to measure on."
        raise ArtefactError(told, fix=f"Give labels of requests that differ, at least {LEAST_LATER} of them later.")
    return earlier, later


def _cross_fitted(rows: Rows, corpus: Corpus, recipe: Recipe, seed: int, tell: Callable[[int], None]) -> Array:
    """What classifiers say of each request that were fitted without its fold; tells each fold's number."""
    np = numpy()
    folds = grouped_folds(rows.groups, seed=seed + 1, folds=FOLDS)
    chances: Array = np.zeros((len(rows), len(rows.names)))
    for fold in np.unique(folds):
        tell(int(fold))
        inside, outside = np.flatnonzero(folds != fold), np.flatnonzero(folds == fold)
        classifier = fit_classifier(rows.take(inside), corpus.take(inside), recipe, seed=seed)
        chances[outside] = _chances(classifier, corpus.take(outside))
    return chances


def _chances(classifier: Classifier, corpus: Corpus) -> Array:
    """What a classifier says of requests: by what will serve it."""
    np = numpy()
    said = [classifier.chances(read) for read in corpus.reads(classifier.reader)]
    chances: Array = np.stack(said) if said else np.zeros((0, len(classifier.names)))
    return chances


def _score(rows: Rows, chances: Array) -> float:
    np = numpy()
    complete = rows.complete
    if complete.sum() >= LEAST_COMPARED:
        return share_of_cost(rows.take(complete), chances[complete])
    known = ~np.isnan(rows.acceptable)
    return log_loss(chances[known], rows.acceptable[known])


def _contest(rows: Rows, chances: Array, rules: Rules | None, seed: int) -> Contest | None:
    complete = rows.complete
    if complete.sum() < LEAST_COMPARED:
        return None
    compared = rows.take(complete)
    return hold(compared, chances[complete], rules(compared) if rules is not None else None, seed=seed)


def _segments(rows: Rows, chances: Array, settings: dict[str, Any], seed: int) -> tuple[OfSegment, ...]:
    complete = rows.complete
    if complete.sum() < LEAST_COMPARED:
        return ()
    return tuple(of_segments(rows.take(complete), chances[complete], settings, seed=seed))


def _settings(rows: Rows, chances: Array, rules: Rules | None) -> dict[str, Any]:
    """What to write into the policy: chosen on the earlier requests alone."""
    complete = rows.complete
    if complete.sum() < LEAST_COMPARED:
        return {"at_least": BAR}
    compared = rows.take(complete)
    return bar_at(compared, chances[complete], rules(compared) if rules is not None else None)


def as_builtins(trained: Trained) -> dict[str, Any]:
    """Everything but the classifier, as JSON values."""
    named = {"tried", "settings", "targets", "contest", "segments", "earlier", "later", "timed", "recipe"}
    return {name: _plain(value) for name, value in trained._asdict().items() if name in named}


def _plain(value: Any) -> Any:
    """Named tuples as mappings, all the way down."""
    if isinstance(value, tuple) and hasattr(value, "_asdict"):
        return {name: _plain(inner) for name, inner in value._asdict().items()}
    if isinstance(value, (tuple, list)):
        return [_plain(inner) for inner in value]
    return msgspec.to_builtins(value)
