"""A cascade before a gate: what it says of beginnings, and what it then asks for."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

import msgspec
import pytest

from tests.confidence.judges import calibrated_on
from tests.confidence.signals.holding import held
from tests.policy.deciding import a_context, single
from turnout.confidence.prefix import PrefixSignal, beginning
from turnout.confidence.signals.table import signal_named
from turnout.policy.acceptance import Acceptance
from turnout.policy.base import Context
from turnout.policy.cascade import Cascade, Stage
from turnout.policy.gate import Gate
from turnout.policy.judgements import judgements_of
from turnout.types.candidate import Candidate, Judged, Outcome, ReadOn, Step, Stop
from turnout.types.chat import Answer, Chat, Finish, Message, Text, TokenLogprob
from turnout.types.judging import Standing

TOKENS = 2
MEAN = f"mean_logprob@{TOKENS}"
QUESTION = Chat(messages=(Message("user", (Text("Why?"),)),), stream=True)


def context(*, stream: bool = True) -> Context:
    return msgspec.structs.replace(a_context(targets=("small", "large")), stream=stream)


def answer(*logprobs: float) -> Answer:
    tokens = tuple(TokenLogprob(f" word{place}", logprob) for place, logprob in enumerate(logprobs))
    text = "".join(token.token for token in tokens)
    return Answer(id="", model="", parts=(Text(text),), finish=Finish.OTHER, usage=None, logprobs=tokens)


def begun(*logprobs: float) -> Outcome:
    return Outcome(target="small", answered=True, answer=answer(*logprobs), asked=QUESTION, whole=False)


def ended(*logprobs: float) -> Outcome:
    return Outcome(target="small", answered=True, answer=answer(*logprobs), asked=QUESTION)


def cascade(*, known: tuple[float, float] = (-30.0, 0.0), distrusts: bool = False) -> Cascade:
    """Confidence is the logistic of the mean log-probability, plus 2."""
    calibration = msgspec.structs.replace(
        calibrated_on({MEAN: known}, weights={MEAN: 1.0}, offset=2.0), prefix=TOKENS, id="begun"
    )
    signals = (PrefixSignal(whole=signal_named("mean_logprob"), tokens=TOKENS),)
    gate = Gate(tokens=TOKENS, release=0.8, stop=0.3, signals=signals, calibration=calibration)
    accept = Acceptance(0.2, (signal_named("mean_logprob"),), distrusts=distrusts, gate=gate)
    return Cascade((Stage(single("small"), accept), Stage(single("large"))))


def driven(policy: Cascade, replies: list[Outcome], within: Context | None = None) -> tuple[list[Step], Outcome | None]:
    """The steps of a plan, its candidates and what is to be read on being answered one after the other."""
    plan, waiting = policy.decide(within or context()), list(replies)
    steps: list[Step] = []
    reply: Outcome | None = None
    while True:
        try:
            step = plan.send(reply)
        except StopIteration as stop:
            return steps, stop.value
        steps.append(step)
        reply = waiting.pop(0) if isinstance(step, Candidate | ReadOn) else None


def standing(**known: object) -> Context:
    given = context()
    conditions = msgspec.structs.replace(given.conditions, standing=Standing(**known))  # type: ignore[arg-type]
    return msgspec.structs.replace(given, conditions=conditions)


def test_a_streamed_answer_is_asked_for_up_to_its_gate_and_another_to_its_end() -> None:
    for stream, gate in ((True, TOKENS), (False, None)):
        step = next(cascade().decide(context(stream=stream)))
        assert isinstance(step, Candidate)
        assert (step.hold, step.gate) == (True, gate)
        assert "logprobs" in step.wants


def test_a_sure_beginning_is_accepted_as_it_is() -> None:
    first = begun(-0.1, -0.3)
    steps, accepted = driven(cascade(), [first])
    assert accepted is first
    judged = steps[-1]
    assert isinstance(judged, Judged)
    assert (judged.accepted, judged.settled, judged.prefix, judged.signals) == (True, True, TOKENS, {MEAN: -0.2})


def test_an_unsure_one_is_stopped_before_anybody_else_is_asked() -> None:
    first, other = begun(-5.0, -5.0), Outcome(target="large", answered=True)
    steps, accepted = driven(cascade(), [first, other])
    assert accepted is other
    assert [type(step) for step in steps] == [Candidate, Judged, Stop, Candidate]
    assert steps[2] == Stop(first)


def test_one_between_is_read_on_and_judged_at_its_end() -> None:
    first, whole = begun(-2.0, -2.0), ended(-2.0, -2.0, -0.1, -0.1)
    steps, accepted = driven(cascade(), [first, whole])
    assert accepted is whole
    assert [type(step) for step in steps] == [Candidate, Judged, ReadOn, Judged]
    assert [step.settled for step in steps if isinstance(step, Judged)] == [False, True]


def test_one_that_fails_when_it_is_read_on_is_asked_again_only_where_nobody_else_answers() -> None:
    first, gone = begun(-2.0, -2.0), Outcome(target="small", dropped="gone")
    other, again = Outcome(target="large", dropped="gone"), ended(-9.0)
    steps, accepted = driven(cascade(), [first, gone, other, again])
    assert accepted is again
    assert [step.target for step in steps if isinstance(step, Candidate)] == ["small", "large", "small"]
    assert [step.hold for step in steps if isinstance(step, Candidate)] == [True, False, False]


def test_what_is_told_in_fewer_tokens_or_outside_of_what_is_known_is_left_to_the_end() -> None:
    for first in (begun(-0.1), msgspec.structs.replace(begun(-0.1, -0.1), asked=None)):
        steps, _ = driven(cascade(), [first, ended(-0.1)])
        assert isinstance(steps[2], ReadOn)
    steps, _ = driven(cascade(known=(-1.0, -0.5)), [begun(-9.0, -9.0), ended(-0.1)])
    assert isinstance(steps[2], ReadOn)
    assert isinstance(steps[1], Judged)
    assert f"outside_calibration:{MEAN}" in steps[1].because


@pytest.mark.parametrize("known", [{"spent": True}, {"keep_from": 0.01}])
def test_where_no_escalation_is_left_for_it_nothing_is_stopped(known: Mapping[str, object]) -> None:
    steps, _ = driven(cascade(), [begun(-5.0, -5.0), ended(-0.1)], standing(**known))
    assert isinstance(steps[2], ReadOn)


def test_where_the_traffic_is_another_nothing_is_let_through_by_its_beginning() -> None:
    shifted = standing(shifted={"begun": (MEAN,)})
    steps, _ = driven(cascade(distrusts=True), [begun(-0.1, -0.1), ended(-0.1)], shifted)
    assert isinstance(steps[2], ReadOn)
    steps, _ = driven(cascade(), [begun(-0.1, -0.1)], shifted)
    assert isinstance(steps[-1], Judged)


def test_beginnings_count_as_escalations_only_where_they_settled_it() -> None:
    policy = replace(cascade(), at_most=0.5)
    judgements = judgements_of(policy)
    assert judgements is not None
    judged = Judged(target="small", accepted=False, because="", confidence=0.1, artefact="begun", prefix=TOKENS)

    def note(times: int, **change: bool) -> bool:
        for _ in range(times):
            judgements.note([msgspec.structs.replace(judged, **change)], context().features)
        return judgements.read().spent

    assert not note(4, accepted=True)
    assert not note(20, settled=False)
    assert note(4)


def test_a_beginning_is_the_tokens_that_were_said_and_no_more() -> None:
    assert beginning(answer(-1.0), 2) is None
    three = beginning(answer(-1.0, -2.0, -3.0, -4.0), 3)
    assert three is not None
    assert three.text == " word0 word1 word2"
    case = held(answer(-1.0, -3.0, -30.0), QUESTION, whole=False)
    signal = PrefixSignal(whole=signal_named("mean_logprob"), tokens=2)
    with pytest.raises(StopIteration) as read:
        next(signal.read(case))
    assert read.value.value == -2.0
    assert (signal.name, signal.calls, signal.target, signal.prefix) == (MEAN, 0, None, True)


def test_an_answer_that_ended_before_its_gate_is_judged_whole() -> None:
    whole = ended(-0.1)
    steps, accepted = driven(cascade(), [whole])
    assert accepted is whole
    (judged,) = [step for step in steps if isinstance(step, Judged)]
    assert judged.prefix is None
