"""What signals ask for is asked, and never seen: a tail that says how sure the target is, and scores of the user's."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from typing import Any

import msgspec
import pytest

from tests.confidence.judges import calibrated_on
from tests.policy.deciding import single
from tests.wiring import ANTHROPIC, OPENAI, QUICK, RESPONSES, Wired, endpoint, listen, request, wire
from turnout.confidence.signals.table import signal_named
from turnout.policy.acceptance import Acceptance
from turnout.policy.cascade import Cascade, Stage
from turnout.providers.transport import HttpCall
from turnout.testing import ScriptedProvider
from turnout.types.dialect import DialectName
from turnout.types.timeouts import Timeouts

SURE, UNSURE = ("It is 42.\n<confidence>87</confidence>", "It is 42.\n<confidence>12</confidence>")


class Scored:
    """Code of the user's that gives the same score each time, as soon as it may."""

    def __init__(self, score: float | None, *, hangs: bool = False) -> None:
        self.cases: list[Mapping[str, Any]] = []
        self._score = score
        self._hangs = hangs

    async def score(self, case: Mapping[str, Any]) -> float | None:
        self.cases.append(case)
        if self._hangs:
            await asyncio.Event().wait()
        return self._score


def asking(
    small: ScriptedProvider, speaks: DialectName, name: str, scorer: Scored | None = None, *, timeouts: Timeouts = QUICK
) -> Wired:
    """A cascade whose first stage must be half sure by one signal; the second says "Ask us."."""
    settings = {"call": "nobody:asks"} if name == "python" else {}
    accept = Acceptance(
        0.5,
        (signal_named(name, settings),),
        calibrated_on({name: (0.0, 1.0)}, weights={name: 20.0}, offset=-10.0),
        {name: scorer} if scorer else {},
    )
    large = ScriptedProvider(OPENAI, "Ask us.")
    targets = endpoint("small", small, speaks), endpoint("large", large, OPENAI)
    return wire(*targets, timeouts=timeouts, policy=Cascade((Stage(single("small"), accept), Stage(single("large")))))


def sent(call: HttpCall) -> str:
    return call.body.decode()


@pytest.mark.parametrize("stream", [False, True], ids=["whole", "streamed"])
@pytest.mark.parametrize("speaks", [OPENAI, RESPONSES, ANTHROPIC])
@pytest.mark.parametrize("caller", [OPENAI, RESPONSES, ANTHROPIC])
async def test_a_target_says_how_sure_it_is_and_the_caller_does_not_hear_it(
    caller: DialectName, speaks: DialectName, stream: bool
) -> None:
    small = ScriptedProvider(speaks, SURE)
    wired = asking(small, speaks, "stated_confidence")
    heard = await listen(await wired.router.handle(request(caller, stream=stream)), caller)
    assert (heard.text, heard.complete, heard.error) == ("It is 42.", True, False)
    assert "<confidence>" in sent(small.calls[0])
    assert wired.decision.target == "small"
    assert wired.decision.signals == {"stated_confidence": 0.87}
    assert wired.decision.router_cost_usd == 0


@pytest.mark.parametrize("stream", [False, True], ids=["whole", "streamed"])
async def test_a_target_that_says_it_is_unsure_is_not_believed(stream: bool) -> None:
    wired = asking(ScriptedProvider(OPENAI, UNSURE), OPENAI, "stated_confidence")
    heard = await listen(await wired.router.handle(request(stream=stream)), OPENAI)
    assert heard.text == "Ask us."
    assert [attempt.outcome for attempt in wired.decision.attempts] == ["discarded", "answered"]


async def test_a_target_that_does_not_say_counts_as_unsure() -> None:
    wired = asking(ScriptedProvider(OPENAI, "It is 42."), OPENAI, "stated_confidence")
    assert (await listen(await wired.router.handle(request()), OPENAI)).text == "Ask us."
    assert "stated_confidence cannot be read" in [each.because for each in wired.decision.considered]


async def test_a_request_that_cannot_be_asked_so_is_passed_on_as_it_is() -> None:
    small = ScriptedProvider(OPENAI, "It is 42.")
    wired = asking(small, OPENAI, "stated_confidence")
    asked = request()
    body = {**asked.body, "response_format": {"type": "json_object"}}
    asked = msgspec.structs.replace(asked, body=body, raw=msgspec.json.encode(body))
    await listen(await wired.router.handle(asked), OPENAI)
    assert "<confidence>" not in sent(small.calls[0])


@pytest.mark.parametrize(("score", "text"), [(0.9, "It is 42."), (0.2, "Ask us."), (None, "Ask us.")])
@pytest.mark.parametrize("stream", [False, True], ids=["whole", "streamed"])
async def test_code_of_the_users_judges_an_answer(stream: bool, score: float | None, text: str) -> None:
    scorer = Scored(score)
    wired = asking(ScriptedProvider(OPENAI, "It is 42."), OPENAI, "python", scorer)
    assert (await listen(await wired.router.handle(request(stream=stream)), OPENAI)).text == text
    (case,) = scorer.cases
    assert (case["answer"], case["target"]) == ("It is 42.", "small")
    assert case["question"] == [{"role": "user", "text": "hello"}]
    assert wired.decision.signals == ({} if score is None else {"python": score})
    (judged, *_) = (each for each in wired.decision.considered if each.name == "answer of small")
    assert judged.chosen is (score == 0.9)


async def test_code_that_never_ends_does_not_outlast_the_deadline() -> None:
    soon = msgspec.structs.replace(QUICK, total=1.5)
    small = ScriptedProvider(OPENAI, "It is 42.")
    wired = asking(small, OPENAI, "python", Scored(1.0, hangs=True), timeouts=soon)
    heard = await listen(await wired.router.handle(request()), OPENAI)
    assert heard.text == "It is 42."  # nobody is left to ask, and it is an answer
    assert wired.decision.confidence is None
