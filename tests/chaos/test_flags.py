"""A flag moved while two workers are under load: from nobody to 30 % to everybody, and killed. Read from the ledger."""

from __future__ import annotations

import asyncio
import json
import sys
import time
from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

import aiohttp
import pytest

from tests.processes import GatewayProcess, gateway_process, wait_for
from tests.waiting import until
from turnout.insight import query
from turnout.insight.query import Filter
from turnout.ledger.location import database_file
from turnout.ledger.sqlite import SqliteStore
from turnout.testing import HostedFaultProvider, running_fault_provider
from turnout.types.decision import Decision
from turnout.types.flag import bucket

ADMIN = "the-key-of-an-admin-of-the-test"
CONFIG = f"""
providers:
  chat:  {{{{dialect: openai, base_url: "{{provider.openai_base_url}}"}}}}
targets:
  old: {{{{provider: chat, model: "fault:tokens(2)", price: {{{{input: 3, output: 15}}}}}}}}
  new: {{{{provider: chat, model: "fault:tokens(3)", price: {{{{input: 1, output: 5}}}}}}}}
routes:
  ask:
    baseline: old
    policy:
      rules:
        - {{{{name: new-first, when: {{{{flag: new-first}}}}, use: [new, old]}}}}
        - {{{{name: rest, use: old}}}}
flags:
  new-first: {{{{}}}}
server: {{{{admin_keys: [{{{{name: ops, key: {ADMIN}, role: admin}}}}], notice: 100ms}}}}
"""
SHARE = 0.3
FOLLOWED_S = 30.0
"""The promise is a second, on a machine that does nothing else."""


@pytest.fixture(scope="module")
def provider() -> Iterator[HostedFaultProvider]:
    with running_fault_provider(seed=1) as provider:
        yield provider


@dataclass
class Load:
    """Callers that go on asking, each request for another user and on a connection of its own."""

    url: str
    session: aiohttp.ClientSession
    asked: int = 0
    failed: Counter[str] = field(default_factory=Counter)
    stage: str = ""
    over: bool = False

    async def go_on(self) -> None:
        while not self.over:
            self.asked += 1
            headers = {"x-turnout-user": f"user-{self.asked}", "x-turnout-tags": f"stage={self.stage}"}
            body = json.dumps({"model": "ask", "messages": [{"role": "user", "content": "Hi"}]})
            async with self.session.post(f"{self.url}/v1/chat/completions", data=body, headers=headers) as response:
                answer = await response.text()
            if response.status != 200:
                self.failed[f"{response.status} {answer[:200]}"] += 1

    async def through(self, stage: str, requests: int) -> None:
        """So many further requests under that name."""
        self.stage = stage
        wanted = self.asked + requests
        await until(lambda: self.asked >= wanted, within_s=120)
        self.stage = "between"


@asynccontextmanager
async def load(gateway: GatewayProcess, callers: int = 4) -> AsyncIterator[Load]:
    timeout = aiohttp.ClientTimeout(total=60)
    connector = aiohttp.TCPConnector(force_close=True)  # so that both workers are asked
    async with aiohttp.ClientSession(connector=connector, timeout=timeout) as session:
        put = Load(gateway.url, session)
        asking = [asyncio.create_task(put.go_on()) for _ in range(callers)]
        try:
            yield put
        finally:
            put.over = True
            await asyncio.gather(*asking)


Change = Callable[[GatewayProcess, aiohttp.ClientSession, str, dict[str, object]], Awaitable[None]]


async def by_command(gateway: GatewayProcess, _: aiohttp.ClientSession, command: str, __: dict[str, object]) -> None:
    """As whoever runs the gateway does on its machine, in a process of its own."""
    line = (sys.executable, "-m", "turnout.cli", "flags", *command.split(), "--config", str(gateway.file))
    child = await asyncio.create_subprocess_exec(*line, "--data", str(gateway.data), stdout=asyncio.subprocess.PIPE)
    said = (await child.communicate())[0]
    assert child.returncode == 0, said


