"""Targets are asked from time to time, so that nobody's request has to find out how they are."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from tests.waiting import until
from tests.wiring import OPENAI, Wired, endpoint, wire
from turnout.config.build import ConfiguredRouter
from turnout.config.load import load_config_text
from turnout.errors import ConfigError
from turnout.execution.breaker import BreakerSettings
from turnout.providers.aiohttp_transport import AiohttpTransport
from turnout.router.probing import AT_ONCE, TENANT, Prober
from turnout.testing import FaultProvider, FrozenClock
from turnout.types.clock import SystemClock

CONFIG = """
providers: {{here: {{dialect: openai, base_url: "{url}"}}}}
targets: {{small: {{provider: here, model: m, price: {{input: 1, output: 1}}, probe: {{every: {every}}}}}}}
routes: {{ask: {{policy: small}}}}
"""


@asynccontextmanager
async def probing(wired: Wired, **every: float) -> AsyncIterator[None]:
    task = asyncio.create_task(Prober(wired.router, lambda: every, SystemClock()).run())
    yield
    task.cancel()
    await asyncio.wait([task])


@pytest.fixture
async def wired() -> AsyncIterator[tuple[Wired, FaultProvider]]:
    async with FaultProvider() as provider:
        transport = AiohttpTransport()
        target = endpoint("a", transport, OPENAI, provider.openai_base_url)
        yield wire(target, settings=BreakerSettings(consecutive=2, cooldown=0.3)), provider
        await transport.close()


async def test_a_probe_is_recorded_for_nobodys_tenant(wired: tuple[Wired, FaultProvider]) -> None:
    at, provider = wired
    async with probing(at, a=0.05):
        await until(lambda: len(at.ledger.decisions) >= 2)
    first, second = at.ledger.decisions[:2]
    assert {first.tenant, second.tenant} == {TENANT}
    assert first.outcome == "answered"
    assert first.cost_usd
    assert provider.requests


async def test_an_outage_is_found_and_its_end_as_well_without_a_callers_request(
    wired: tuple[Wired, FaultProvider],
) -> None:
    at, provider = wired
    provider.use("status(500)")
    async with probing(at, a=0.05):
        await until(lambda: at.breakers.not_closed() != {})
        provider.use(None)
        await until(lambda: at.breakers.not_closed() == {})
    assert [change.state for change in at.transitions] == ["open", "closed"]


def test_the_first_probe_comes_after_a_whole_interval_and_no_more_than_a_few_at_once() -> None:
    clock = FrozenClock()
    names = [f"t{number}" for number in range(AT_ONCE + 3)]
    transport = AiohttpTransport()
    at = wire(*(endpoint(name, transport, OPENAI) for name in names), clock=clock)
    prober = Prober(at.router, dict, clock)
    every = dict.fromkeys(names, 30.0)
    assert prober.due(every) == []
    clock.advance(30)
    assert prober.due(every) == names[:AT_ONCE]
    assert prober.due(every) == names[AT_ONCE:]
    clock.advance(29)
    assert prober.due(every) == []


def test_an_open_breaker_is_left_alone_and_probed_as_soon_as_it_may_close() -> None:
    clock = FrozenClock()
    at = wire(
        endpoint("a", AiohttpTransport(), OPENAI), clock=clock, settings=BreakerSettings(consecutive=1, cooldown=10)
    )
    prober = Prober(at.router, dict, clock)
    every = {"a": 5.0}
    prober.due(every)
    permit = at.breakers["a"].admit()
    assert permit is not None
    permit.failed("it was down")
    clock.advance(9)
    assert prober.due(every) == []
    clock.advance(1)
    assert prober.due(every) == ["a"]


async def test_a_configuration_asks_for_it(tmp_path: Path) -> None:
    async with FaultProvider() as provider:
        file = tmp_path / "turnout.yaml"
        file.write_text(CONFIG.format(url=provider.openai_base_url, every="1s"))
        async with ConfiguredRouter.from_config(file, data=tmp_path / "data", env={}) as router:
            assert router.probe_intervals() == {"small": 1.0}
            await until(lambda: provider.requests)
        assert provider.open_connections == 0


def test_an_interval_of_less_than_a_second_is_refused() -> None:
    with pytest.raises(ConfigError, match="every"):
        load_config_text(CONFIG.format(url="http://127.0.0.1:9/v1", every="10ms"))
