"""`client.messages.count_tokens` of the official Anthropic SDK, before providers of every dialect."""

from __future__ import annotations

import http.client
import json
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, closing
from typing import Any

import anthropic
import pytest

from tests.running import RunningGateway, running_gateway
from turnout.testing import HostedFaultProvider, running_fault_provider

CONFIG = """
providers:
  messages: {{dialect: anthropic, base_url: "{provider.anthropic_base_url}", api_key: provider-key}}
  chat:     {{dialect: openai, base_url: "{provider.openai_base_url}", api_key: provider-key}}
  away:     {{dialect: anthropic, base_url: "http://127.0.0.1:9", api_key: provider-key}}
targets:
  claude: {{provider: messages, model: the-model, price: {{input: 1, output: 2}}}}
  gpt:    {{provider: chat, model: the-model, price: {{input: 1, output: 2}}}}
  far:    {{provider: away, model: the-model, price: {{input: 1, output: 2}}}}
  small:  {{provider: messages, model: the-model, context_tokens: 20, price: {{input: 1, output: 2}}}}
  bare:   {{provider: chat, model: the-model, lacks: [tools], price: {{input: 1, output: 2}}}}
routes:
  first-of-two: {{policy: {{fallback: [claude, gpt]}}}}
  impatient: {{policy: claude, timeouts: {{first_token: 200ms}}}}
server:
  keys:
    - {{key: key-of-all}}
    - {{key: key-of-one, routes: [gpt]}}
    - {{key: key-of-few, limit: {{requests_per_minute: 2, tokens_per_minute: 100}}}}
"""
ASKED: Any = [{"role": "user", "content": "Where is my train?"}]
PIXEL = "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNkYPhfDwAChwGA60e6kgAAAABJRU5ErkJggg=="
WHOLE: Any = {
    "system": "Be kind.",
    "tools": [
        {
            "name": "weather",
            "description": "The weather somewhere.",
            "input_schema": {"type": "object", "properties": {"city": {"type": "string"}}},
        }
    ],
    "messages": [
        {
            "role": "user",
            "content": [
                {"type": "text", "text": "What is it?"},
                {"type": "image", "source": {"type": "base64", "media_type": "image/png", "data": PIXEL}},
            ],
        }
    ],
}


@pytest.fixture(scope="module")
def hosted() -> Iterator[HostedFaultProvider]:
    with running_fault_provider(seed=1) as provider:
        yield provider


@pytest.fixture
def provider(hosted: HostedFaultProvider) -> Iterator[HostedFaultProvider]:
    hosted.reset()
    yield hosted
    hosted.reset()


@pytest.fixture(scope="module")
def gateway(hosted: HostedFaultProvider, tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningGateway]:
    with running_gateway(CONFIG.format(provider=hosted), tmp_path_factory.mktemp("gateway")) as gateway:
        yield gateway


class Clients:
    """The SDK with one key or another."""

    def __init__(self, url: str, opened: ExitStack) -> None:
        self._url = url
        self._opened = opened

    def __call__(self, key: str = "key-of-all", **settings: Any) -> anthropic.Anthropic:
        given = {"max_retries": 0, "timeout": 60, **settings}
        return self._opened.enter_context(anthropic.Anthropic(base_url=self._url, api_key=key, **given))

    def count(self, model: str, **fields: Any) -> tuple[int, Mapping[str, str]]:
        """The number of tokens, and the headers that it came with."""
        raw = self().messages.with_raw_response.count_tokens(model=model, **({"messages": ASKED} | fields))
        return raw.parse().input_tokens, raw.headers


@pytest.fixture
def clients(gateway: RunningGateway) -> Iterator[Clients]:
    with ExitStack() as opened:
        yield Clients(gateway.url, opened)


def ask(gateway: RunningGateway, method: str, path: str, body: bytes | None = None) -> tuple[int, Any]:
    """Status and body of an answer to what no SDK would send."""
    with closing(http.client.HTTPConnection(gateway.url.removeprefix("http://"), timeout=60)) as connection:
        connection.request(method, path, body, {"x-api-key": "key-of-all"})
        response = connection.getresponse()
        return response.status, json.loads(response.read())


