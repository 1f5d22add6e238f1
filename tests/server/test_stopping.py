"""How a gateway ends: what is under way is finished, and what cannot be is told so."""

from __future__ import annotations

import asyncio
import http.client
import json
import os
import signal
import time
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import anthropic
import openai
import pytest

from tests.processes import GatewayProcess, gateway_process, wait_for
from turnout.testing import HostedFaultProvider, running_fault_provider

CONFIG = """
providers:
  chat:     {{dialect: openai, base_url: "{provider.openai_base_url}"}}
  messages: {{dialect: anthropic, base_url: "{provider.anthropic_base_url}"}}
targets:
  chat-model:     {{provider: chat, price: {{input: 1, output: 2}}}}
  messages-model: {{provider: messages, price: {{input: 1, output: 2}}}}
routes:
  "fault:*": {{policy: chat-model}}
  "claude:*": {{policy: messages-model}}
server: {{notice: {notice}, drain: {drain}}}
"""
HELLO: Any = [{"role": "user", "content": "Hi"}]
SLOW = "fault:tokens(40)+drip(50)"  # two seconds
HEALTHY = "fault:healthy"
ENDLESS = "fault:tokens(4000)+drip(50)"


@pytest.fixture(scope="module")
def provider() -> Iterator[HostedFaultProvider]:
    with running_fault_provider(seed=1) as provider:
        yield provider


def config(provider: HostedFaultProvider, *, notice: str = "500ms", drain: str = "20s") -> str:
    return CONFIG.format(provider=provider, notice=notice, drain=drain)


def chat(gateway: GatewayProcess) -> openai.AsyncOpenAI:
    return openai.AsyncOpenAI(base_url=f"{gateway.url}/v1", api_key="none", max_retries=0, timeout=20)


async def streamed(client: openai.AsyncOpenAI, model: str, begun: asyncio.Semaphore) -> str | None:
    """A stream, taken to its end; its finish reason."""
    finish = None
    first = True
    stream: Any = await client.chat.completions.create(model=model, messages=HELLO, stream=True)
    async for chunk in stream:
        if first:
            first = False
            begun.release()
        if chunk.choices:
            finish = chunk.choices[0].finish_reason or finish
    return finish


async def test_fifty_streams_under_way_are_all_finished_and_the_process_ends_well(
    provider: HostedFaultProvider, tmp_path: Path
) -> None:
    with gateway_process(config(provider), tmp_path) as gateway:
        begun = asyncio.Semaphore(0)
        async with chat(gateway) as client:
            streams = [asyncio.create_task(streamed(client, SLOW, begun)) for _ in range(50)]
            for _ in streams:
                await begun.acquire()
            gateway.send(signal.SIGTERM)
            finished = await asyncio.gather(*streams)
        assert finished == ["stop"] * 50
        assert await asyncio.to_thread(gateway.ended) == 0
        assert list(gateway.outcomes().values()) == ["answered"] * 50


def test_ready_turns_false_at_once_while_requests_are_still_served_until_the_notice_is_over(
    provider: HostedFaultProvider, tmp_path: Path
) -> None:
    with gateway_process(config(provider, notice="1s"), tmp_path) as gateway:
        assert gateway.ready()[0] == 200
        gateway.send(signal.SIGTERM)
        time.sleep(0.1)
        status, body = gateway.ready()
        assert (status, body["status"]) == (503, "draining")
        connection = http.client.HTTPConnection("127.0.0.1", gateway.port, timeout=30)
        connection.request("POST", "/v1/chat/completions", json.dumps({"model": HEALTHY, "messages": HELLO}))
        answered = connection.getresponse()
        assert answered.status == 200
        assert answered.headers["connection"] == "close"
        answered.read()
        assert gateway.ended() == 0
        with pytest.raises(ConnectionRefusedError):
            gateway.ready()


