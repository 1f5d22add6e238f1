"""The response cache, as the official SDKs see it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass, field
from decimal import Decimal
from pathlib import Path
from typing import Any

import anthropic
import httpx2 as httpx
import openai
import pytest

from tests.running import RunningGateway, running_gateway
from turnout.testing import HEALTHY_TEXT, HostedFaultProvider, running_fault_provider

CONFIG = """
providers:
  one: {{dialect: openai, base_url: "{provider.openai_base_url}", api_key: provider-key}}
  two: {{dialect: anthropic, base_url: "{provider.anthropic_base_url}", api_key: provider-key}}
targets:
  small: {{provider: one, model: small, price: {{input: 1, output: 2}}}}
  other: {{provider: two, model: other, price: {{input: 1, output: 2}}}}
  dear:  {{provider: one, model: dear, price: {{input: 10, output: 20}}}}
routes:
  off:    {{policy: small}}
  memory: {{policy: small, baseline: dear, cache: {{ttl: 10m}}}}
  disk:   {{policy: [other, small], cache: {{ttl: 10m, store: disk}}}}
  brief:  {{policy: small, cache: {{ttl: 200ms}}}}
  by-plan:
    cache: {{ttl: 10m}}
    policy:
      rules:
        - {{name: pro, when: {{header: {{x-plan: [pro]}}}}, use: dear}}
        - {{name: rest, use: small}}
"""


@dataclass(eq=False)
class House:
    """A gateway in front of a provider."""

    provider: HostedFaultProvider
    gateway: RunningGateway
    gpt: openai.OpenAI
    claude: anthropic.Anthropic
    sent: list[bytes] = field(default_factory=list)

    @property
    def asked(self) -> int:
        """How many requests have reached the provider."""
        return len(self.provider.requests)

    def chat(self, text: str, route: str = "memory", headers: dict[str, str] | None = None, **fields: Any) -> Any:
        """A conversation's raw response."""
        return self.gpt.chat.completions.with_raw_response.create(
            model=route, messages=[{"role": "user", "content": text}], extra_headers=headers, **fields
        )


@pytest.fixture(scope="module")
def opened(tmp_path_factory: pytest.TempPathFactory) -> Iterator[House]:
    with running_fault_provider(seed=1) as provider, ExitStack() as entered:
        directory = tmp_path_factory.mktemp("gateway")
        gateway = entered.enter_context(running_gateway(CONFIG.format(provider=provider), directory))
        gpt = openai.OpenAI(base_url=gateway.openai_url, api_key="any", max_retries=0, timeout=30)
        claude = anthropic.Anthropic(base_url=gateway.url, api_key="any", max_retries=0, timeout=30)
        entered.enter_context(gpt)
        entered.enter_context(claude)
        yield House(provider, gateway, gpt, claude)


@pytest.fixture
def house(opened: House) -> House:
    opened.provider.reset()
    return opened


BODIES: dict[str, dict[str, Any]] = {
    "/v1/chat/completions": {"messages": [{"role": "user", "content": "Where is it?"}]},
    "/v1/responses": {"input": "Where is it?"},
    "/v1/messages": {"messages": [{"role": "user", "content": "Where is it?"}], "max_tokens": 500},
}


@pytest.mark.parametrize("route", ["memory", "disk"])
@pytest.mark.parametrize("stream", [False, True], ids=["whole", "streamed"])
@pytest.mark.parametrize("path", BODIES)
def test_the_same_request_gets_the_same_bytes_without_a_call(
    house: House, path: str, route: str, *, stream: bool
) -> None:
    def ask() -> httpx.Response:
        return httpx.post(
            f"{house.gateway.url}{path}", json={"model": route, "stream": stream, **BODIES[path]}, timeout=30
        )

    first = ask()
    assert (first.status_code, first.headers["x-turnout-cache"]) == (200, "miss")
    calls = house.asked
    again = ask()
    for _ in range(50):  # what goes to the disk is written a moment later, and a busy disk is a miss
        if again.headers["x-turnout-cache"] == "hit":
            break
        again = ask()
        calls = house.asked
    assert again.headers["x-turnout-cache"] == "hit"
    assert house.asked == calls
    assert again.headers["content-type"] == first.headers["content-type"]
    if calls == 1:
        assert again.content == first.content
        assert again.headers["x-turnout-original"] == first.headers["x-turnout-decision"]
    assert again.headers["x-turnout-decision"] != first.headers["x-turnout-decision"]


def test_the_sdks_read_a_stream_that_is_given_again(house: House) -> None:
    for expected in ("miss", "hit"):
        with house.gpt.chat.completions.with_streaming_response.create(
            model="memory", messages=[{"role": "user", "content": "a stream"}], stream=True
        ) as response:
            assert response.headers["x-turnout-cache"] == expected
            chunks = list(response.parse())
        assert "".join(chunk.choices[0].delta.content or "" for chunk in chunks if chunk.choices) == HEALTHY_TEXT
        with house.claude.messages.stream(
            model="memory", max_tokens=500, messages=[{"role": "user", "content": "a stream"}]
        ) as messages:
            assert messages.get_final_text() == HEALTHY_TEXT
            assert messages.response.headers["x-turnout-cache"] == expected
        answer = house.gpt.responses.with_raw_response.create(model="memory", input="a stream", stream=True)
        assert answer.headers["x-turnout-cache"] == expected
        assert [event for event in answer.parse() if event.type == "response.completed"]
    assert house.asked == 3


