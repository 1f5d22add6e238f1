"""Faults chosen by rules, by the control API, from another thread and by a fixture."""

from __future__ import annotations

import asyncio
import json
import threading
import urllib.error
import urllib.request
from pathlib import Path
from typing import Any

import httpx2
import pytest

from tests.testing.fault_provider.wires import PATHS, body_for
from turnout.testing import FaultProvider, FaultSyntaxError, fault_provider_fixture, running_fault_provider
from turnout.testing.fault_provider import Listen

hosted = fault_provider_fixture(seed=3)


async def test_a_port_that_is_taken_is_said_and_the_other_given_back(provider: FaultProvider) -> None:
    taken = int(provider.control_url.rpartition(":")[2])
    refused = FaultProvider(listen=Listen(control_port=taken))
    with pytest.raises(OSError, match="in use"):
        await refused.__aenter__()
    with pytest.raises(OSError, match="in use"):
        await FaultProvider(listen=Listen(port=taken)).__aenter__()


async def statuses(provider: FaultProvider, count: int = 1, dialect: str = "chat", **body: Any) -> list[int]:
    async with httpx2.AsyncClient(base_url=provider.url) as client:
        asked = body_for(dialect) | body
        return [(await client.post(PATHS[dialect], json=asked)).status_code for _ in range(count)]


async def control(provider: FaultProvider, path: str, body: Any = None) -> httpx2.Response:
    async with httpx2.AsyncClient(base_url=provider.control_url) as client:
        if path in {"log", "verbs", "nowhere"}:
            return await client.get(f"/control/{path}")
        return await client.post(f"/control/{path}", json=body)


async def test_a_share_of_the_requests_fails_and_the_seed_says_which() -> None:
    async def drawn(seed: int) -> list[int]:
        async with FaultProvider("status(500)", seed=seed) as provider:
            provider.use("status(500)", share=0.3)
            return await statuses(provider, 40)

    first = await drawn(1)
    assert 4 <= first.count(500) <= 20
    assert await drawn(1) == first
    assert await drawn(2) != first


async def test_a_fault_lasts_for_so_many_requests(provider: FaultProvider) -> None:
    provider.use("status(500)", times=2)
    assert await statuses(provider, 4) == [500, 500, 200, 200]


async def test_a_rule_takes_only_what_it_matches(provider: FaultProvider) -> None:
    provider.use("status(500)", match={"model": "gpt-*"})
    assert await statuses(provider, model="gpt-4o") == [500]
    assert await statuses(provider, model="llama") == [200]
    provider.use("status(500)", match={"dialect": "anthropic_messages"})
    assert await statuses(provider, dialect="messages") == [500]
    assert await statuses(provider) == [200]
    provider.use("status(500)", match={"stream": True})
    assert await statuses(provider, stream=True) == [500]
    assert await statuses(provider) == [200]


async def test_a_models_name_outranks_the_rules(provider: FaultProvider) -> None:
    provider.use("status(500)")
    assert await statuses(provider, model="fault:status(418)") == [418]
    assert await statuses(provider, model="fault:healthy") == [200]


@pytest.mark.parametrize(
    ("fault", "options", "said"),
    [
        ("refuse", {"match": {"model": "x"}}, "cannot match one"),
        ("status(500)", {"match": {"modle": "x"}}, "cannot match 'modle'; known are dialect, model, stream"),
        ("status(500)", {"share": 30}, "share must be between 0 and 1"),
    ],
)
async def test_a_rule_that_cannot_be_is_refused(
    provider: FaultProvider, fault: str, options: dict[str, Any], said: str
) -> None:
    with pytest.raises(FaultSyntaxError, match=said):
        provider.use(fault, **options)