def test_a_provider_of_the_callers_dialect_counts_itself(clients: Clients, provider: HostedFaultProvider) -> None:
    with anthropic.Anthropic(base_url=provider.anthropic_base_url, api_key="k", timeout=60) as direct:
        expected = direct.messages.count_tokens(model="the-model", **WHOLE).input_tokens
        answered = direct.messages.create(model="the-model", max_tokens=50, **WHOLE).usage.input_tokens
    tokens, headers = clients.count("claude", extra_headers={"anthropic-beta": "token-counting-2024-11-01"}, **WHOLE)
    assert tokens == expected == answered
    assert (headers["x-turnout-count"], headers["x-turnout-target"]) == ("provider", "claude")
    seen = provider.requests[-1]
    assert seen.path == "/v1/messages/count_tokens"
    assert seen.body == {"model": "the-model", **WHOLE}
    assert seen.headers["x-api-key"] == "provider-key"
    assert seen.headers["anthropic-beta"] == "token-counting-2024-11-01"


def test_the_beta_of_the_sdk_counts_as_well(clients: Clients, provider: HostedFaultProvider) -> None:
    told = clients().beta.messages.count_tokens(model="claude", messages=ASKED, betas=["context-management-2025-06-27"])
    assert told.input_tokens > 0
    assert "context-management-2025-06-27" in provider.requests[-1].headers["anthropic-beta"]


def test_for_another_dialect_the_gateway_estimates_and_asks_nobody(
    clients: Clients, provider: HostedFaultProvider
) -> None:
    plain, headers = clients.count("gpt")
    with_system, _ = clients.count("gpt", system="Be kind. " * 100)
    whole, _ = clients.count("gpt", **WHOLE)
    assert 4 <= plain <= 20
    assert with_system > plain + 100
    assert whole > plain + 1000, "an image is a thousand tokens or so"
    assert (headers["x-turnout-count"], headers["x-turnout-count-reason"]) == ("estimate", "other_dialect")
    assert (headers["x-turnout-target"], headers["x-turnout-route"]) == ("gpt", "gpt")
    assert not provider.requests


def test_what_a_target_reports_corrects_its_estimates(clients: Clients) -> None:
    long: Any = [{"role": "user", "content": "Where is my train? " * 50}]
    before, _ = clients.count("first-of-two")
    answer = clients().messages.create(model="gpt", messages=long, max_tokens=50)
    tokens, headers = clients.count("gpt", messages=long)
    assert abs(tokens - answer.usage.input_tokens) <= 1
    assert float(headers["x-turnout-count-ratio"]) != 1.0
    assert clients.count("first-of-two")[0] == before, "another target's count has nothing to do with it"


def test_the_target_that_would_be_asked_first_counts(clients: Clients) -> None:
    _, headers = clients.count("first-of-two")
    assert (headers["x-turnout-target"], headers["x-turnout-count"]) == ("claude", "provider")
    assert headers["x-turnout-route"] == "first-of-two"


@pytest.mark.parametrize(
    ("fault", "reason"),
    [
        ("status(404)", "not_found"),
        ("status(405)", "bad_request"),
        ("status(401)", "authentication"),
        ("status(429)", "rate_limited"),
        ("status(500)", "server_error"),
        ("status(529)", "overloaded"),
        ("html_200", "not_an_answer"),
        ("rst_after_request", "connection_lost"),
    ],
)
def test_where_the_provider_fails_the_gateway_estimates(
    clients: Clients, provider: HostedFaultProvider, fault: str, reason: str
) -> None:
    provider.use(fault)
    tokens, headers = clients.count("claude")
    assert 4 <= tokens <= 20
    assert (headers["x-turnout-count"], headers["x-turnout-count-reason"]) == ("estimate", reason)


def test_a_silent_provider_is_waited_for_as_long_as_for_a_first_token(
    clients: Clients, provider: HostedFaultProvider
) -> None:
    provider.use("hang_headers")
    assert clients.count("impatient")[1]["x-turnout-count-reason"] == "answer_timeout"


