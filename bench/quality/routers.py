"""Choosing before the call: classifiers beside a length rule and published routers.

`mmlu`: gpt-4-1106-preview against Mixtral-8x7B-Instruct on RouteLLM's MMLU half. Prompts are split at random, by prompt
and not by row; what is fitted sees the training part alone. `several`: one of eleven models by what an answer is worth,
on RouterBench's subset.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import numpy as np
from rich.console import Console
from rich.progress import track

from bench.quality.data import read
from bench.quality.gap import Gap, gap_of, recovered
from bench.quality.picture import write_curves
from turnout.features.phrases import PhraseLists
from turnout.features.shape import read_features
from turnout.insight.train.corpus import Corpus, read_corpus
from turnout.insight.train.recipe import Recipe, fit_classifier
from turnout.insight.train.rows import Rows
from turnout.policy.classifier.choice import BestValue, Option
from turnout.types.request import Outline, Said

if TYPE_CHECKING:
    import argparse
    from collections.abc import Iterator, Mapping, Sequence
    from pathlib import Path

    Array = np.ndarray[Any, np.dtype[Any]]

FRACTIONS: Final = (0.2, 0.5)
RECIPES: Final = (
    Recipe("logistic regression", ("linear",)),
    Recipe("... and boosted trees", ("linear",), trees=True),
    Recipe("k nearest", ("nearest",)),
    Recipe("logistic regression, k nearest and trees", ("linear", "nearest"), trees=True),
    Recipe("logistic regression, topics and trees", ("linear", "topics"), trees=True),
)
PUBLISHED: Final = {
    "random": Gap(0.500, 50.1, 79.9),
    "BERT": Gap(0.572, 41.3, 72.2),
    "causal LLM": Gap(0.600, 35.5, 70.3),
    "matrix factorisation": Gap(0.597, 35.5, 71.4),
    "similarity-weighted": Gap(0.603, 35.4, 71.6),
}
"""RouteLLM (arXiv 2406.18665 v4), table 1: trained on arena votes and 1,500 golden labels, measured on all of MMLU."""
POINTS: Final = 51
"""Of a curve in the picture."""
WORTHS: Final = (0.0005, 0.002, 0.01)
"""What an acceptable answer is worth, in USD."""


def run(given: argparse.Namespace) -> None:
    """Measure and print both tables, and draw the first one's picture where one is wanted."""
    mmlu(given.data, given.seeds or 5, given.picture)
    several(given.data, given.seeds or 5)


def mmlu(data: Path, seeds: int, picture: Path | None) -> None:
    """One strong and one weak model."""
    rows = _mmlu_rows(data)
    corpus = read_corpus(rows)
    weak, strong = rows.acceptable.mean(axis=0)
    print(f"\n{len(rows):,} prompts; weak {weak:.3f}, strong {strong:.3f}")
    print("\n| router | training | APGR | CPT50 | CPT80 | beats the length rule |\n| --- | --- |" + " ---: |" * 4)
    for name, gap in PUBLISHED.items():
        print(f"| {name} | published, trained elsewhere | {gap.apgr:.3f} | {gap.cpt50:.1f} | {gap.cpt80:.1f} | |")
    for fraction in FRACTIONS:
        splits = [_split(rows, fraction, seed) for seed in range(seeds)]
        told = f"{fraction:.0%}"
        length = [_recovered(_tokens(rows.take(test)), rows.take(test)) for _, test in splits]
        _print_row("length rule", f"none, as {told}", length, length)
        for recipe in RECIPES:
            _print_row(recipe.name, told, found := list(_routed(rows, corpus, recipe, splits)), length)
            if picture is not None and (fraction, recipe) == (FRACTIONS[-1], RECIPES[0]):
                _draw(picture, {f"{recipe.name}, {told}": found, "length rule": length})
        oracle = [_recovered(np.diff(rows.acceptable[test])[:, 0], rows.take(test)) for _, test in splits]
        _print_row("oracle", "the answers", oracle, length)


