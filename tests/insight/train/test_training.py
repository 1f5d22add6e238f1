"""What is chosen and what is measured come from different requests, and a simpler way that is as good wins."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import suppress
from typing import Any

import msgspec
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.policy.classifier.traffic import features_of, traffic
from turnout.errors import ArtefactError
from turnout.insight.train.card import card_of, markdown
from turnout.insight.train.contest import CLASSIFIER, LENGTH, RULES
from turnout.insight.train.rows import Rows
from turnout.insight.train.training import RECIPES, Trained, split, train

QUICK = RECIPES[:1]
WORDS = [f"{first}{second}{third}" for first in "bdfgklm" for second in "aeiou" for third in ("nt", "rk", "st", "ll")]


def changed(rows: Rows, **changes: Any) -> Rows:
    return msgspec.structs.replace(rows, **changes)


def asked(texts: list[str], acceptable: Any, *, groups: list[str] | None = None) -> Rows:
    """Requests in the order of their time."""
    nothing, unknown = [""] * len(texts), np.full(np.shape(acceptable), np.nan)
    return Rows(
        names=("small", "large"),
        texts=texts,
        features=[features_of(text) for text in texts],
        acceptable=np.asarray(acceptable, float),
        cost_usd=np.tile([0.0002, 0.004], (len(texts), 1)),
        latency_ms=unknown,
        output_tokens=unknown,
        groups=groups or texts,
        times=[f"2026-03-01T{place // 60:02d}:{place % 60:02d}:00Z" for place in range(len(texts))],
        segments=nothing,
        topics=nothing,
    )


@pytest.fixture(scope="module")
def trained() -> Trained:
    return train(traffic(400), recipes=QUICK)


@settings(max_examples=30)
@given(
    times=st.lists(st.integers(0, 59), min_size=120, max_size=160),
    timed=st.booleans(),
    seed=st.integers(0, 3),
    groups=st.integers(20, 60),
)
def test_what_is_measured_on_comes_later_and_repeats_nothing(
    times: list[int], timed: bool, seed: int, groups: int
) -> None:
    texts = [f"word {place}" for place in range(len(times))]
    rows = changed(
        asked(texts, np.ones((len(times), 2)), groups=[f"g{place * 7 % groups}" for place in range(len(times))]),
        times=[f"2026-03-01T00:{minute:02d}:00Z" if timed else "" for minute in times],
    )
    with suppress(ArtefactError):  # where all that comes later repeats
        _check_split(rows, *split(rows, seed=seed), timed=timed)


def _check_split(rows: Rows, earlier: Any, later: Any, *, timed: bool) -> None:
    assert not {rows.groups[place] for place in earlier} & {rows.groups[place] for place in later}
    assert not set(earlier) & set(later)
    if timed:
        assert max(rows.times[place] for place in earlier) <= min(rows.times[place] for place in later)


def test_nothing_is_chosen_by_what_is_kept_aside(trained: Trained) -> None:
    """Other answers to the later requests change what is measured, and nothing of what is chosen."""
    rows = traffic(400)
    _, later = split(rows, seed=0)
    labels = rows.acceptable.copy()
    labels[later] = 1 - labels[later]
    other = train(changed(rows, acceptable=labels), recipes=QUICK)
    assert (other.tried, other.recipe, other.settings) == (trained.tried, trained.recipe, trained.settings)
    small, small_otherwise = trained.targets[0].auc.value, other.targets[0].auc.value
    assert small > 0.7
    assert small_otherwise == pytest.approx(1 - small)  # the same chances: they saw neither answer


def test_a_question_asked_again_teaches_nothing_about_itself() -> None:
    """Answers to a question are alike for no reason: whoever sees one of them would seem to know the others."""
    draws = np.random.default_rng(4)
    questions = [" ".join(draws.choice(WORDS, 6, replace=False)) for _ in range(90)]
    luck = (draws.uniform(size=(90, 2)) < 0.5).astype(float)
    order = draws.permutation(np.repeat(np.arange(90), 4))
    rows = changed(asked([questions[place] for place in order], luck[order]), times=[""] * len(order))
    honest = train(rows, recipes=QUICK).targets[0].auc
    assert honest.low < 0.5
    assert honest.value < 0.7

    by_rows = changed(rows, groups=[str(place) for place in range(len(order))])
    fooled = train(by_rows, recipes=QUICK).targets[0].auc
    assert fooled.low > 0.8  # what a split by rows would have told


def test_where_words_tell_the_classifier_beats_the_length_rule(trained: Trained) -> None:
    assert trained.contest is not None
    assert trained.contest.winner == CLASSIFIER
    standings = {standing.name: standing for standing in trained.contest.standings}
    assert standings[CLASSIFIER].cost.value < standings[LENGTH].cost.value - 0.1
    card = card_of(trained, traffic(400), route="support", source="made.csv", seed=0)
    page = markdown(card, "0123456789ab")
    assert "**It beats the length rule.**" in page
    for part in ("## Data", "## Limits", "### By segment", "### By target", "## What was tried", "made.csv", "| de |"):
        assert part in page


def test_where_only_length_tells_the_length_rule_is_named_the_winner() -> None:
    draws = np.random.default_rng(1)
    lengths = draws.integers(3, 60, 400)
    texts = [" ".join(draws.choice(WORDS, int(length))) for length in lengths]
    small = (draws.uniform(size=400) < np.where(lengths > 30, 0.3, 0.95)).astype(float)
    rows = asked(texts, np.stack([small, np.ones(400)], axis=1))
    found = train(rows, recipes=QUICK)
    assert found.contest is not None
    assert found.contest.winner == LENGTH
    card = card_of(found, rows, route="support", source="made.csv", seed=0)
    assert "**The length rule is not beaten" in markdown(card, "0123456789ab")
    assert "A simpler way is as good, as far as these labels tell." in card["limits"]


def test_rules_that_know_better_win() -> None:
    rows = traffic(400)

    def rules(given: Rows) -> list[int | None]:
        return [int(topic == "law") for topic in given.topics]

    found = train(rows, recipes=QUICK, rules=rules)
    assert found.contest is not None
    assert found.contest.at == "that of the rules"
    assert {standing.name for standing in found.contest.standings} == {CLASSIFIER, LENGTH, RULES}
    noise = train(changed(rows, texts=[WORDS[0]] * 400), recipes=QUICK, rules=rules)
    assert noise.contest is not None
    assert noise.contest.winner == RULES
    page = markdown(card_of(noise, rows, route="support", source="made.csv", seed=0), "0123456789ab")
    assert "**The route as it is wins" in page


def test_where_each_request_has_one_label_the_ranking_is_compared_and_no_cost() -> None:
    rows = traffic(500)
    labels = rows.acceptable.copy()
    labels[np.arange(500), np.arange(500) % 2] = np.nan
    found = train(changed(rows, acceptable=labels, segments=[""] * 500), recipes=QUICK)
    card = card_of(found, changed(rows, acceptable=labels), route="support", source="the ledger", seed=0)
    assert (found.contest, found.segments, found.settings) == (None, (), {"at_least": 0.8})
    assert card["winner"] == CLASSIFIER
    assert card["complete"] == 0
    assert "It ranks them better than the length rule" in markdown(card, "0123456789ab")


def test_one_of_three_is_chosen_by_what_an_answer_is_worth() -> None:
    two = traffic(300)
    draws = np.random.default_rng(5)
    middle = np.where(draws.uniform(size=300) < 0.7, two.acceptable[:, 1], two.acceptable[:, 0])

    def three(array: Any, column: Any) -> Any:
        return np.insert(array, 1, column, axis=1)

    rows = changed(
        two,
        names=("small", "middle", "large"),
        acceptable=three(two.acceptable, middle),
        cost_usd=three(two.cost_usd, 0.001),
        latency_ms=three(two.latency_ms, 1000.0),
        output_tokens=three(two.output_tokens, 100.0),
    )
    found = train(rows, recipes=QUICK)
    assert found.settings["utility"]["answer"] > 0
    everything = found.segments[0]
    assert everything.acceptable.value > everything.cheapest
    assert everything.cost.value < 1
    unpriced = train(changed(rows, cost_usd=np.full((300, 3), np.nan)), recipes=QUICK)
    assert unpriced.settings == {"at_least": 0.8}


def test_it_tells_how_far_it_is() -> None:
    told: list[tuple[str, int, int]] = []
    train(traffic(120), recipes=QUICK, tell=lambda *step: told.append(step))
    assert [done for _, done, _ in told] == sorted(done for _, done, _ in told)
    assert told[0][:2] == ("reading", 0)
    assert told[-1][1] == told[-1][2]
    assert {doing for doing, _, _ in told} > {"logistic regression", "measuring logistic regression"}


@pytest.mark.parametrize(
    ("rows", "told"),
    [
        (traffic(40), "40 labelled requests are too few. Give at least 80"),
        (changed(traffic(80), groups=["one"] * 80), "only 0 of the later requests are no repetitions"),
        (
            changed(traffic(100), acceptable=np.full((100, 2), np.nan)),
            "0 of the earlier requests have a label for 'small'",
        ),
    ],
)
def test_too_little_to_learn_from_is_told(rows: Rows, told: str) -> None:
    with pytest.raises(ArtefactError, match=told):
        train(rows, recipes=QUICK)


@pytest.mark.slow
def test_every_recipe_is_tried_and_the_best_is_taken() -> None:
    found = train(traffic(600))
    assert len(found.tried) == len(RECIPES) + 1  # topics are told
    assert found.recipe == found.tried[0].name
    scores: Mapping[str, float] = {each.name: each.score for each in found.tried}
    assert scores[found.recipe] == min(scores.values())
