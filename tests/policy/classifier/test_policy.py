"""A classifier chooses before the call, says what it expects, and declines what it cannot tell."""

from __future__ import annotations

from decimal import Decimal
from pathlib import Path

import msgspec
import pytest

from tests.policy.classifier.traffic import features_of, traffic
from tests.policy.deciding import a_context, a_target, answers, chain, drive, proposed, single
from turnout.confidence.artefact import load_artefact, save_artefact
from turnout.errors import ArtefactError
from turnout.insight.train.corpus import read_corpus
from turnout.insight.train.examples import fit_examples
from turnout.insight.train.recipe import Recipe, fit_classifier
from turnout.policy.base import Context, Policy
from turnout.policy.classifier.choice import BestValue, Cheapest, Choice, Likeliest
from turnout.policy.classifier.model import Classifier, load_classifier, save_classifier
from turnout.policy.classifier.policy import Classify
from turnout.policy.dependence import depends_on
from turnout.policy.fallback import Fallback
from turnout.types.candidate import Considered, Declined, Predicted
from turnout.types.money import Price

EASY = "when is the opening hours of my delivery please"
HARD = "derive the clause about liability and the statute"
BAR = Cheapest(at_least=0.8, gain=0.1, margin=0.02)


@pytest.fixture(scope="module")
def model() -> Classifier:
    rows = traffic(500)
    return fit_classifier(rows, read_corpus(rows), Recipe("logistic", ("linear",), strength=1.0))


def context(query: str, *, max_tokens: int | None = None) -> Context:
    prices = {"small": ("0.2", "1"), "large": ("3", "15")}
    targets = [
        a_target(name, price=Price(input=Decimal(read), output=Decimal(written)))
        for name, (read, written) in prices.items()
    ]
    features = msgspec.structs.replace(features_of(query), max_tokens=max_tokens)
    return msgspec.structs.replace(a_context(targets=[*targets, "rules"]), features=features, query=query)


def classify(model: Classifier, choice: Choice = BAR) -> Fallback:
    among: dict[str, Policy] = {"large": single("large"), "small": chain("small", "large")}
    return Fallback((Classify(model, among, choice, "r.policy.0"), single("rules")))


def test_what_the_cheap_target_can_do_goes_to_it(model: Classifier) -> None:
    steps, _ = drive(classify(model), context(EASY), answers)
    assert proposed(steps) == ["small"]


def test_what_it_cannot_goes_to_the_dear_one(model: Classifier) -> None:
    steps, _ = drive(classify(model), context(HARD), answers)
    assert proposed(steps) == ["large"]


def test_its_own_chain_follows_a_failure_and_then_the_next_policy(model: Classifier) -> None:
    steps, _ = drive(classify(model), context(EASY))
    assert proposed(steps) == ["small", "large", "rules"]


def test_chance_cost_and_latency_of_each_are_told(model: Classifier) -> None:
    steps, _ = drive(classify(model), context(HARD), answers)
    (predicted,) = [step for step in steps if isinstance(step, Predicted)]
    assert predicted.signals["small.chance"] < 0.5 < predicted.signals["large.chance"]
    assert predicted.signals["large.cost_usd"] > 10 * predicted.signals["small.cost_usd"] > 0
    assert predicted.signals["large.latency_ms"] > predicted.signals["small.latency_ms"] > 100
    small, large = [step for step in steps if isinstance(step, Considered)]
    assert (small.name, small.chosen, large.name, large.chosen) == ("small", False, "large", True)
    assert large.because.startswith("acceptable 0.9")


def test_the_callers_own_limit_bounds_what_an_answer_costs(model: Classifier) -> None:
    def cost(limit: int | None) -> float:
        steps, _ = drive(classify(model), context(HARD, max_tokens=limit), answers)
        return next(step.signals["large.cost_usd"] for step in steps if isinstance(step, Predicted))

    assert cost(None) == cost(10_000) > 2 * cost(10)


def test_what_is_like_nothing_it_was_trained_on_is_declined(model: Classifier) -> None:
    for odd in ("数学の証明を教えてください", "please " * 4_000):
        steps, _ = drive(classify(model), context(odd), answers)
        assert proposed(steps) == ["rules"]
        (declined,) = [step for step in steps if isinstance(step, Declined)]
        assert declined.reason.startswith("unlike_training:")


