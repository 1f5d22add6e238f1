"""A cascade keeps an answer that is sure enough, and asks the next stage where it is not."""

from __future__ import annotations

import math
from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.confidence.judges import calibrated_on, telling_prices
from tests.policy.deciding import a_context, chain, drive, fails, proposed, single
from turnout.confidence.signal import Ask, Held, Reading
from turnout.confidence.signals.table import signal_named
from turnout.policy.acceptance import RAW_SIGNAL, Acceptance
from turnout.policy.cascade import Cascade, Stage
from turnout.policy.filters import Filters
from turnout.types.candidate import Candidate, Considered, Judged, Outcome, Step
from turnout.types.chat import Answer, Chat, Finish, Message, Text, TokenLogprob

QUESTION = Chat(messages=(Message("user", (Text("Is clause 4 binding?"),)),))
RAW = (signal_named(RAW_SIGNAL),)


def said(text: str = "Yes.", *, sure: float = 0.9, finish: Finish = Finish.STOP) -> Answer:
    logprobs = (TokenLogprob(text, math.log(sure)),) if sure else ()
    return Answer(id="a", model="m", parts=(Text(text),), finish=finish, usage=None, logprobs=logprobs)


def told(*answers: Answer | None, asked: Chat = QUESTION) -> Callable[[Candidate], Outcome]:
    """Answers one candidate after another; None is a failure, and what is not held is not shown."""
    left = list(answers)

    def answer(candidate: Candidate) -> Outcome:
        given = left.pop(0)
        if given is None:
            return fails(candidate)
        shown = candidate.hold or candidate.purpose == "judge"
        return Outcome(
            target=candidate.target,
            answered=True,
            answer=given if shown else None,
            asked=(candidate.ask or asked) if shown else None,
        )

    return answer


def cascade(*stages: str, least: float = 0.8, draft: bool = False) -> Cascade:
    accept = Acceptance(least, RAW)
    *earlier, last = stages
    return Cascade((*(Stage(single(each), accept) for each in earlier), Stage(single(last), draft=draft)))


def judged(steps: list[Step]) -> list[tuple[str, bool]]:
    return [(step.target, step.accepted) for step in steps if isinstance(step, Judged)]


@given(st.floats(0.01, 1), st.floats(0.01, 1))
def test_an_answer_is_kept_exactly_if_it_is_sure_enough(sure: float, least: float) -> None:
    steps, accepted = drive(cascade("a", "b", least=least), a_context(), told(said(sure=sure), said()))
    kept = math.exp(math.log(sure)) >= least
    assert accepted is not None
    assert accepted.target == ("a" if kept else "b")
    assert judged(steps) == [("a", kept)]


def test_what_will_be_judged_is_held_with_what_judging_needs() -> None:
    steps, _ = drive(cascade("a", "b"), a_context(), told(said(sure=0.1), said()))
    first, second = (step for step in steps if isinstance(step, Candidate))
    assert (first.hold, first.wants) == (True, frozenset({"logprobs"}))
    assert (second.hold, second.wants) == (False, frozenset())


@pytest.mark.parametrize(
    ("answer", "because"),
    [
        (said(finish=Finish.REFUSAL), "it refused"),
        (said(finish=Finish.CONTENT_FILTER), "a content filter stopped it"),
        (said(finish=Finish.LENGTH), "it was cut off"),
        (said(""), "it says nothing"),
        (said(sure=0.0), "mean_logprob cannot be read"),
    ],
)
def test_an_answer_of_which_nothing_good_can_be_said_is_not_kept(answer: Answer, because: str) -> None:
    steps, accepted = drive(cascade("a", "b"), a_context(), told(answer, said()))
    (judgement,) = (step for step in steps if isinstance(step, Judged))
    assert (judgement.accepted, judgement.confidence, judgement.because) == (False, None, because)
    assert accepted is not None
    assert accepted.target == "b"


def test_an_answer_that_the_caller_wanted_short_is_not_cut_off() -> None:
    short = Chat(messages=QUESTION.messages, max_tokens=1)
    steps, _ = drive(cascade("a", "b"), a_context(), told(said(finish=Finish.LENGTH), said(), asked=short))
    assert judged(steps) == [("a", True)]


def test_a_stage_that_fails_is_passed_over() -> None:
    steps, accepted = drive(cascade("a", "b"), a_context(), told(None, said()))
    assert proposed(steps) == ["a", "b"]
    assert accepted is not None
    assert accepted.target == "b"