def test_a_hit_is_a_decision_without_attempts_that_cost_nothing_and_saved_the_baseline(house: House) -> None:
    first, second = (house.chat("what is saved") for _ in range(2))
    made, given = (house.gateway.decision(each.headers["x-turnout-decision"]) for each in (first, second))
    assert (made.cache, given.cache) == ("miss", "hit")
    assert (given.attempts, given.cost_usd, given.router_cost_usd) == ((), Decimal(0), Decimal(0))
    assert (given.outcome, given.target, given.reason) == ("answered", "small", "cache")
    assert given.baseline_cost_usd == made.baseline_cost_usd
    assert made.cost_usd
    assert second.headers["x-turnout-cost"] == "0"
    house.chat("without baseline", "brief")
    hit = house.chat("without baseline", "brief")
    if hit.headers["x-turnout-cache"] == "hit":
        told = house.gateway.decision(hit.headers["x-turnout-decision"])
        original = house.gateway.decision(hit.headers["x-turnout-original"])
        assert told.baseline_cost_usd == original.cost_usd


def test_a_route_without_a_cache_has_none(house: House) -> None:
    for _ in range(2):
        answer = house.chat("hello", "off")
        assert "x-turnout-cache" not in answer.headers
        assert house.gateway.decision(answer.headers["x-turnout-decision"]).cache is None
    assert house.asked == 2


def test_a_caller_may_go_past_the_cache_and_renews_it(house: House) -> None:
    assert house.chat("news").headers["x-turnout-cache"] == "miss"
    renewed = house.chat("news", headers={"cache-control": "no-cache"})
    assert renewed.headers["x-turnout-cache"] == "bypass"
    assert house.chat("news").headers["x-turnout-original"] == renewed.headers["x-turnout-decision"]
    assert house.chat("unseen", headers={"cache-control": "no-store"}).headers["x-turnout-cache"] == "bypass"
    assert house.chat("unseen").headers["x-turnout-cache"] == "miss"
    assert house.asked == 4


@pytest.mark.parametrize("stream", [False, True], ids=["whole", "streamed"])
@pytest.mark.parametrize(
    "fault", ["status(500)", "status(429)", "cut_after(3)", "html_200", "content_filter", "json_error_200", "no_finish"]
)
def test_what_is_not_a_complete_answer_is_never_given_again(house: House, fault: str, *, stream: bool) -> None:
    def ask() -> httpx.Response:
        said = [{"role": "user", "content": f"{fault} {stream}"}]
        body = {"model": "memory", "messages": said, "stream": stream}
        return httpx.post(f"{house.gateway.url}/v1/chat/completions", json=body, timeout=30)

    house.provider.use(fault)
    ask()
    house.provider.use(None)
    after = ask()
    assert after.headers.get("x-turnout-cache") != "hit" or fault == "no_finish"
    assert HEALTHY_TEXT.split()[-1] in after.text


def test_an_answer_that_ran_into_its_limit_is_not_given_again(house: House) -> None:
    assert [house.chat("long", max_tokens=3).headers["x-turnout-cache"] for _ in range(2)] == ["miss", "miss"]


@pytest.mark.parametrize(
    "differing",
    [{"temperature": 0.5}, {"seed": 3}, {"tools": [{"type": "function", "function": {"name": "f"}}]}, {"top_p": 0.3}],
    ids=lambda fields: next(iter(fields)),
)
def test_no_request_gets_the_answer_to_another(house: House, differing: dict[str, Any]) -> None:
    text = f"apart {sorted(differing)}"
    house.chat(text)
    assert house.chat(text, **differing).headers["x-turnout-cache"] == "miss"
    system = [{"role": "system", "content": "Be brief."}, {"role": "user", "content": text}]
    answer = house.gpt.chat.completions.with_raw_response.create(model="memory", messages=system)  # type: ignore[arg-type]
    assert answer.headers["x-turnout-cache"] in {"miss", "hit" if "top_p" in differing else "miss"}


def test_a_rule_that_reads_who_asks_keeps_their_answers_apart(house: House) -> None:
    told: Callable[[str], tuple[str, str]] = lambda plan: (  # noqa: E731 - said twice
        (answer := house.chat("plan", "by-plan", {"x-plan": plan})).headers["x-turnout-target"],
        answer.headers["x-turnout-cache"],
    )
    assert [told("free"), told("pro"), told("free"), told("pro")] == [
        ("small", "miss"),
        ("dear", "miss"),
        ("small", "hit"),
        ("dear", "hit"),
    ]


def test_an_answer_outlives_an_outage_of_the_targets_that_gave_it(house: House) -> None:
    house.chat("remember this")
    house.provider.use("status(500)")
    for number in range(8):
        with pytest.raises(openai.APIStatusError):
            house.chat(f"fails {number}")
    assert house.chat("remember this").headers["x-turnout-cache"] == "hit"


def test_embeddings_are_given_again_as_well(house: House) -> None:
    asked = [house.gpt.embeddings.with_raw_response.create(model="memory", input="some text") for _ in range(2)]
    assert [each.headers["x-turnout-cache"] for each in asked] == ["miss", "hit"]
    assert asked[0].content == asked[1].content


def test_nothing_of_a_cache_in_memory_is_on_the_disk(house: House) -> None:
    house.chat("in memory only")
    files: list[Path] = [file for file in (house.gateway.data / "state").iterdir() if "sqlite" in file.name]
    assert all(b"in memory only" not in file.read_bytes() for file in files)