async def test_over_the_limit_streams_end_by_an_error_that_the_sdks_raise_and_are_booked_as_partial(
    provider: HostedFaultProvider, tmp_path: Path
) -> None:
    with gateway_process(config(provider, drain="1s"), tmp_path) as gateway:
        begun = asyncio.Semaphore(0)
        claude = anthropic.AsyncAnthropic(base_url=gateway.url, api_key="none", max_retries=0, timeout=20)

        async def message() -> None:
            async with claude.messages.stream(model="claude:x", max_tokens=4000, messages=HELLO) as stream:
                async for _ in stream.text_stream:
                    begun.release()

        async with chat(gateway) as client, claude:
            provider.use("tokens(4000)+drip(50)")
            chats = [asyncio.create_task(streamed(client, ENDLESS, begun)) for _ in range(5)]
            messages = [asyncio.create_task(message()) for _ in range(5)]
            for _ in range(10):
                await begun.acquire()
            await asyncio.sleep(0.3)
            gateway.send(signal.SIGTERM)
            began = time.monotonic()
            ended = await asyncio.gather(*chats, *messages, return_exceptions=True)
            took = time.monotonic() - began
        assert all(type(each) is openai.APIError for each in ended[:5]), ended[:5]
        assert all(isinstance(each, anthropic.APIStatusError) for each in ended[5:]), ended[5:]
        assert all("being restarted" in str(each) for each in ended)
        assert 0.9 < took < 8
        assert await asyncio.to_thread(gateway.ended) == 0
        assert list(gateway.outcomes().values()) == ["partial"] * 10
    provider.reset()


async def test_over_the_limit_a_caller_without_a_first_byte_is_told_to_try_again(
    provider: HostedFaultProvider, tmp_path: Path
) -> None:
    with gateway_process(config(provider, drain="600ms"), tmp_path) as gateway:
        async with chat(gateway) as client:
            create = client.chat.completions.create
            waits = asyncio.create_task(create(model="fault:delay_headers(9)", messages=HELLO))
            await asyncio.sleep(0.5)
            gateway.send(signal.SIGTERM)
            with pytest.raises(openai.InternalServerError) as raised:
                await waits
        assert raised.value.status_code == 503
        assert float(raised.value.response.headers["retry-after"]) >= 1
        assert await asyncio.to_thread(gateway.ended) == 0
        assert list(gateway.outcomes().values()) == ["failed"]


@pytest.mark.parametrize("workers", [1, 2])
async def test_a_second_signal_ends_it_at_once_and_the_ledger_has_everything(
    provider: HostedFaultProvider, tmp_path: Path, workers: int
) -> None:
    with gateway_process(config(provider), tmp_path, "--workers", str(workers)) as gateway:
        begun = asyncio.Semaphore(0)
        async with chat(gateway) as client:
            stream = asyncio.create_task(streamed(client, ENDLESS, begun))
            await begun.acquire()
            gateway.send(signal.SIGTERM)
            await asyncio.sleep(0.3)
            gateway.send(signal.SIGTERM)
            began = time.monotonic()
            with pytest.raises(openai.APIError):
                await stream
            assert await asyncio.to_thread(gateway.ended) == 0
            assert time.monotonic() - began < 8
        assert list(gateway.outcomes().values()) == ["partial"]


def test_a_caller_who_reads_nothing_cannot_keep_it_from_ending(provider: HostedFaultProvider, tmp_path: Path) -> None:
    with gateway_process(config(provider, notice="100ms", drain="500ms"), tmp_path) as gateway:
        connection = http.client.HTTPConnection("127.0.0.1", gateway.port, timeout=30)
        flood = "fault:tokens(60000)"
        with closing(connection):
            connection.request(
                "POST", "/v1/chat/completions", json.dumps({"model": flood, "messages": HELLO, "stream": True})
            )
            assert connection.getresponse().status == 200
            time.sleep(0.5)
            gateway.send(signal.SIGTERM)
            assert gateway.ended(8) == 0
        assert set(gateway.outcomes().values()) <= {"partial", "cancelled"}


def test_a_worker_that_is_killed_is_replaced_and_none_of_its_answers_is_lost(
    provider: HostedFaultProvider, tmp_path: Path
) -> None:
    with gateway_process(config(provider), tmp_path, "--workers", "2") as gateway:
        wait_for(lambda: len(gateway.workers()) == 2)
        received = set()
        body = json.dumps({"model": HEALTHY, "messages": HELLO})
        for killed in gateway.workers():
            for _ in range(20):
                connection = http.client.HTTPConnection("127.0.0.1", gateway.port, timeout=10)
                connection.request("POST", "/v1/chat/completions", body, {"connection": "close"})
                answered = connection.getresponse()
                answered.read()
                assert answered.status == 200
                received.add(answered.headers["x-turnout-decision"])
                connection.close()
            os.kill(killed, signal.SIGKILL)
            wait_for(lambda killed=killed: killed not in gateway.workers() and len(gateway.workers()) == 2)  # type: ignore[misc]
            wait_for(lambda: gateway.ready()[0] == 200)
        assert gateway.said.count("ended (SIGKILL); another takes its place") == 2
        gateway.send(signal.SIGTERM)
        assert gateway.ended() == 0
        outcomes = gateway.outcomes()
    assert len(received) == 40
    assert received <= outcomes.keys()
