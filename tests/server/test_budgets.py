"""Budgets as callers meet them: over HTTP, by the official SDKs, in every dialect, across a restart."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import anthropic
import openai
import pytest

from tests.processes import wait_for
from tests.running import RunningGateway, running_gateway
from tests.valkeys import valkey_server
from turnout.insight.query import Filter, decisions
from turnout.ledger.location import database_file
from turnout.ledger.sqlite import SqliteStore
from turnout.testing import HostedFaultProvider, running_fault_provider
from turnout.types.decision import Decision

CONFIG = """
providers:
  chat:   {{dialect: openai, base_url: "{provider.openai_base_url}", api_key: k}}
  second: {{dialect: openai, base_url: "{provider.openai_base_url}", api_key: k}}
targets:
  dear:     {{provider: chat, model: large, price: {{input: 1000, output: 2000}}, output_tokens: 100}}
  cheap:    {{provider: second, model: small, price: {{input: 1, output: 2}}, output_tokens: 100}}
  failing:  {{provider: second, model: "fault:status(500)", price: {{input: 1, output: 2}}}}
  unpriced: {{provider: second, model: nobody-knows}}
routes:
  alone:  {{policy: dear}}
  chain:  {{policy: [dear, cheap]}}
  upward: {{policy: [failing, dear]}}
  free:   {{policy: unpriced}}
server:
  keys:
    - {{key: key-of-poor, tenant: poor}}
    - {{key: key-of-rich, tenant: rich}}
    - {{key: key-of-soft, tenant: soft}}
tenants:
  poor: {{budgets: [{{usd: 0.01, per: day, timezone: Europe/Berlin}}]}}
  rich: {{budgets: [{{usd: 1000, per: month}}]}}
  soft: {{budgets: [{{usd: 0.01, per: day, hard: false}}]}}
{more}
"""
ASKED: list[Any] = [{"role": "user", "content": "Is clause 4 binding?"}]


@pytest.fixture(scope="module")
def provider() -> Iterator[HostedFaultProvider]:
    with running_fault_provider(seed=1) as provider:
        yield provider


@contextmanager
def gateway(provider: HostedFaultProvider, directory: Path, more: str = "") -> Iterator[RunningGateway]:
    with running_gateway(CONFIG.format(provider=provider, more=more), directory) as running:
        yield running


@pytest.fixture(scope="module")
def running(provider: HostedFaultProvider, tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningGateway]:
    with gateway(provider, tmp_path_factory.mktemp("gateway")) as running:
        yield running


def chat(running: RunningGateway, tenant: str, route: str, **fields: Any) -> Any:
    with openai.OpenAI(base_url=f"{running.url}/v1", api_key=f"key-of-{tenant}", timeout=60) as client:
        return client.chat.completions.create(model=route, messages=ASKED, **{"max_tokens": 100, **fields})


def recorded(running: RunningGateway, tenant: str, route: str) -> list[Decision]:
    store = SqliteStore(database_file(running.data))
    found = Filter(tenant=tenant, route=route)
    wait_for(lambda: bool(list(decisions(store, found))), 30)
    return list(decisions(store, found))


def test_the_openai_sdk_is_told_which_budget_and_until_when_and_does_not_try_again(running: RunningGateway) -> None:
    with pytest.raises(openai.RateLimitError) as caught:
        chat(running, "poor", "alone")
    error = caught.value
    assert error.code == "insufficient_quota"
    assert "Too little is left of the budget 'poor/tenant-day'. It begins anew at 20" in str(error)
    assert error.response.headers["x-turnout-budget"] == "poor/tenant-day"
    resets = datetime.fromisoformat(error.response.headers["x-turnout-budget-resets"])
    assert resets > datetime.now(UTC)
    assert (resets.hour, resets.minute) == (0, 0), "midnight where the budget is"
    assert error.response.headers["x-should-retry"] == "false"
    (decision,) = recorded(running, "poor", "alone")
    assert decision.outcome == "refused"
    assert [(drop.target, drop.reason) for drop in decision.dropped] == [("dear", "over_budget")]
    assert not decision.attempts
    assert not decision.cost_usd


def test_the_other_dialects_are_told_in_their_own_words(running: RunningGateway) -> None:
    claude = anthropic.Anthropic(base_url=running.url, api_key="key-of-poor", timeout=60)
    with claude, pytest.raises(anthropic.APIStatusError) as caught:
        claude.messages.create(model="alone", messages=ASKED, max_tokens=100)
    assert caught.value.status_code == 402
    assert caught.value.body["error"]["type"] == "billing_error"  # type: ignore[index]
    with openai.OpenAI(base_url=f"{running.url}/v1", api_key="key-of-poor", timeout=60) as client:
        with pytest.raises(openai.RateLimitError, match="Too little is left"):
            client.responses.create(model="alone", input="Is clause 4 binding?", max_output_tokens=100)
        with pytest.raises(openai.RateLimitError, match="Too little is left"):
            list(client.chat.completions.create(model="alone", messages=ASKED, stream=True, max_tokens=100))


def test_what_still_fits_is_asked_instead(running: RunningGateway) -> None:
    assert chat(running, "poor", "chain").choices[0].message.content
    (decision,) = recorded(running, "poor", "chain")
    assert decision.target == "cheap"
    assert ("dear", "over_budget") in [(drop.target, drop.reason) for drop in decision.dropped]


def test_a_fallback_is_paid_at_its_own_price(running: RunningGateway) -> None:
    with pytest.raises(openai.APIStatusError):
        chat(running, "poor", "upward")
    assert chat(running, "rich", "upward").choices[0].message.content
    (decision,) = recorded(running, "rich", "upward")
    assert [attempt.target for attempt in decision.attempts][-1] == "dear"


def test_a_soft_budget_refuses_nothing(running: RunningGateway) -> None:
    assert chat(running, "soft", "alone").choices[0].message.content


def test_what_nobody_knows_the_price_of_is_not_for_a_hard_budget(running: RunningGateway) -> None:
    with pytest.raises(openai.BadRequestError, match="the price of every target is unknown"):
        chat(running, "rich", "free")
    assert chat(running, "soft", "free").choices[0].message.content


MORE = """
budgets:
  - {{usd: 0.02, per: total, of: {of}, only: {only}, name: shared}}
