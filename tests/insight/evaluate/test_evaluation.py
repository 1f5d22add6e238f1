"""Policies are scored on the same requests, directly or from what chance did, and never on what they learnt from."""

from __future__ import annotations

import math
import random
from collections.abc import Callable

import msgspec
import pytest

from tests.insight.evaluate.asked import TARGETS, an_asked, contender
from tests.policy.deciding import single
from turnout.errors import ArtefactError, LedgerError
from turnout.insight.evaluate.driving import drive
from turnout.insight.evaluate.evaluation import ORACLE, Evaluation, evaluate
from turnout.insight.evaluate.learning import Learning
from turnout.insight.evaluate.traffic import Answer, Asked, Logged, in_two
from turnout.policy.classifier.choice import Cheapest
from turnout.policy.classifier.policy import Classify
from turnout.policy.fallback import Fallback
from turnout.policy.rules import Rule, Rules
from turnout.policy.when import ALWAYS, Within

MODELS = [TARGETS["cheap"], TARGETS["dear"]]
EXPLORED = 0.2


def by_length(bound: int) -> Rules:
    short = Rule("short", single("cheap"), Within("tokens", None, bound))
    return Rules((short, Rule("long", single("dear"), ALWAYS)), "rules")


def answers(asked: int, draw: random.Random) -> dict[str, Answer]:
    """The cheap model is as good for short requests, and poor for long ones."""
    cheap = draw.random() < (0.9 if asked <= 100 else 0.4)
    return {
        "cheap": Answer(float(cheap), 0.001, 100.0),
        "dear": Answer(float(draw.random() < 0.9), 0.01, 400.0),
    }


def traffic(number: int = 1_000, seed: int = 0) -> list[Asked]:
    draw = random.Random(seed)
    found = []
    for place in range(number):
        tokens = draw.randrange(1, 200)
        found.append(an_asked(place, answers(tokens, draw), tokens=tokens))
    return found


def explored(full: list[Asked], seed: int = 1) -> list[Asked]:
    """What a gateway would have of it that asks the dear model but for what it explores."""
    draw = random.Random(seed)
    found = []
    for asked in full:
        chances = {"dear": 1 - EXPLORED / 2, "cheap": EXPLORED / 2}
        first = draw.choices(list(chances), list(chances.values()))[0]
        answer = asked.answers[first]
        logged = Logged(first, chances, answer)
        found.append(msgspec.structs.replace(asked, answers={first: answer}, logged=logged))
    return found


def scored(of: list[Asked]) -> Evaluation:
    policies = [contender("rules", by_length(100)), contender("longer", by_length(150))]
    return evaluate(policies, MODELS, of)


def test_where_every_choices_answer_was_observed_the_estimate_is_the_mean() -> None:
    full = traffic()
    found = scored(full)
    rules = found.of("rules")
    served = [asked.answers["cheap" if asked.features.tokens <= 100 else "dear"] for asked in full]
    assert (found.how, found.requests, found.recorded, found.users) == ("direct", 1_000, 1_000, 50)
    assert rules.quality.value == pytest.approx(sum(each.quality for each in served) / 1_000)
    assert rules.cost_usd is not None
    assert rules.cost_usd.value == pytest.approx(sum(each.cost_usd for each in served) / 1_000)
    assert rules.latency_ms is not None
    assert rules.quality.low < rules.quality.value < rules.quality.high
    assert [(each.name, each.kind) for each in found.standings] == [
        ("rules", "policy"),
        ("longer", "policy"),
        ("cheap", "target"),
        ("dear", "target"),
        (ORACLE, "oracle"),
    ]
    best = found.of(ORACLE)
    assert best.quality.value > max(each.quality.value for each in found.standings if each is not best)
    longer = found.of("longer")
    assert longer.over is not None
    assert longer.over.value == pytest.approx(longer.quality.value - rules.quality.value)
    assert rules.efficient


def test_from_explored_traffic_the_estimates_are_near_what_would_have_been() -> None:
    full = traffic(4_000)
    truth, found = scored(full), scored(explored(full))
    assert found.how == "doubly robust"
    for name in ("rules", "longer", "cheap", "dear"):
        told, known = found.of(name), truth.of(name)
        assert told.quality.low <= known.quality.value <= told.quality.high, name
        assert told.check is not None
        assert told.check.low <= known.quality.value <= told.check.high, name
        assert told.cost_usd is not None
        assert known.cost_usd is not None
        assert told.cost_usd.value == pytest.approx(known.cost_usd.value, rel=0.2)
        assert told.unknown == 0.0
    assert all(each.kind != "oracle" for each in found.standings), "nobody knows what the others would have said"


