"""Gates before streams of every dialect, as the official SDKs meet them: let through, stopped, or held to the end."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import msgspec
import pytest

from tests.confidence.judges import calibrated_on
from tests.processes import wait_for
from tests.running import running_gateway
from tests.sdk.conftest import Sides
from tests.sdk.test_cascades import ask, decided
from turnout.confidence.calibration import save_calibration
from turnout.insight.query import Filter, decisions
from turnout.ledger.location import database_file
from turnout.ledger.sqlite import SqliteStore
from turnout.testing import HEALTHY_TEXT, running_fault_provider

CONFIG = """
providers:
  chat:      {{dialect: openai, base_url: "{provider.openai_base_url}", api_key: provider-key}}
  responses: {{dialect: openai_responses, base_url: "{provider.openai_base_url}", api_key: provider-key}}
  messages:  {{dialect: anthropic, base_url: "{provider.anthropic_base_url}", api_key: provider-key}}
  gemini:    {{dialect: gemini, base_url: "{provider.gemini_base_url}", api_key: provider-key}}
targets:
  {targets}
  strong: {{provider: chat, model: large, price: {{input: 10, output: 20}}}}
  broken: {{provider: chat, model: "fault:status(500)", price: {{input: 10, output: 20}}}}
  wrong:  {{provider: chat, model: "fault:status(400)", price: {{input: 10, output: 20}}}}
routes:
  {routes}
