"""Rate limits as callers meet them: over HTTP, by the official SDKs, in every dialect, in streams too."""

from __future__ import annotations

import re
import threading
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

import anthropic
import openai
import pytest

from tests.running import RunningGateway, running_gateway
from turnout.tenancy.desk import Desk
from turnout.tenancy.keys import Key
from turnout.tenancy.store import TenancyStore
from turnout.testing import HostedFaultProvider, running_fault_provider
from turnout.types.clock import SystemClock
from turnout.types.tenant import Budget, Period, RateLimit, Tenant

CONFIG = """
providers:
  chat: {{dialect: openai, base_url: "{provider.openai_base_url}", api_key: k}}
targets:
  quick:  {{provider: chat, model: quick, price: {{input: 1, output: 2}}}}
  slow:   {{provider: chat, model: "fault:drip(300)+tokens(400)", price: {{input: 1, output: 2}}}}
  late:   {{provider: chat, model: "fault:delay_headers(60)", price: {{input: 1, output: 2}}}}
  broken: {{provider: chat, model: "fault:status(500)", price: {{input: 1, output: 2}}}}
routes:
  early:      {{policy: late, heartbeat: early}}
  remembered: {{policy: quick, cache: {{ttl: 10m}}}}
server:
  heartbeat: 100ms
  keys:
    - {{key: key-of-free}}
    - {{key: key-of-requests, tenant: requests, limit: {{requests_per_minute: 100}}}}
    - {{key: key-of-nonsense, limit: {{requests_per_minute: 3}}}}
    - {{key: key-of-once, limit: {{requests_per_minute: 1}}}}
    - {{key: key-of-tokens, limit: {{tokens_per_minute: 2000}}}}
    - {{key: key-of-single, limit: {{concurrent: 1}}}}
    - {{key: key-of-early, limit: {{requests_per_minute: 5}}}}
tenants:
  requests: {{limit: {{requests_per_minute: 3, tokens_per_minute: 100000}}}}
"""
ASKED: list[Any] = [{"role": "user", "content": "Is clause 4 binding?"}]


@pytest.fixture(scope="module")
def provider() -> Iterator[HostedFaultProvider]:
    with running_fault_provider(seed=1) as provider:
        yield provider


@pytest.fixture(scope="module")
def running(provider: HostedFaultProvider, tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningGateway]:
    with running_gateway(CONFIG.format(provider=provider), tmp_path_factory.mktemp("gateway")) as running:
        yield running


@pytest.fixture
def openai_of(running: RunningGateway) -> Iterator[Any]:
    opened: list[openai.OpenAI] = []

    def client(who: str, max_retries: int = 0) -> openai.OpenAI:
        opened.append(
            openai.OpenAI(base_url=running.openai_url, api_key=f"key-of-{who}", timeout=60, max_retries=max_retries)
        )
        return opened[-1]

    yield client
    for each in opened:
        each.close()


def ask(client: openai.OpenAI, model: str = "quick", **fields: Any) -> Any:
    given = {"max_tokens": 20, **fields}
    return client.chat.completions.with_raw_response.create(model=model, messages=ASKED, **given)


def test_the_openai_sdk_is_told_what_is_left_and_when_to_come_back(running: RunningGateway, openai_of: Any) -> None:
    client = openai_of("requests")
    left = [ask(client).headers["x-ratelimit-remaining-requests"] for _ in range(3)]
    assert left == ["2", "1", "0"], "the tenant's limit, of which less is left than of the key's"
    with pytest.raises(openai.RateLimitError) as caught:
        ask(client)
    error, headers = caught.value, caught.value.response.headers
    assert (error.status_code, error.code, error.type) == (429, "rate_limit_exceeded", "rate_limit_error")
    assert "The tenant 'requests' may send 3 requests a minute. Try again in " in str(error)
    assert 0 < int(headers["retry-after"]) <= 60
    assert headers["x-should-retry"] == "true"
    assert (headers["x-ratelimit-limit-requests"], headers["x-ratelimit-remaining-requests"]) == ("3", "0")
    assert re.fullmatch(r"1m([0-9.]+s)|2m0s", headers["x-ratelimit-reset-requests"])
    assert headers["x-ratelimit-limit-tokens"] == "100000"
    decision = running.decision(headers["x-turnout-decision"])
    assert (decision.outcome, decision.error, decision.attempts) == ("refused", "rate_limited", ())


