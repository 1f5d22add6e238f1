"""A request under an idempotency key is served once, whichever worker it reaches."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path
from typing import Any

import anthropic
import httpx2 as httpx
import openai
import pytest

from tests.running import RunningGateway, running_gateway
from tests.waiting import until
from turnout.testing import HEALTHY_TEXT, HostedFaultProvider, running_fault_provider

CONFIG = """
providers:
  one: {{dialect: openai, base_url: "{provider.openai_base_url}", api_key: provider-key}}
targets:
  small: {{provider: one, model: small, price: {{input: 1, output: 2}}}}
routes:
  support: {{policy: small}}
  cached:  {{policy: small, cache: {{ttl: 10m}}}}
"""
KEY = "x-turnout-idempotency-key"
PATHS: dict[str, dict[str, Any]] = {
    "/v1/chat/completions": {"messages": [{"role": "user", "content": "Book it."}]},
    "/v1/responses": {"input": "Book it."},
    "/v1/messages": {"messages": [{"role": "user", "content": "Book it."}], "max_tokens": 500},
}


@dataclass(eq=False)
class House:
    """Two workers over one data directory."""

    provider: HostedFaultProvider
    workers: tuple[RunningGateway, RunningGateway]

    def ask(self, worker: int, key: str, path: str = "/v1/chat/completions", **fields: Any) -> httpx.Response:
        body = {"model": "support", **PATHS[path], **fields}
        credential = body.pop("credential", "alice")
        headers = {KEY: key, "x-api-key": credential}
        return httpx.post(f"{self.workers[worker].url}{path}", json=body, headers=headers, timeout=30)


@pytest.fixture(scope="module")
def opened(tmp_path_factory: pytest.TempPathFactory) -> Iterator[House]:
    with ExitStack() as entered:
        provider = entered.enter_context(running_fault_provider(seed=1))
        directory: Path = tmp_path_factory.mktemp("gateway")
        config = CONFIG.format(provider=provider)
        one, other = (entered.enter_context(running_gateway(config, directory)) for _ in range(2))
        yield House(provider, (one, other))


@pytest.fixture
def house(opened: House) -> House:
    opened.provider.reset()
    return opened


def answered(house: House, *given: Any, **fields: Any) -> httpx.Response:
    """The answer, once the first request's is recorded: that happens a moment after it was sent."""
    while (answer := house.ask(*given, **fields)).status_code == 409:
        pass
    return answer


@pytest.mark.parametrize("stream", [False, True], ids=["whole", "streamed"])
@pytest.mark.parametrize("path", PATHS)
def test_the_answer_is_recorded_and_any_worker_gives_it_again(house: House, path: str, *, stream: bool) -> None:
    key = f"again {path} {stream}"
    first = house.ask(0, key, path, stream=stream)
    again = answered(house, 1, key, path, stream=stream)
    assert (first.status_code, again.status_code) == (200, 200)
    assert again.content == first.content
    assert again.headers["x-turnout-original"] == first.headers["x-turnout-decision"]
    assert again.headers["x-turnout-cache"] == "replay"
    assert len(house.provider.requests) == 1
    told = house.workers[1].decision(again.headers["x-turnout-decision"])
    assert (told.cache, told.reason, told.attempts, told.cost_usd) == ("replay", "idempotency", (), Decimal(0))
    assert told.baseline_cost_usd is None


@pytest.mark.parametrize("path", PATHS)
def test_another_request_under_the_same_key_is_refused_in_the_callers_dialect(house: House, path: str) -> None:
    key = f"reused {path}"
    house.ask(0, key, path)
    refused = answered(house, 1, key, path, temperature=0.5)
    assert refused.status_code == 422
    assert "another request" in refused.json()["error"]["message"]
    assert refused.headers["x-should-retry"] == "false"
    assert len(house.provider.requests) == 1


def test_another_caller_under_the_same_key_is_another_request(house: House) -> None:
    assert house.ask(0, "shared", credential="alice").status_code == 200
    other = house.ask(1, "shared", credential="bob")
    assert "x-turnout-original" not in other.headers
    assert len(house.provider.requests) == 2


async def test_while_the_first_is_under_way_the_others_are_told_to_come_back(house: House) -> None:
    house.provider.use("delay_headers(4)")
    first = asyncio.create_task(asyncio.to_thread(house.ask, 0, "under way"))
    await until(lambda: len(house.provider.requests) == 1)
    gpt = openai.AsyncOpenAI(base_url=house.workers[1].openai_url, api_key="alice", max_retries=0, timeout=30)
    async with gpt:
        with pytest.raises(openai.UnprocessableEntityError):
            await gpt.chat.completions.create(
                model="support",
                messages=[{"role": "user", "content": "Book it twice."}],
                extra_headers={KEY: "under way"},
            )
    conflict = await asyncio.to_thread(house.ask, 1, "under way")
    assert conflict.status_code == 409
    assert conflict.json()["error"]["code"] == "still_in_progress"
    assert (conflict.headers["retry-after"], conflict.headers["x-should-retry"]) == ("1", "true")
    assert (await first).status_code == 200
    assert (await asyncio.to_thread(answered, house, 1, "under way")).content == (await first).content
    assert len(house.provider.requests) == 1


def test_the_sdks_own_retry_gets_the_recorded_answer(house: House) -> None:
    with anthropic.Anthropic(base_url=house.workers[0].url, api_key="k", max_retries=4, timeout=30) as client:
        texts = [
            client.messages.create(
                model="support",
                max_tokens=500,
                messages=[{"role": "user", "content": "Once."}],
                extra_headers={KEY: "sdk"},
            )
            .content[0]
            .text  # type: ignore[union-attr]
            for _ in range(2)
        ]
    assert texts == [HEALTHY_TEXT] * 2
    assert len(house.provider.requests) == 1


@pytest.mark.parametrize("stream", [False, True], ids=["whole", "streamed"])
@pytest.mark.parametrize("fault", ["status(400)", "status(500)", "cut_after(4)"])
def test_what_failed_is_forgotten_so_that_the_caller_may_try_again(house: House, fault: str, *, stream: bool) -> None:
    key = f"failed {fault} {stream}"
    house.provider.use(fault, times=2)
    house.ask(0, key, stream=stream)
    house.provider.use(None)
    after = answered(house, 1, key, stream=stream)
    assert after.status_code == 200
    assert HEALTHY_TEXT.split()[-1] in after.text
    assert "x-turnout-original" not in after.headers


def test_an_answer_from_the_cache_is_recorded_as_well(house: House) -> None:
    house.ask(0, "fills the cache", model="cached")
    hit = answered(house, 0, "gets a hit", model="cached")
    assert hit.headers["x-turnout-cache"] == "hit"
    assert answered(house, 1, "gets a hit", model="cached").headers["x-turnout-cache"] == "replay"


def test_a_key_that_is_too_long_is_refused(house: House) -> None:
    assert house.ask(0, "k" * 300).status_code == 400