def test_a_provider_that_cannot_be_reached_is_no_failure(clients: Clients) -> None:
    assert clients.count("far")[1]["x-turnout-count-reason"] == "connect_failed"


def test_a_conversation_that_is_too_long_for_every_target_is_counted_all_the_same(clients: Clients) -> None:
    long: Any = [{"role": "user", "content": "Where is my train? " * 50}]
    with pytest.raises(anthropic.BadRequestError, match="context_too_small"):
        clients().messages.create(model="small", messages=long, max_tokens=50)
    tokens, headers = clients.count("small", messages=long)
    assert tokens > 40
    assert headers["x-turnout-count"] == "provider"


def test_what_would_not_be_answered_is_not_counted(clients: Clients, provider: HostedFaultProvider) -> None:
    with pytest.raises(anthropic.BadRequestError, match="lacks_tools"):
        clients.count("bare", **WHOLE)
    with pytest.raises(anthropic.NotFoundError, match="claude"):
        clients.count("claud")
    with pytest.raises(anthropic.BadRequestError, match="messages"):
        clients.count("gpt", messages=[])
    assert not provider.requests


def test_a_body_that_the_provider_refuses_is_refused_in_its_words(clients: Clients) -> None:
    with pytest.raises(anthropic.BadRequestError, match="max_tokens: Extra inputs are not permitted"):
        clients.count("claude", extra_body={"max_tokens": 5})


@pytest.mark.parametrize("body", [b"", b"{", b"[]", b'{"messages": []}', b'{"model": "gpt", "messages": "Hi"}'])
def test_a_malformed_body_is_refused_as_where_answers_are_asked_for(gateway: RunningGateway, body: bytes) -> None:
    status, counted = ask(gateway, "POST", "/v1/messages/count_tokens", body)
    assert (status, counted["type"]) == (400, "error")
    assert counted["error"] == ask(gateway, "POST", "/v1/messages", body)[1]["error"]


def test_keys_and_their_routes_hold(clients: Clients) -> None:
    with pytest.raises(anthropic.AuthenticationError):
        clients("wrong").messages.count_tokens(model="gpt", messages=ASKED)
    with pytest.raises(anthropic.PermissionDeniedError):
        clients("key-of-one").messages.count_tokens(model="claude", messages=ASKED)
    assert clients("key-of-one").messages.count_tokens(model="gpt", messages=ASKED).input_tokens


def test_counting_is_a_request_under_limits_and_uses_no_tokens(clients: Clients) -> None:
    client = clients("key-of-few")
    long: Any = [{"role": "user", "content": "Where is my train? " * 500}]
    for left in ("1", "0"):
        raw = client.messages.with_raw_response.count_tokens(model="gpt", messages=long)
        assert raw.headers["anthropic-ratelimit-requests-remaining"] == left
        assert raw.headers["anthropic-ratelimit-tokens-remaining"] == "100"
    with pytest.raises(anthropic.RateLimitError) as caught:
        client.messages.count_tokens(model="gpt", messages=ASKED)
    assert int(caught.value.response.headers["retry-after"]) <= 60


def test_nothing_is_recorded(clients: Clients, gateway: RunningGateway) -> None:
    _, headers = clients.count("claude")
    assert "x-turnout-decision" not in headers
    answered = clients().messages.with_raw_response.create(model="gpt", messages=ASKED, max_tokens=50)
    lines = [json.loads(line) for file in gateway.data.rglob("*.jsonl") for line in file.read_text().splitlines()]
    assert answered.headers["x-turnout-decision"] in json.dumps(lines)
    assert headers["request-id"] not in json.dumps(lines)


def test_it_is_asked_by_post(gateway: RunningGateway) -> None:
    status, told = ask(gateway, "GET", "/v1/messages/count_tokens")
    assert (status, told["error"]["type"]) == (400, "invalid_request_error")
    assert "POST" in told["error"]["message"]