def test_the_other_dialects_are_told_in_their_own_words(running: RunningGateway, openai_of: Any) -> None:
    client = openai_of("once")
    assert ask(client).headers["x-ratelimit-remaining-requests"] == "0"
    with pytest.raises(openai.RateLimitError, match="1 request a minute"):
        client.responses.create(model="quick", input="Is clause 4 binding?")
    with pytest.raises(openai.RateLimitError, match="1 request a minute"):
        client.embeddings.create(model="quick", input="Is clause 4 binding?")
    claude = anthropic.Anthropic(base_url=running.url, api_key="key-of-once", timeout=60, max_retries=0)
    with claude, pytest.raises(anthropic.RateLimitError) as caught:
        claude.messages.create(model="quick", messages=ASKED, max_tokens=20)
    assert caught.value.body["error"]["type"] == "rate_limit_error"  # type: ignore[index]
    headers = caught.value.response.headers
    assert headers["anthropic-ratelimit-requests-limit"] == "1"
    assert headers["anthropic-ratelimit-requests-remaining"] == "0"
    resets = datetime.fromisoformat(headers["anthropic-ratelimit-requests-reset"])
    assert timedelta(0) < resets - datetime.now(UTC) <= timedelta(seconds=121)
    assert 0 < int(headers["retry-after"]) <= 60
    assert not any(name.startswith("x-ratelimit") for name in headers)


def test_a_stream_tells_what_is_left_before_its_first_token(running: RunningGateway, openai_of: Any) -> None:
    response = ask(openai_of("tokens"), stream=True)
    assert response.headers["x-ratelimit-limit-tokens"] == "2000"
    assert 0 < int(response.headers["x-ratelimit-remaining-tokens"]) < 2000
    assert [chunk for chunk in response.parse() if chunk.choices]
    claude = anthropic.Anthropic(base_url=running.url, api_key="key-of-tokens", timeout=60)
    with claude, claude.messages.stream(model="quick", messages=ASKED, max_tokens=20) as stream:
        assert stream.response.headers["anthropic-ratelimit-tokens-limit"] == "2000"
        assert stream.get_final_text()


def test_tokens_are_settled_at_what_the_provider_counted(openai_of: Any) -> None:
    client = openai_of("tokens")
    held = int(ask(client, max_tokens=900).headers["x-ratelimit-remaining-tokens"])
    left = int(ask(client, max_tokens=1).headers["x-ratelimit-remaining-tokens"])
    assert left > held + 800, "what was held for a long answer was given back"
    with pytest.raises(openai.APIStatusError) as caught:
        client.chat.completions.create(model="quick", messages=[{"role": "user", "content": "word " * 4000}])
    assert caught.value.status_code == 413, "it would not fit into any minute"
    assert "may use 2,000 a minute" in str(caught.value)
    assert caught.value.response.headers["x-should-retry"] == "false"


def test_the_sdks_come_back_by_themselves_when_there_is_room(running: RunningGateway, openai_of: Any) -> None:
    client = openai_of("single")
    stream = client.chat.completions.create(model="slow", messages=ASKED, stream=True)
    next(iter(stream))
    with pytest.raises(openai.RateLimitError, match="1 request under way at a time") as caught:
        ask(client, stream=True)
    assert caught.value.response.headers["retry-after"] == "1"
    leaves = threading.Timer(0.2, stream.close)
    leaves.start()
    answer = openai_of("single", max_retries=30).chat.completions.create(model="quick", messages=ASKED)
    assert answer.choices[0].message.content, "whoever left a stream gave its place back"
    claude = anthropic.Anthropic(base_url=running.url, api_key="key-of-single", timeout=60, max_retries=30)
    with claude:
        assert claude.messages.create(model="quick", messages=ASKED, max_tokens=20).content
    leaves.join()


