"""The OpenAI SDK asks for embeddings: what it gets from the gateway is what the provider says."""

from __future__ import annotations

import json
import urllib.request
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

import openai
import pytest

from tests.running import RunningGateway, running_gateway
from turnout.testing import HostedFaultProvider, running_fault_provider
from turnout.testing.fault_provider.openai_embeddings import unit_vector

CONFIG = """
providers:
  one:    {{dialect: openai, base_url: "{one.openai_base_url}", api_key: provider-key}}
  two:    {{dialect: openai_responses, base_url: "{two.openai_base_url}", api_key: other-key}}
  claude: {{dialect: anthropic, base_url: "{two.anthropic_base_url}", api_key: other-key}}
targets:
  small:      {{provider: one, model: text-embedding-3-small, price: {{input: 1, output: 0}}}}
  small-two:  {{provider: two, model: openai/text-embedding-3-small, price: {{input: 2, output: 0}}}}
  deployed:   {{provider: two, model: our-deployment, model_family: text-embedding-3-small}}
  large:      {{provider: two, model: text-embedding-3-large}}
  chat-only:  {{provider: claude, model: claude}}
  any:        {{provider: one}}
routes:
  "text-*":   {{policy: any}}
  search:     {{policy: [small, large, small-two], baseline: small-two, timeouts: {{answer: 2s, total: 6s}}}}
  renamed:    {{policy: [small, deployed]}}
  mixed:      {{policy: [chat-only, small]}}
  slow:       {{policy: small, timeouts: {{answer: 300ms, total: 900ms}}}}
  none:       {{policy: chat-only}}
  by-rule:
    lists: {{code: [def, import]}}
    policy:
      rules:
        - {{name: code, when: {{matches: code}}, use: small-two}}
        - {{name: long, when: {{tokens: {{min: 1000}}}}, use: large}}
        - {{name: rest, use: small}}
server:
  limits: {{max_messages: 100}}
"""


@dataclass(frozen=True, eq=False)
class House:
    """Two providers behind a gateway, and a client of it."""

    one: HostedFaultProvider
    two: HostedFaultProvider
    gateway: RunningGateway
    client: openai.OpenAI
    direct: openai.OpenAI


@pytest.fixture(scope="module")
def opened(tmp_path_factory: pytest.TempPathFactory) -> Iterator[House]:
    with ExitStack() as entered:
        one, two = (entered.enter_context(running_fault_provider(seed=seed)) for seed in (1, 2))
        config = CONFIG.format(one=one, two=two)
        gateway = entered.enter_context(running_gateway(config, tmp_path_factory.mktemp("gateway")))
        asking, direct = (
            entered.enter_context(openai.OpenAI(base_url=url, api_key="caller-key", max_retries=0, timeout=30))
            for url in (gateway.openai_url, one.openai_base_url)
        )
        yield House(one, two, gateway, asking, direct)


@pytest.fixture
def house(opened: House) -> House:
    opened.one.reset()
    opened.two.reset()
    return opened


@pytest.mark.parametrize(
    "given",
    ["one text", ["first", "second", "third"], [11, 12, 13], [[1, 2], [3]]],
    ids=["text", "texts", "tokens", "lists of tokens"],
)
@pytest.mark.parametrize("form", ["float", "base64", None])
def test_vectors_come_through_the_gateway_as_the_provider_gave_them(
    house: House, given: str | list, form: str | None
) -> None:
    asked: dict[str, Any] = {} if form is None else {"encoding_format": form}
    here, there = (
        client.embeddings.with_raw_response.create(model="text-embedding-3-small", input=given, dimensions=16, **asked)
        for client in (house.client, house.direct)
    )
    assert here.content == there.content
    vectors = [each.embedding for each in here.parse().data]
    assert isinstance(vectors[0], str) if form == "base64" else len(vectors[0]) == 16


def test_what_turnout_does_not_know_goes_through_byte_for_byte(house: House) -> None:
    raw = b'{"input": ["a", "b"],"model":"small", "future_field" : {"x": [1.50, 1e2]}, "encoding_format":"float"}'
    with house.client.with_options().embeddings.with_streaming_response.create(
        model="small", input=["a", "b"], extra_body={"future_field": {"x": [1.5]}}
    ) as answered:
        body = answered.read()
    assert house.one.requests[-1].body["future_field"] == {"x": [1.5]}
    assert house.one.requests[-1].body["model"] == "text-embedding-3-small"
    said = urllib.request.Request(f"{house.gateway.openai_url}/embeddings", raw, {"content-type": "application/json"})
    with urllib.request.urlopen(said, timeout=30) as answer:
        told = json.loads(answer.read())
    assert house.one.requests[-1].body == json.loads(raw) | {"model": "text-embedding-3-small"}
    assert [each["index"] for each in told["data"]] == [0, 1]
    assert json.loads(body)["object"] == "list"