def test_where_every_later_stage_fails_the_surest_held_answer_is_given_and_it_is_said_why() -> None:
    answers = told(said(sure=0.3), said(sure=0.6), None)
    steps, accepted = drive(cascade("a", "b", "c"), a_context(), answers)
    assert accepted is not None
    assert accepted.target == "b"
    assert steps[-1] == Considered("answer of b", chosen=True, because="every later stage failed")


def test_a_chain_within_a_stage_falls_back_before_anything_is_judged() -> None:
    policy = Cascade((Stage(chain("a", "b"), Acceptance(0.8, RAW)), Stage(single("c"))))
    steps, accepted = drive(policy, a_context(), told(None, said()))
    assert proposed(steps) == ["a", "b"]
    assert accepted is not None
    assert accepted.target == "b"


def test_the_next_stage_may_be_shown_the_draft() -> None:
    steps, _ = drive(cascade("a", "b", draft=True), a_context(), told(said("Perhaps.", sure=0.1), said()))
    (*_, second) = (step for step in steps if isinstance(step, Candidate))
    assert second.ask is not None
    assert second.ask.messages[:2] == (*QUESTION.messages, Message("assistant", (Text("Perhaps."),)))


def test_a_draft_is_not_shown_where_a_part_of_the_question_would_be_lost() -> None:
    foreign = Chat(messages=QUESTION.messages, foreign=("web_search_options",))
    steps, _ = drive(cascade("a", "b", draft=True), a_context(), told(said(sure=0.1), said(), asked=foreign))
    (*_, second) = (step for step in steps if isinstance(step, Candidate))
    assert second.ask is None


class Doubt:
    """A signal that asks another model, and takes the number that it says."""

    name, needs, calls, target, prefix = RAW_SIGNAL, frozenset[str](), 1, "b", False

    def read(self, held: Held) -> Reading:
        answer = yield Ask(chat=held.question, target=self.target)
        return math.log(float(answer.text)) if isinstance(answer, Answer) else None


@pytest.mark.parametrize(("answer", "kept"), [(said("0.9"), True), (said("0.2"), False), (None, False)])
def test_a_judge_may_be_a_later_stages_target_and_its_failure_speaks_against_the_answer(
    answer: Answer | None, kept: bool
) -> None:
    policy = Filters(Cascade((Stage(single("a"), Acceptance(0.8, (Doubt(),))), Stage(single("b")))))
    steps, accepted = drive(policy, a_context(), told(said(), answer, said()))
    assert [(step.target, step.purpose) for step in steps if isinstance(step, Candidate)] == (
        [("a", "answer"), ("b", "judge")] if kept else [("a", "answer"), ("b", "judge"), ("b", "answer")]
    )
    assert accepted is not None
    assert accepted.target == ("a" if kept else "b")


def by_worth(worth: float) -> Cascade:
    """Answers are right as often as their tokens were likely, the next stage's always, for a cent."""
    made = calibrated_on({"mean_logprob": (-3.0, 0.0)}, weights={"mean_logprob": 4.0}, offset=2.0)
    accept = Acceptance(math.inf, RAW, telling_prices(made, usd=0.01), worth=worth)
    return Cascade((Stage(single("a"), accept), Stage(single("b"))))


@given(st.floats(0.06, 1), st.floats(0.005, 0.2))
def test_by_gain_an_answer_is_escalated_exactly_if_a_better_one_is_worth_its_price(sure: float, worth: float) -> None:
    steps, accepted = drive(by_worth(worth), a_context(), told(said(sure=sure), said()))
    (judgement,) = (step for step in steps if isinstance(step, Judged))
    wrong = 1 - 1 / (1 + math.exp(-4.0 * math.log(sure) - 2.0))
    assert judgement.price == pytest.approx(0.01 / wrong, rel=1e-6)
    assert judgement.price is not None
    kept = judgement.price >= worth
    assert judgement.accepted is kept
    assert f"a better answer costs {judgement.price:.3g} USD {'≥' if kept else '<'}" in judgement.because
    assert accepted is not None
    assert accepted.target == ("a" if kept else "b")


def test_by_gain_an_answer_of_which_nothing_is_known_is_escalated() -> None:
    steps, accepted = drive(by_worth(0.001), a_context(), told(said(sure=0.01), said()))
    (judgement,) = (step for step in steps if isinstance(step, Judged))
    assert judgement.because == "outside_calibration:mean_logprob"
    assert accepted is not None
    assert accepted.target == "b"