async def test_the_control_api_chooses_resets_and_reports(provider: FaultProvider) -> None:
    chosen = await control(provider, "config", {"fault": "status(500)", "match": {"model": "bad"}, "seed": 1})
    assert chosen.json() == {"rules": ["status(500)"]}
    assert await statuses(provider, model="bad") == [500]
    assert await statuses(provider) == [200]
    told = (await control(provider, "log")).json()
    assert [line["event"] for line in told["log"]] == ["received", "ended"] * 2
    assert told["log"][0]["fault"] == "status(500)"
    assert (await control(provider, "reset")).json() == {"rules": []}
    assert await statuses(provider, model="bad") == [200]
    assert len(provider.requests) == 1


async def test_the_first_rule_that_takes_a_request_counts(provider: FaultProvider) -> None:
    rules = [{"fault": "status(500)", "times": 1}, {"fault": "status(429)", "match": {"model": "b*"}}]
    await control(provider, "config", rules)
    assert await statuses(provider, 2, model="bad") == [500, 429]
    assert await statuses(provider) == [200]


async def test_the_control_api_is_reached_while_the_port_is_closed(provider: FaultProvider) -> None:
    await control(provider, "config", {"fault": "refuse"})
    with pytest.raises(httpx2.ConnectError):
        await statuses(provider)
    await control(provider, "reset")
    assert await statuses(provider) == [200]


@pytest.mark.parametrize(
    ("body", "said"),
    [
        ({"fault": "stal_after(1)"}, "did you mean 'stall_after'?"),
        ({"falt": "status(500)"}, "falt"),
        ({"fault": "status(500)", "share": 2}, "share must be between 0 and 1"),
    ],
)
async def test_the_control_api_says_what_is_wrong(provider: FaultProvider, body: Any, said: str) -> None:
    answer = await control(provider, "config", body)
    assert answer.status_code == 400
    assert said in answer.json()["error"]
    assert await statuses(provider) == [200]


async def test_the_control_api_names_the_verbs_and_its_own_paths(provider: FaultProvider) -> None:
    assert "stall_after(n, s=inf)" in (await control(provider, "verbs")).json()
    lost = await control(provider, "nowhere")
    assert lost.status_code == 404
    assert "POST /control/config" in lost.json()["error"]


def post(url: str, body: dict[str, Any]) -> int:
    asked = urllib.request.Request(url, json.dumps(body).encode(), {"connection": "close"})
    try:
        with urllib.request.urlopen(asked, timeout=30) as answer:
            return int(answer.status)
    except urllib.error.HTTPError as error:
        with error:
            return error.code


def test_a_thread_hosts_it_for_those_who_do_not_await() -> None:
    before = set(threading.enumerate())
    with running_fault_provider("status(503)", seed=1) as provider:
        url = provider.url + PATHS["chat"]
        assert post(url, body_for("chat")) == 503
        provider.use("status(500)", times=1)
        assert [post(url, body_for("chat")), post(url, body_for("chat"))] == [500, 200]
        assert [seen.fault for seen in provider.requests] == ["status(503)", "status(500)", "healthy"]
        assert [line["event"] for line in provider.log] == ["received", "ended"] * 3
        with pytest.raises(FaultSyntaxError, match="did you mean 'slice'"):
            provider.use("slce")
        provider.reset()
        assert provider.requests == []
    with pytest.raises(urllib.error.URLError):
        post(url, body_for("chat"))
    assert "fault-provider" not in {thread.name for thread in set(threading.enumerate()) - before}


def test_the_fixture_serves_a_test_that_does_not_await(hosted: Any) -> None:
    assert post(hosted.url + PATHS["messages"], body_for("messages")) == 200


async def test_the_fixture_serves_a_test_that_awaits(hosted: Any) -> None:
    hosted.use("status(529)")
    assert await asyncio.to_thread(post, hosted.url + PATHS["messages"], body_for("messages")) == 529
    assert hosted.open_connections == 0


async def test_a_ledger_that_cannot_be_opened_leaves_no_port_open(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError):
        async with FaultProvider(ledger=tmp_path / "no" / "such" / "folder"):
            pytest.fail("it started")