def test_what_was_never_tried_may_be_anything() -> None:
    found = evaluate(
        [contender("dear first", single("dear")), contender("unseen", single("other"))],
        MODELS,
        explored(traffic(600)),
    )
    unseen = found.of("unseen")
    assert unseen.unknown == 1.0
    assert (unseen.quality.low, unseen.quality.high) == (0.0, 1.0)
    assert unseen.over is not None
    assert unseen.over.low < -0.5 < 0.1 < unseen.over.high
    assert unseen.cost_usd is None


def test_without_judged_answers_it_is_told_what_it_takes() -> None:
    nobody_said = [an_asked(place, {"dear": Answer(cost_usd=0.01)}) for place in range(100)]
    with pytest.raises(LedgerError, match=r"of 100 requests 0 have a judged answer.*it takes 40"):
        scored(nobody_said)


def test_a_question_of_the_earlier_part_is_not_scored_in_the_later_one() -> None:
    of = [an_asked(place, question=f"question-{place % 30}") for place in range(40)]
    earlier, later = in_two(of, 0.5)
    assert [asked.id for asked in earlier] == [f"request-{place}" for place in range(20)]
    assert [asked.question for asked in later] == [f"question-{place}" for place in range(20, 30)]


WORDS = ("account", "invoice", "password", "delivery", "refund", "opening", "hours", "broken", "lost", "change")


def telling(number: int = 240, seed: int = 0) -> list[Asked]:
    """Requests whose first word tells whether the cheap model will do."""
    draw = random.Random(seed)
    found = []
    for place in range(number):
        good = draw.random() < 0.5
        query = " ".join(["thanks" if good else "lawsuit", *draw.sample(WORDS, 4)])
        given = {"cheap": Answer(float(good), 0.001), "dear": Answer(float(not good), 0.01)}
        found.append(an_asked(place, given, query=query, cluster=f"user-{place}"))
    return found


def choices(whole: list[Asked]) -> list[str | None]:
    """What a classifier trained on the earlier half chooses for the later one."""
    earlier, later = in_two(whole, 0.5)
    model = Learning(earlier).classifier(("cheap", "dear"))
    among = {name: single(name, more=True) for name in ("cheap", "dear")}
    classify = Classify(model, among, Cheapest(None, 0.0, 0.0), "classifier")
    policy = contender("classifier", Fallback((classify, single("dear"))), reads_text=True)
    return [drive(policy, asked).target for asked in later]


def test_the_labels_of_the_later_part_change_nothing_that_is_chosen_and_those_of_the_earlier_everything() -> None:
    of = telling()
    earlier, later = of[:120], of[120:]
    learnt = choices(of)
    right = ["cheap" if asked.answers["cheap"].quality else "dear" for asked in later]
    assert sum(one == other for one, other in zip(learnt, right, strict=True)) > 100, "it does learn"
    assert choices([*earlier, *map(_turned, later)]) == learnt
    turned = choices([*map(_turned, earlier), *later])
    assert sum(one != other for one, other in zip(turned, learnt, strict=True)) > 100


def _turned(asked: Asked) -> Asked:
    answers = {name: answer._replace(quality=1.0 - answer.quality) for name, answer in asked.answers.items()}
    return msgspec.structs.replace(asked, answers=answers)


@pytest.mark.parametrize(
    ("learn", "told"),
    [
        (lambda learning: learning.classifier(("cheap", "dear")), "too few"),
        (lambda learning: learning.classifier(("nobody", "else")), "of no earlier request the text is kept"),
        (lambda learning: learning.calibration("cheap"), "no earlier answer of 'cheap'"),
        (lambda learning: learning.calibration("cheap", "nobody"), "with one of 'nobody' whose quality and cost"),
    ],
)
def test_too_little_to_learn_from_is_told(learn: Callable[[Learning], object], told: str) -> None:
    with pytest.raises(ArtefactError, match=told):
        learn(Learning(telling(20)))


def test_a_calibration_is_learnt_from_the_signals_that_were_recorded() -> None:
    draw = random.Random(0)
    of = []
    for place in range(300):
        sure = draw.random()
        answer = Answer(float(draw.random() < sure), 0.001, signals={"mean_logprob": math.log(sure + 1e-9)})
        of.append(an_asked(place, {"cheap": answer}))
    calibration = Learning(of).calibration("cheap")
    assert "mean_logprob" in calibration.inputs
    assert calibration.target == "cheap"
    assert not calibration.tells_prices


def test_what_the_next_stage_brings_is_learnt_where_both_have_answered() -> None:
    draw = random.Random(0)
    of = []
    for place in range(200):
        sure = draw.random()
        cheap = Answer(float(draw.random() < sure), 0.001, signals={"mean_logprob": math.log(sure + 1e-9)})
        dear = {"dear": Answer(float(draw.random() < 0.9), 0.01)} if place % 2 else {}
        of.append(an_asked(place, {"cheap": cheap, **dear}))
    calibration = Learning(of).calibration("cheap", "dear")
    assert calibration.tells_prices
    assert calibration.quality.labels == 100