def test_a_place_is_given_back_however_a_request_ends(openai_of: Any) -> None:
    client = openai_of("single")
    for _ in range(2):
        with pytest.raises(openai.APIStatusError, match="No provider gave a complete answer"):
            ask(client, "broken")
        with pytest.raises((openai.APITimeoutError, openai.InternalServerError)):
            ask(client.with_options(timeout=0.3), "late")
        assert ask(openai_of("single", max_retries=30)).headers["x-turnout-target"] == "quick"


def test_a_stream_that_is_begun_early_tells_what_is_left_and_is_refused_before_it_begins(openai_of: Any) -> None:
    client = openai_of("early")
    response = ask(client, "early", stream=True)
    assert response.headers["x-ratelimit-remaining-requests"] == "4"
    response.http_response.close()
    for _ in range(4):
        ask(client)
    with pytest.raises(openai.RateLimitError, match="5 requests a minute"):
        ask(client, "early", stream=True)


def test_who_has_no_limit_is_told_nothing_of_one(openai_of: Any) -> None:
    assert not [name for name in ask(openai_of("free")).headers if "ratelimit" in name]


def test_an_answer_of_before_is_a_request_and_takes_no_tokens(openai_of: Any) -> None:
    told = [ask(openai_of("tokens"), "remembered", max_tokens=400).headers for _ in range(4)]
    assert [headers["x-turnout-cache"] for headers in told] == ["miss", "hit", "hit", "hit"]
    left = [int(headers["x-ratelimit-remaining-tokens"]) for headers in told[1:]]
    assert left == sorted(left), "none was used; another minute may have begun"


def test_limits_and_budgets_of_the_store_hold_as_those_of_the_configuration_do(
    provider: HostedFaultProvider, tmp_path_factory: pytest.TempPathFactory
) -> None:
    directory = tmp_path_factory.mktemp("stored")
    desk = Desk(TenancyStore(directory / "data"), SystemClock())
    desk.create_tenant(Tenant(name="acme"))
    key = desk.create_key(Key(id="", created=0, tenant="acme", limit=RateLimit(requests_per_minute=1)))
    desk.create_tenant(Tenant(name="poor", budgets=(Budget(name="poor/whole", usd=Decimal(0), per=Period.TOTAL),)))
    poor = desk.create_key(Key(id="", created=0, tenant="poor")).presented
    config = CONFIG.format(provider=provider).split("server:", maxsplit=1)[0] + "tenants: {from: store}\n"
    with (
        running_gateway(config, directory) as running,
        openai.OpenAI(base_url=running.openai_url, api_key=key.presented, timeout=60, max_retries=0) as client,
    ):
        assert ask(client).headers["x-ratelimit-limit-requests"] == "1"
        with pytest.raises(openai.RateLimitError, match="This API key may send 1 request a minute"):
            ask(client)
        with pytest.raises(openai.RateLimitError, match="the budget 'poor/whole'"):
            ask(client.with_options(api_key=poor))


def test_what_is_refused_because_it_makes_no_sense_is_a_request_as_well(openai_of: Any) -> None:
    client = openai_of("nonsense")
    for nonsense in ({"model": "nobody"}, {"model": 7}):
        with pytest.raises((openai.NotFoundError, openai.BadRequestError)):
            ask(client, **nonsense)
    assert ask(client).headers["x-ratelimit-remaining-requests"] == "0"
    with pytest.raises(openai.RateLimitError):
        ask(client)