"""


@pytest.mark.parametrize(("of", "only"), [("provider", "chat"), ("route", "alone"), ("user", "ann")])
def test_a_budget_is_for_a_provider_a_route_or_a_user_too(
    provider: HostedFaultProvider, tmp_path: Path, of: str, only: str
) -> None:
    with gateway(provider, tmp_path, MORE.format(of=of, only=only)) as running:
        with pytest.raises(openai.RateLimitError, match="the budget 'shared'"):
            chat(running, "rich", "alone", user="ann")
        assert chat(running, "rich", "chain", user="bob").choices[0].message.content


@pytest.mark.parametrize("store", ["memory", "sqlite", "valkey"])
def test_what_was_spent_stays_spent_after_a_restart(provider: HostedFaultProvider, tmp_path: Path, store: str) -> None:
    with valkey_server() as server:
        url = f", url: 'redis://127.0.0.1:{server.port}/0', timeout: 10s" if store == "valkey" else ""
        more = f"budgets: [{{usd: 0.45, per: total, of: all, name: whole}}]\nstate: {{store: {store}{url}}}"
        with gateway(provider, tmp_path, more) as running:
            first = chat(running, "rich", "alone")
            assert first.choices[0].message.content
            spent = recorded(running, "rich", "alone")[0].cost_usd
            assert spent is not None
            assert spent > Decimal("0.01")
        more = more.replace("0.45", str(spent + Decimal("0.01")))
        with gateway(provider, tmp_path, more) as running, pytest.raises(openai.RateLimitError, match="'whole'"):
            chat(running, "rich", "alone")