def test_an_embedding_is_a_decision_with_its_tokens_and_cost(house: House) -> None:
    answered = house.client.embeddings.with_raw_response.create(model="search", input=["some text to find"] * 3)
    tokens = answered.parse().usage.prompt_tokens
    decision = house.gateway.decision(answered.headers["x-turnout-decision"])
    assert (decision.dialect, decision.target, decision.outcome) == ("openai_embeddings", "small", "answered")
    assert decision.attempts[0].input_tokens == tokens
    assert not decision.attempts[0].estimated
    assert decision.cost_usd == Decimal(tokens) / 1_000_000
    assert decision.baseline_cost_usd == Decimal(2 * tokens) / 1_000_000
    assert decision.query_hash


@pytest.mark.parametrize(
    "fault", ["status(500)", "status(429)", "html_200", "cut_after(1)", "rst_after_request", "hang_headers"]
)
def test_only_a_target_of_the_same_model_takes_over(house: House, fault: str) -> None:
    house.one.use(fault)
    answered = house.client.embeddings.with_raw_response.create(model="search", input="hello", encoding_format="float")
    assert answered.headers["x-turnout-target"] == "small-two"
    assert answered.parse().data[0].embedding == unit_vector("openai/text-embedding-3-small", "hello", 8)
    decision = house.gateway.decision(answered.headers["x-turnout-decision"])
    assert ("large", "other_model") in [(drop.target, drop.reason) for drop in decision.dropped]
    assert decision.attempts[-1].target == "small-two"


def test_a_model_family_makes_targets_alike_whatever_their_providers_call_the_model(house: House) -> None:
    house.one.use("status(503)")
    answered = house.client.embeddings.with_raw_response.create(model="renamed", input="hello")
    assert answered.headers["x-turnout-target"] == "deployed"


def test_a_target_that_cannot_embed_is_passed_over(house: House) -> None:
    answered = house.client.embeddings.with_raw_response.create(model="mixed", input="hello")
    assert answered.headers["x-turnout-target"] == "small"
    with pytest.raises(openai.BadRequestError, match="lacks_embeddings"):
        house.client.embeddings.create(model="none", input="hello")


def test_rules_read_all_inputs(house: House) -> None:
    def target(given: str | list) -> str:
        answered = house.client.embeddings.with_raw_response.create(model="by-rule", input=given)
        return answered.headers["x-turnout-target"]

    assert target(["hello", "import this"]) == "small-two"
    assert target([[1] * 600, [2] * 600]) == "large"
    assert target("hello") == "small"


@pytest.mark.parametrize(
    ("fault", "error"),
    [
        ("status(400)", openai.BadRequestError),
        ("context_length", openai.BadRequestError),
        ("status(429, retry_after=7)", openai.RateLimitError),
        ("status(500)", openai.InternalServerError),
        ("status(401)", openai.InternalServerError),
        ("sse_empty", openai.InternalServerError),
        ("json_error_200", openai.InternalServerError),
        ("hang_headers", openai.InternalServerError),
    ],
)
def test_errors_are_those_that_the_sdk_raises(house: House, fault: str, error: type[openai.APIStatusError]) -> None:
    house.one.use(fault)
    with pytest.raises(error) as raised:
        house.client.embeddings.create(model="slow", input="hello")
    decision = house.gateway.decision(raised.value.response.headers["x-turnout-decision"])
    assert decision.outcome in {"failed", "refused"}
    assert decision.target is None


@pytest.mark.parametrize(
    "body",
    [{"input": []}, {"input": None}, {"input": ["a", 1]}, {"input": [[1, "a"]]}, {"input": "a", "stream": True}],
    ids=str,
)
def test_what_is_no_request_is_refused_before_any_call(house: House, body: dict) -> None:
    with pytest.raises(openai.BadRequestError):
        house.client.post("/embeddings", body={"model": "small", **body}, cast_to=object)
    assert not house.one.requests


def test_too_many_inputs_are_refused(house: House) -> None:
    with pytest.raises(openai.APIStatusError) as raised:
        house.client.embeddings.create(model="small", input=["x"] * 101)
    assert raised.value.status_code == 413