"""
MODELS = {"chat": "small", "responses": "small", "gemini": "gemini-3-flash-preview", "messages": "small"}
KINDS = {
    "": "",
    "stalled": "fault:stall_after(12)",
    "paused": "fault:stall_after(12, 1)",
    "cut": "fault:cut_after(12)",
}
"""How the targets speak. What is there at once is judged whole: it takes a pause for a beginning to be seen."""
GATES = {
    "release": "release: 0.7, stop: 0.2",
    "stop": "release: 0.9, stop: 0.8",
    "hold": "release: 0.9, stop: 0.2",
}
"""The calibration says 0.731 of everything."""
CALLERS = ("chat", "responses", "messages")
FIRST = ("chat", "responses", "gemini")
TOKENS = 6
PRICE = "price: {input: 1, output: 2}"


def _targets() -> str:
    told = [
        f'of-{provider}{kind}: {{provider: {provider}, model: "{model}{fault}", {PRICE}}}'
        for provider, model in MODELS.items()
        for kind, fault in KINDS.items()
    ]
    return "\n  ".join(told)


def _routes() -> str:
    told = [
        f"{name}-{provider}{kind}-{last}: {{baseline: strong, timeouts: {{idle: 30s}}, policy: {{cascade: ["
        f"{{use: of-{provider}{kind}, accept: {{confidence: 0.01, gate: {{by: gate.json, {gate}}}}}}}, "
        f"{{use: {last}}}]}}}}"
        for provider in MODELS
        for kind in KINDS
        for name, gate in GATES.items()
        for last in ("strong", "broken", "wrong")
    ]
    return "\n  ".join(told)


def gate_calibration(directory: Path) -> None:
    made = calibrated_on({f"mean_logprob@{TOKENS}": (-30.0, 0.0)}, offset=1.0)
    save_calibration(directory / "gate.json", msgspec.structs.replace(made, prefix=TOKENS))


@pytest.fixture(scope="module")
def both(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Sides]:
    directory = tmp_path_factory.mktemp("gateway")
    gate_calibration(directory)
    with running_fault_provider(seed=1) as provider:
        config = CONFIG.format(provider=provider, targets=_targets(), routes=_routes())
        with running_gateway(config, directory) as gateway, ExitStack() as clients:
            yield Sides(provider, gateway, clients)


def first_words(sides: Sides, caller: str, route: str) -> str:
    """What a caller has read of a stream when it has had enough of it."""
    turns: Any = [{"role": "user", "content": "Is clause 4 binding?"}]
    text = ""
    if caller == "chat":
        with sides.openai().chat.completions.create(model=route, messages=turns, stream=True) as chunks:
            for chunk in chunks:
                text += chunk.choices[0].delta.content or ""
                if len(text) > 10:
                    return text
    elif caller == "responses":
        with sides.openai().responses.stream(model=route, input="Is clause 4 binding?") as events:
            for event in events:
                text += event.delta if event.type == "response.output_text.delta" else ""
                if len(text) > 10:
                    return text
    else:
        with sides.anthropic().messages.stream(model=route, messages=turns, max_tokens=200) as told:
            for piece in told.text_stream:
                text += piece
                if len(text) > 10:
                    return text
    raise AssertionError(text)


@pytest.mark.parametrize("first", FIRST)
@pytest.mark.parametrize("caller", CALLERS)
def test_a_sure_beginning_reaches_the_caller_before_there_is_an_end(sides: Sides, caller: str, first: str) -> None:
    route = f"release-{first}stalled-strong"
    store = SqliteStore(database_file(sides.gateway.data))
    before = {each.id for each in decisions(store, Filter(route=route))}
    text = first_words(sides, caller, route)  # the target is silent after twelve words: nobody can have waited for more
    assert HEALTHY_TEXT.startswith(text)
    wait_for(lambda: len(list(decisions(store, Filter(route=route)))) > len(before), 30)
    decision = next(each for each in decisions(store, Filter(route=route)) if each.id not in before)
    assert (decision.target, decision.outcome) == (f"of-{first}stalled", "cancelled")
    assert decision.confidence == pytest.approx(0.731, abs=0.001)
    assert list(decision.signals) == [f"mean_logprob@{TOKENS}"]
    assert decision.artefact
    assert decision.considered[0].because == f"after {TOKENS} tokens: confidence 0.731 ≥ 0.7"


@pytest.mark.parametrize("first", FIRST)
@pytest.mark.parametrize("caller", CALLERS)
def test_an_unsure_beginning_is_stopped_paid_for_and_another_answers(sides: Sides, caller: str, first: str) -> None:
    text, decision = decided(sides, caller, f"stop-{first}stalled-strong", stream=True)
    assert text == HEALTHY_TEXT
    draft, answer = decision.attempts
    assert [(each.target, each.outcome) for each in (draft, answer)] == [
        (f"of-{first}stalled", "discarded"),
        ("strong", "answered"),
    ]
    assert draft.estimated
    assert 0 < draft.output_tokens < answer.output_tokens
    assert draft.cost_usd
    assert answer.cost_usd
    assert decision.router_cost_usd == draft.cost_usd
    assert decision.cost_usd == draft.cost_usd + answer.cost_usd
    assert decision.confidence is None
    wait_for(lambda: any(line["event"] == "ended" and line["aborted"] for line in sides.provider.log), 30)


@pytest.mark.parametrize(("caller", "first"), list(zip(CALLERS, FIRST, strict=True)))
def test_between_the_two_it_is_held_and_judged_at_its_end(sides: Sides, caller: str, first: str) -> None:
    text, decision = decided(sides, caller, f"hold-{first}paused-strong", stream=True)
    assert text == HEALTHY_TEXT
    assert [(each.target, each.outcome) for each in decision.attempts] == [(f"of-{first}paused", "answered")]
    assert decision.signals.keys() == {f"mean_logprob@{TOKENS}", "mean_logprob"}
    assert [each.chosen for each in decision.considered] == [False, True]
    assert decision.considered[0].because == f"after {TOKENS} tokens: confidence 0.731, so the end tells"
    assert decision.confidence
    assert decision.confidence > 0.9


@pytest.mark.parametrize("caller", CALLERS)
def test_one_that_breaks_off_after_its_beginning_is_passed_over(sides: Sides, caller: str) -> None:
    text, decision = decided(sides, caller, "hold-chatcut-strong", stream=True)
    assert text == HEALTHY_TEXT
    assert [(each.target, each.outcome) for each in decision.attempts] == [
        ("of-chatcut", "failed"),
        ("strong", "answered"),
    ]


@pytest.mark.parametrize("last", ["broken", "wrong"])
def test_where_nobody_else_can_answer_the_one_that_was_stopped_is_asked_again(sides: Sides, last: str) -> None:
    text, decision = decided(sides, "chat", f"stop-chatpaused-{last}", stream=True)
    assert text == HEALTHY_TEXT
    assert [(each.target, each.outcome) for each in decision.attempts] == [
        ("of-chatpaused", "discarded"),
        *[(last, "failed")] * (len(decision.attempts) - 2),
        ("of-chatpaused", "answered"),
    ]


def test_a_caller_who_does_not_stream_gets_what_was_judged_at_its_end(sides: Sides) -> None:
    text, decision = decided(sides, "chat", "stop-chat-strong", stream=False)
    assert text == HEALTHY_TEXT
    assert decision.target == "of-chat"
    assert list(decision.signals) == ["mean_logprob"]


def test_an_answer_shorter_than_its_beginning_is_judged_whole(sides: Sides) -> None:
    text, decision = decided(sides, "chat", "stop-chat-strong", stream=True, max_tokens=TOKENS - 1)
    assert len(text.split()) == TOKENS - 1
    assert decision.target == "of-chat"
    assert list(decision.signals) == ["mean_logprob"]


def test_a_target_that_does_not_tell_how_sure_it_is_is_held_to_its_end_and_escalated(sides: Sides) -> None:
    text, decision = decided(sides, "chat", "release-messages-strong", stream=True)
    assert text == HEALTHY_TEXT
    assert [each.outcome for each in decision.attempts] == ["discarded", "answered"]
    assert not decision.attempts[0].estimated


@pytest.mark.parametrize("caller", ["chat", "responses"])
@pytest.mark.parametrize("first", FIRST)
def test_log_probabilities_of_a_stream_that_was_let_through_stay_with_the_gateway(
    sides: Sides, caller: str, first: str
) -> None:
    text, told = ask(sides, caller, f"release-{first}-strong", stream=True)
    assert text == HEALTHY_TEXT
    assert not any("'logprob':" in str(each.model_dump(warnings=False)) for each in told)
