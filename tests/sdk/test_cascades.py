"""Cascades before providers of every dialect, as the official SDKs meet them: held, judged, kept or thrown away."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack
from typing import Any

import pytest

from tests.confidence.judges import calibrated_on, telling_prices
from tests.processes import wait_for
from tests.running import running_gateway
from tests.sdk.conftest import Sides
from turnout.confidence.calibration import save_calibration
from turnout.insight.query import Filter, count, decisions
from turnout.ledger.location import database_file
from turnout.ledger.sqlite import SqliteStore
from turnout.testing import HEALTHY_TEXT, running_fault_provider
from turnout.types.decision import Decision

CONFIG = """
providers:
  chat:      {{dialect: openai, base_url: "{provider.openai_base_url}", api_key: provider-key}}
  responses: {{dialect: openai_responses, base_url: "{provider.openai_base_url}", api_key: provider-key}}
  messages:  {{dialect: anthropic, base_url: "{provider.anthropic_base_url}", api_key: provider-key}}
  gemini:    {{dialect: gemini, base_url: "{provider.gemini_base_url}", api_key: provider-key}}
targets:
  of-chat:      {{provider: chat, model: small, price: {{input: 1, output: 2}}}}
  of-responses: {{provider: responses, model: small, price: {{input: 1, output: 2}}}}
  of-messages:  {{provider: messages, model: small, price: {{input: 1, output: 2}}}}
  of-gemini:    {{provider: gemini, model: gemini-3-flash-preview, price: {{input: 1, output: 2}}}}
  strong:       {{provider: chat, model: large, price: {{input: 10, output: 20}}}}
  broken:       {{provider: chat, model: "fault:status(500)", price: {{input: 10, output: 20}}}}
  wrong:        {{provider: chat, model: "fault:status(400)", price: {{input: 10, output: 20}}}}
routes:
  {routes}