def _draw(picture: Path, curves: Mapping[str, Sequence[Array]]) -> None:
    """The mean over splits of what each way recovers, and the diagonal of chance."""
    shares = np.linspace(0.0, 1.0, POINTS)
    means = {
        name: np.mean([np.interp(shares, np.linspace(0.0, 1.0, len(each)), each) for each in found], axis=0).tolist()
        for name, found in curves.items()
    }
    across = "share of the calls that go to the strong model"
    write_curves(picture, {**means, "chance": shares.tolist()}, across=across, up="share of the gap recovered")


def several(data: Path, seeds: int) -> None:
    """One of eleven models, by value."""
    rows = _routerbench_rows(data)
    corpus = read_corpus(rows)
    print(f"\n{len(rows):,} prompts, {len(rows.names)} models; what 1,000 answers are worth less their cost, in USD")
    names = ("classifier", "length rule", "best single", "dearest", "cheapest", "oracle", "classifier − length rule")
    print("\n| an answer is worth | " + " | ".join(names) + " | winner |\n| --- |" + " ---: |" * 7 + " --- |")
    values: dict[float, list[Array]] = {worth: [] for worth in WORTHS}
    for seed in track(range(seeds), "several models", console=Console(stderr=True)):
        train, test = _split(rows, 0.5, seed)
        classifier = fit_classifier(rows.take(train), corpus.take(train), RECIPES[0], seed=seed)
        chances = np.stack([classifier.chances(read) for read in corpus.take(test).reads(classifier.reader)])
        for worth in WORTHS:
            values[worth].append(_values(rows.take(train), rows.take(test), chances, worth))
    for worth, drawn in values.items():
        found = np.array(drawn) * 1000
        ahead = (found[:, 0] - found[:, 1])[:, None]
        told = " | ".join(f"{each.mean():.3f} ± {each.std():.3f}" for each in np.hstack([found, ahead]).T)
        simpler = 1 + int(found[:, 1:3].mean(axis=0).argmax())
        winner = names[0] if (found[:, 0] > found[:, simpler]).all() else names[simpler]
        print(f"| ${worth:g} | {told} | {winner} |")


def _values(train: Rows, test: Rows, chances: Array, worth: float) -> Array:
    """The mean value of an answer by each way to choose; every way is set on the training part alone."""
    cost = train.cost_usd.mean(axis=0)
    choice = BestValue(worth, 0.0, 0.0)
    places = {name: place for place, name in enumerate(train.names)}
    chosen = []
    for row in chances:
        option = choice.of([Option(name, row[place], cost[place]) for name, place in places.items()])
        chosen.append(places[option.name] if option is not None else 0)
    gained = worth * test.acceptable - test.cost_usd
    expected = (worth * train.acceptable - train.cost_usd).mean(axis=0)
    single = int(expected.argmax())
    rows = np.arange(len(test))
    bound, short, long = _length_rule(train, worth)
    ways = (
        gained[rows, chosen],
        gained[rows, np.where(_tokens(test) > bound, long, short)],
        gained[:, single],
        gained[:, -1],
        gained[:, 0],
        gained.max(axis=1),
    )
    return np.array([way.mean() for way in ways])


def _length_rule(train: Rows, worth: float) -> tuple[float, int, int]:
    """The bound, the model for shorter prompts and that for longer ones that are worth the most."""
    gained = worth * train.acceptable - train.cost_usd
    tokens = _tokens(train)
    found = []
    for bound in np.quantile(tokens, np.linspace(0.05, 0.95, 19)):
        long = tokens > bound
        short_sum, long_sum = gained[~long].sum(axis=0), gained[long].sum(axis=0)
        found.append((short_sum.max() + long_sum.max(), float(bound), int(short_sum.argmax()), int(long_sum.argmax())))
    return max(found)[1:]