def test_what_lies_near_the_boundary_is_declined(model: Classifier) -> None:
    chance = model.predict(features_of(HARD), HARD).of["small"].chance
    on_the_bar = Cheapest(at_least=chance, gain=0.1, margin=0.02)
    steps, _ = drive(classify(model, on_the_bar), context(HARD), answers)
    assert proposed(steps) == ["rules"]
    assert Declined("classifier", "near_boundary") in steps


def test_it_may_choose_by_value(model: Classifier) -> None:
    steps, _ = drive(classify(model, BestValue(0.0005, 0.0, 0.0)), context(HARD), answers)
    assert proposed(steps) == ["small"]  # an answer is worth less than the dear one costs
    steps, _ = drive(classify(model, BestValue(1.0, 0.0, 0.0)), context(HARD), answers)
    assert proposed(steps) == ["large"]


def test_categories_have_chains_of_their_own() -> None:
    phrases = {
        "faq": ["how do I reset my password", "what are your opening hours", "where is my parcel"],
        "legal": ["is this clause enforceable", "what does the statute say", "limit our liability"],
    }
    among: dict[str, Policy] = {"faq": single("small"), "legal": single("large")}
    policy = Fallback((Classify(fit_examples(phrases), among, Likeliest(0.5, 0.1)), single("rules")))
    for query, target in (("When are your opening hours?", "small"), ("Is the liability clause enforceable", "large")):
        assert proposed(drive(policy, context(query), answers)[0]) == [target]
    assert proposed(drive(policy, context("Tell me a joke"), answers)[0]) == ["rules"]


def test_meanings_are_compared_where_the_extra_is_there() -> None:
    phrases = {"faq": ["reset my password", "opening hours"], "legal": ["liability clause", "breach of contract"]}
    model = fit_examples(phrases, embeddings=True)
    predicted = model.predict(features_of(HARD), "Who gets sued if the agreement is violated?")
    assert predicted.of["legal"].chance > predicted.of["faq"].chance + 0.15


@pytest.mark.parametrize("parts", [("linear",), ("topics", "linear"), ("nearest",)])
def test_a_classifier_says_the_same_once_it_has_been_written_and_read(tmp_path: Path, parts: tuple[str, ...]) -> None:
    rows = traffic(300)
    made = fit_classifier(rows, read_corpus(rows), Recipe("any", parts, trees=True))
    identity = save_classifier(tmp_path / "m.json", made)
    read = load_classifier(tmp_path / "m.json")
    assert read.id == identity
    for text in (EASY, HARD):
        assert read.predict(features_of(text), text) == made.predict(features_of(text), text)


def test_an_artefact_with_a_changed_byte_or_foreign_features_is_refused(tmp_path: Path, model: Classifier) -> None:
    file = tmp_path / "m.json"
    save_classifier(file, model)
    text = file.read_text()
    file.write_text(text.replace('"names": [\n  "small"', '"names": [\n  "smell"'))
    with pytest.raises(ArtefactError, match="changed since it was written"):
        load_classifier(file)
    file.write_text(text)
    body = load_artefact(file, "classifier")
    body["reader"]["measures"] = ["moon_phase"]
    save_artefact(file, "classifier", {name: value for name, value in body.items() if name != "checksum"})
    with pytest.raises(ArtefactError, match="other features"):
        load_classifier(file)
    body["reader"] = {"prints": {"kind": "<O", "shape": [1], "base64": ""}}
    save_artefact(file, "classifier", {name: value for name, value in body.items() if name != "checksum"})
    with pytest.raises(ArtefactError, match="not a classifier that this turnout can use"):
        load_classifier(file)


def test_a_classifier_depends_on_what_any_of_its_choices_depends_on(model: Classifier) -> None:
    policy = classify(model).elements[0]
    assert depends_on(policy, {"large"})
    assert not depends_on(policy, {"small"})
    assert not depends_on(classify(model), {"large"}), "the rules are left"