"""
FIRST = ("of-chat", "of-responses", "of-messages", "of-gemini")
CALLERS = ("chat", "responses", "messages")


def _routes() -> str:
    told = [
        f"{kind}-{first}: {{baseline: strong, policy: {{cascade: "
        f"[{{use: {first}, accept: {{confidence: {least}}}}}, {{use: {last}}}]}}}}"
        for first in FIRST
        for kind, least, last in (
            ("lax", 0.01, "strong"),
            ("strict", 1, "strong"),
            ("orphan", 1, "broken"),
            ("forlorn", 1, "wrong"),
        )
    ]
    told.append(
        "bounded: {baseline: strong, policy: {cascade: [{use: of-chat, accept: {confidence: 1}}, {use: strong}], "
        "escalate: {at_most: 0.25}}}"
    )
    told += [
        f"{kind}-price: {{baseline: strong, policy: {{cascade: "
        f"[{{use: of-chat, accept: {{worth: {worth}, by: prices.json}}}}, {{use: strong}}]}}}}"
        for kind, worth in (("over", 0.03), ("under", 0.01))
    ]
    return "\n  ".join(told)


@pytest.fixture(scope="module")
def both(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Sides]:
    directory = tmp_path_factory.mktemp("gateway")
    half_sure = calibrated_on({"mean_logprob": (-30.0, 0.0)}, target="of-chat")
    save_calibration(directory / "prices.json", telling_prices(half_sure, usd=0.01))
    with running_fault_provider(seed=1) as provider:
        config = CONFIG.format(provider=provider, routes=_routes())
        with running_gateway(config, directory) as gateway, ExitStack() as clients:
            yield Sides(provider, gateway, clients)


def ask(sides: Sides, caller: str, route: str, *, stream: bool, **fields: Any) -> tuple[str, Any]:
    """What an SDK is told, as text and as it came."""
    turns: Any = [{"role": "user", "content": "Is clause 4 binding?"}]
    if caller == "chat":
        chat = sides.openai().chat.completions
        if not stream:
            whole = chat.create(model=route, messages=turns, **fields)
            return whole.choices[0].message.content or "", whole
        chunks = list(chat.create(model=route, messages=turns, stream=True, **fields))
        return "".join(chunk.choices[0].delta.content or "" for chunk in chunks if chunk.choices), chunks
    if caller == "responses":
        if not stream:
            response = sides.openai().responses.create(model=route, input="Is clause 4 binding?", **fields)
            return response.output_text, response
        with sides.openai().responses.stream(model=route, input="Is clause 4 binding?", **fields) as events:
            seen = list(events)
            return events.get_final_response().output_text, seen
    messages = sides.anthropic().messages
    if not stream:
        message: Any = messages.create(model=route, messages=turns, max_tokens=200, **fields)
        return message.content[0].text, message
    with messages.stream(model=route, messages=turns, max_tokens=200, **fields) as told:
        return told.get_final_text(), None


def decided(sides: Sides, *asked: Any, **fields: Any) -> tuple[str, Decision]:
    """What is said, and the record of it."""
    store = SqliteStore(database_file(sides.gateway.data))
    before = {each.id for each in decisions(store, Filter())}
    text, _ = ask(sides, *asked, **fields)
    wait_for(lambda: count(store) > len(before), 30)
    return text, next(each for each in decisions(store, Filter()) if each.id not in before)


@pytest.mark.parametrize("stream", [False, True], ids=["whole", "streamed"])
@pytest.mark.parametrize("first", FIRST)
@pytest.mark.parametrize("caller", CALLERS)
def test_an_answer_that_is_sure_enough_is_kept(sides: Sides, caller: str, first: str, stream: bool) -> None:
    text, decision = decided(sides, caller, f"lax-{first}", stream=stream)
    assert text == HEALTHY_TEXT
    kept = first != "of-messages"  # Anthropic's dialect does not tell how likely its tokens were
    assert decision.target == (first if kept else "strong")
    if kept:
        assert decision.confidence is not None
        assert 0.9 < decision.confidence < 1
        assert decision.signals["mean_logprob"] < 0
        assert decision.router_cost_usd == 0
    else:
        assert "mean_logprob cannot be read" in [each.because for each in decision.considered]


@pytest.mark.parametrize("stream", [False, True], ids=["whole", "streamed"])
@pytest.mark.parametrize("first", FIRST)
@pytest.mark.parametrize("caller", CALLERS)
def test_an_unsure_answer_is_thrown_away_paid_for_and_recorded(
    sides: Sides, caller: str, first: str, stream: bool
) -> None:
    text, decision = decided(sides, caller, f"strict-{first}", stream=stream)
    assert text == HEALTHY_TEXT
    assert [(each.target, each.outcome) for each in decision.attempts] == [(first, "discarded"), ("strong", "answered")]
    assert decision.target == "strong"
    assert decision.confidence is None
    draft, answer = decision.attempts
    assert draft.cost_usd
    assert answer.cost_usd
    assert decision.router_cost_usd == draft.cost_usd
    assert decision.cost_usd == draft.cost_usd + answer.cost_usd


@pytest.mark.parametrize("stream", [False, True], ids=["whole", "streamed"])
@pytest.mark.parametrize(
    ("route", "target", "because"),
    [
        ("over-price", "strong", "a better answer costs 0.02 USD < 0.03"),
        ("under-price", "of-chat", "a better answer costs 0.02 USD ≥ 0.01"),
    ],
)
def test_an_answer_is_escalated_where_a_better_one_is_worth_its_price(
    sides: Sides, route: str, target: str, because: str, stream: bool
) -> None:
    text, decision = decided(sides, "chat", route, stream=stream)
    assert text == HEALTHY_TEXT
    assert decision.target == target
    assert because in [each.because for each in decision.considered]
    assert decision.confidence == (0.5 if target == "of-chat" else None)
    assert decision.artefact is not None


@pytest.mark.parametrize("route", ["orphan", "forlorn"])
@pytest.mark.parametrize("stream", [False, True], ids=["whole", "streamed"])
def test_an_unsure_answer_is_better_than_an_error(sides: Sides, route: str, stream: bool) -> None:
    text, decision = decided(sides, "chat", f"{route}-of-chat", stream=stream)
    assert text == HEALTHY_TEXT
    assert (decision.target, decision.outcome) == ("of-chat", "answered")
    assert decision.attempts[0].outcome == "answered"
    assert {each.outcome for each in decision.attempts[1:]} == {"failed"}
    assert decision.considered[-1].because == "every later stage failed"


@pytest.mark.parametrize("stream", [False, True], ids=["whole", "streamed"])
@pytest.mark.parametrize("caller", ["chat", "responses"])
@pytest.mark.parametrize("first", FIRST)
def test_log_probabilities_that_only_the_cascade_asked_for_stay_with_it(
    sides: Sides, caller: str, first: str, stream: bool
) -> None:
    _, told = ask(sides, caller, f"lax-{first}", stream=stream)
    seen = [str(each.model_dump(warnings=False)) for each in (told if isinstance(told, list) else [told])]
    assert seen
    assert not any("'logprob':" in each for each in seen)
    asked = next(request.body for request in sides.provider.requests)
    if first == "of-chat":
        assert (asked["logprobs"], asked["top_logprobs"]) == (True, 5)


@pytest.mark.parametrize("stream", [False, True], ids=["whole", "streamed"])
def test_a_caller_who_wants_log_probabilities_gets_them(sides: Sides, stream: bool) -> None:
    _, told = ask(sides, "chat", "lax-of-chat", stream=stream, logprobs=True, top_logprobs=2)
    seen = "".join(str(each.model_dump()) for each in (told if isinstance(told, list) else [told]))
    assert "'logprob':" in seen
    assert sides.provider.requests[-1].body["top_logprobs"] == 2


def test_a_bound_on_escalations_holds_through_the_gateway(sides: Sides) -> None:
    store = SqliteStore(database_file(sides.gateway.data))
    for _ in range(20):
        ask(sides, "chat", "bounded", stream=False)
    wait_for(lambda: len(list(decisions(store, Filter(route="bounded")))) == 20, 30)
    made = list(decisions(store, Filter(route="bounded")))
    assert [each.target for each in reversed(made)] == (["of-chat"] * 3 + ["strong"]) * 5
    assert made[1].considered[-1].because.endswith("but no escalation is left")
    assert made[1].conditions["standing"] == {"spent": True}
