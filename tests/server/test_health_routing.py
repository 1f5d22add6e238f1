"""Recent calls decide where the next one goes: a real gateway, real sockets, one provider slow."""

from __future__ import annotations

import http.client
import json
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from tests.running import RunningGateway, running_gateway
from turnout.testing import HostedFaultProvider, running_fault_provider
from turnout.types.decision import Decision, escalated, fell_back

CONFIG = """
providers:
  one: {{dialect: openai, base_url: "{one}", api_key: key-1}}
  two: {{dialect: openai, base_url: "{two}", api_key: key-2}}
targets:
  slow:  {{provider: one, model: m, price: {{input: 1, output: 2}}}}
  quick: {{provider: two, model: m, price: {{input: 1, output: 2}}}}
routes:
  any: {{policy: {{fastest: [slow, quick]}}}}
  order: {{policy: [slow, quick]}}
  hedged: {{policy: [slow, quick], hedge: {{after: 50ms, max_share: 100%}}}}
  alone: {{policy: slow, hedge: {{after: p95}}}}
  hurried: {{policy: [slow, quick], latency_budget: 100ms}}
"""


@pytest.fixture
def providers() -> Iterator[tuple[HostedFaultProvider, HostedFaultProvider]]:
    with running_fault_provider("delay_first_token(0.2)", seed=1) as one, running_fault_provider(seed=2) as two:
        yield one, two


@pytest.fixture
def gateway(providers: tuple[HostedFaultProvider, HostedFaultProvider], tmp_path: Path) -> Iterator[RunningGateway]:
    one, two = (provider.openai_base_url for provider in providers)
    with running_gateway(CONFIG.format(one=one, two=two), tmp_path) as running:
        yield running


def ask(gateway: RunningGateway, route: str, budget: str = "", *, stream: bool = True) -> Decision:
    said = json.dumps({"model": route, "messages": [{"role": "user", "content": "Hi"}], "stream": stream})
    given = {"x-turnout-latency-budget": budget} if budget else {}
    port = int(gateway.url.rpartition(":")[2])
    with closing(http.client.HTTPConnection("127.0.0.1", port, timeout=60)) as connection:
        connection.request("POST", "/v1/chat/completions", said, {"content-type": "application/json", **given})
        answer = connection.getresponse()
        assert answer.status == 200, answer.read()
        answer.read()
    return gateway.decision(answer.headers["x-turnout-decision"])


def test_the_fastest_is_asked_once_both_are_known(gateway: RunningGateway) -> None:
    learning = [ask(gateway, "any").target for _ in range(2)]
    assert set(learning) == {"slow", "quick"}
    last = ask(gateway, "any")
    assert last.target == "quick"
    assert last.reason == "fastest:0"
    assert {each.name for each in last.considered} == {"slow", "quick"}
    health = last.conditions["health"]
    assert isinstance(health, dict)
    assert health["slow"]["peak_ms"] > health["quick"]["peak_ms"]


def test_a_budget_leaves_out_what_has_been_too_slow(
    gateway: RunningGateway, providers: tuple[HostedFaultProvider, HostedFaultProvider]
) -> None:
    for stream in (True, True, True, False, False):  # a whole answer is streamed by us, so it tells as much
        assert ask(gateway, "order", stream=stream).target == "slow"
    hurried = ask(gateway, "hurried")
    assert hurried.target == "quick"
    assert [drop.target for drop in hurried.dropped] == ["slow"]
    assert hurried.dropped[0].reason.startswith("too_slow:")
    assert hurried.conditions["latency_budget_s"] == 0.1
    assert ask(gateway, "hurried", "30s").target == "slow", "the header goes first"
    assert ask(gateway, "order", "1ms", stream=False).target == "quick"
    providers[1].use("status(500)")
    late = ask(gateway, "hurried")
    assert (late.target, late.reason) == ("slow", "last_resort")
    assert [attempt.outcome for attempt in late.attempts] == ["failed", "answered"]


@pytest.mark.parametrize("stream", [False, True], ids=["unary", "stream"])
def test_the_next_target_is_asked_beside_a_silent_one(
    gateway: RunningGateway, providers: tuple[HostedFaultProvider, HostedFaultProvider], *, stream: bool
) -> None:
    providers[0].use("delay_first_token(60)")
    decision = ask(gateway, "hedged", stream=stream)
    assert [(each.target, each.outcome, each.hedge) for each in decision.attempts] == [
        ("slow", "cancelled", False),
        ("quick", "answered", True),
    ]
    assert (decision.target, decision.reason) == ("quick", "fallback:1")


@pytest.mark.parametrize("fault", ["delay_first_token(60)", "status(500)"])
def test_the_first_wins_where_the_second_is_no_better(
    gateway: RunningGateway, providers: tuple[HostedFaultProvider, HostedFaultProvider], fault: str
) -> None:
    providers[1].use(fault)
    decision = ask(gateway, "hedged")
    assert (decision.target, decision.reason, decision.outcome) == ("slow", "primary", "answered")
    assert {each.target: each.hedge for each in decision.attempts} == {"slow": False, "quick": True}
    assert not fell_back(decision)
    assert not escalated(decision)


def test_without_recent_calls_there_is_no_quantile_and_no_hedge(gateway: RunningGateway) -> None:
    decision = ask(gateway, "alone")
    assert [(each.outcome, each.hedge) for each in decision.attempts] == [("answered", False)]