def _routed(rows: Rows, corpus: Corpus, recipe: Recipe, splits: Sequence[tuple[Array, Array]]) -> Iterator[Array]:
    """What a classifier recovers of each split's test part, fitted to its training part."""
    told = f"{recipe.name}, {len(splits[0][0]):,} prompts"
    for seed, (train, test) in enumerate(track(splits, told, console=Console(stderr=True), transient=True)):
        classifier = fit_classifier(rows.take(train), corpus.take(train), recipe, seed=seed)
        chances = np.stack([classifier.chances(read) for read in corpus.take(test).reads(classifier.reader)])
        yield _recovered(chances[:, 1] - chances[:, 0], rows.take(test))


def _recovered(scores: Array, rows: Rows) -> Array:
    return recovered(scores, rows.acceptable[:, 0], rows.acceptable[:, 1])


def _tokens(rows: Rows) -> Array:
    return np.array([features.tokens for features in rows.features], float)


def _print_row(name: str, training: str, found: Sequence[Array], length: Sequence[Array]) -> None:
    gaps, by_length = np.array([gap_of(each) for each in found]), np.array([gap_of(each) for each in length])
    means, spread = gaps.mean(axis=0), gaps.std(axis=0)
    told = " | ".join(
        f"{mean:.{digits}f} ± {std:.{digits}f}" for mean, std, digits in zip(means, spread, (3, 1, 1), strict=True)
    )
    ahead = gaps[:, 0] - by_length[:, 0]
    beats = f"by {ahead.mean():.3f}, in {(ahead > 0).sum()} of {len(gaps)} splits" if name != "length rule" else ""
    print(f"| {name} | {training} | {told} | {beats} |", flush=True)


def _split(rows: Rows, fraction: float, seed: int) -> tuple[Array, Array]:
    """The places of the training part and of the rest, split by prompt."""
    distinct, members = np.unique(np.asarray(rows.groups), return_inverse=True)
    chosen = np.zeros(len(distinct), bool)
    chosen[np.random.default_rng(seed).permutation(len(distinct))[: int(len(distinct) * fraction)]] = True
    return np.flatnonzero(chosen[members]), np.flatnonzero(~chosen[members])


def _mmlu_rows(data: Path) -> Rows:
    columns = read(data, "routellm_mmlu_half")
    kept = [place for place, contaminated in enumerate(columns["contaminated"]) if not contaminated]
    labels = np.array([columns["weak_correct"], columns["strong_correct"]], float).T[kept]
    texts = [columns["prompt"][place] for place in kept]
    nothing = np.full(labels.shape, np.nan)
    topics = [columns["subject"][place] for place in kept]
    return _rows(("Mixtral-8x7B", "gpt-4-1106"), texts, labels, nothing, topics)


def _routerbench_rows(data: Path) -> Rows:
    columns = read(data, "routerbench_subset")
    names = [name.removeprefix("correct|") for name in columns if name.startswith("correct|")]
    correct = np.array([columns[f"correct|{name}"] for name in names], float).T
    cost = np.array([columns[f"cost_usd|{name}"] for name in names], float).T
    whole = ~(np.isnan(correct) | np.isnan(cost)).any(axis=1)
    order = np.argsort(cost[whole].mean(axis=0))
    texts = [str(text) for text, kept in zip(columns["prompt"], whole, strict=True) if kept]
    labels = (correct[whole][:, order] >= 0.5).astype(float)
    return _rows(tuple(names[place] for place in order), texts, labels, cost[whole][:, order], [""] * len(texts))


def _rows(names: tuple[str, ...], texts: list[str], labels: Array, cost: Array, topics: list[str]) -> Rows:
    lists, nothing = PhraseLists(), [""] * len(texts)
    unknown = np.full(labels.shape, np.nan)
    return Rows(
        names=names,
        texts=texts,
        features=[read_features(Outline(said=(Said("user", text),)), lists=lists) for text in texts],
        acceptable=labels,
        cost_usd=cost,
        latency_ms=unknown,
        output_tokens=unknown,
        groups=texts,
        times=nothing,
        segments=nothing,
        topics=topics,
    )