async def by_admin(gateway: GatewayProcess, session: aiohttp.ClientSession, _: str, change: dict[str, object]) -> None:
    """As a program of one's own does, by the admin API of whichever worker takes it."""
    address = f"{gateway.url}/admin/flags/new-first"
    async with session.post(address, json=change, headers={"x-api-key": ADMIN}) as response:
        assert response.status == 200, await response.text()


STAGES: Final[tuple[tuple[str, str, dict[str, object]], ...]] = (
    ("observed", "observe new-first 30%", {"mode": "observe", "share": {"on": SHARE}}),
    ("some", "on new-first 30%", {"mode": "on"}),
    ("all", "on new-first", {"share": {"on": 1.0}}),
    ("killed", "kill new-first", {"killed": True}),
)


async def moved(gateway: GatewayProcess, requests: int, change: Change) -> list[Decision]:
    """Move the flag under load, and give the records of it all."""
    async with load(gateway) as put:
        await put.through("before", requests)
        for stage, command, asked in STAGES:
            wanted = told(gateway) + 2
            await change(gateway, put.session, command, asked)
            begun = time.monotonic()
            while told(gateway) < wanted:
                assert time.monotonic() - begun < FOLLOWED_S
                await asyncio.sleep(0.02)
            await put.through(stage, requests)
    assert not put.failed
    store = SqliteStore(database_file(gateway.data))
    try:
        wait_for(lambda: query.count(store) >= put.asked, 60)
        return list(query.decisions(store, Filter()))
    finally:
        store.close()


def told(gateway: GatewayProcess) -> int:
    """How often a worker has told of the flag."""
    return gateway.said.count("flag new-first:")


def shares(decisions: list[Decision]) -> dict[str, float]:
    """Of each stage, how many were answered by the new target."""
    asked, new = Counter[str](), Counter[str]()
    for decision in decisions:
        stage = decision.tags["stage"]
        asked[stage] += 1
        new[stage] += decision.target == "new"
    return {stage: new[stage] / asked[stage] for stage in asked}


def check(decisions: list[Decision], requests: int) -> None:
    """What holds of however many requests."""
    got = shares(decisions)
    assert (got["before"], got["observed"], got["all"], got["killed"]) == (0, 0, 1, 0)
    # Six standard deviations of a share of so many.
    assert got["some"] == pytest.approx(SHARE, abs=6 * (SHARE * (1 - SHARE) / requests) ** 0.5)
    for decision in decisions:
        chosen = bucket("new-first", f"default\0{decision.user}") < SHARE
        match decision.tags["stage"]:
            case "some":
                assert decision.flags == {"new-first": "on" if chosen else "off"}
                assert (decision.target == "new") is chosen
            case "observed":
                assert decision.flags == {"new-first": "observe:on" if chosen else "observe:off"}
                would = decision.conditions.get("would_have")
                assert would == ({"target": "new", "reason": "rule:new-first"} if chosen else None)
            case "killed":
                assert decision.flags == {"new-first": "off"}
                assert decision.conditions["flags"] == {"new-first": "killed"}


def test_a_flag_is_moved_and_killed_under_load(provider: HostedFaultProvider, tmp_path: Path) -> None:
    with gateway_process(CONFIG.format(provider=provider), tmp_path, "--workers", "2") as gateway:
        check(asyncio.run(moved(gateway, 80, by_admin)), 80)


@pytest.mark.slow
def test_a_flag_is_moved_and_killed_by_commands_under_a_longer_load(
    provider: HostedFaultProvider, tmp_path: Path
) -> None:
    with gateway_process(CONFIG.format(provider=provider), tmp_path, "--workers", "2") as gateway:
        decisions = asyncio.run(moved(gateway, 4_000, by_command))
    check(decisions, 4_000)
    sys.stderr.write(f"{ {stage: round(share, 4) for stage, share in shares(decisions).items()} }\n")
