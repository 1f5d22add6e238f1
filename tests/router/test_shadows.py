"""Shadows: others are asked as well, and nothing of it is the caller's."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterator
from contextlib import AsyncExitStack, asynccontextmanager
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from tests.waiting import until
from turnout import Router
from turnout.config.build import ConfiguredRouter
from turnout.insight.latency import calls
from turnout.insight.query import Filter, count
from turnout.insight.shadows import Pair, pairs, shadows_of
from turnout.insight.sums import summary, totals
from turnout.ledger.location import database_file
from turnout.ledger.sqlite import SqliteStore
from turnout.testing import HEALTHY_TEXT, HostedFaultProvider, running_fault_provider
from turnout.types.decision import Decision
from turnout.types.events import Event, ShadowDropped, Shadowed

CONFIG = """
providers:
  one: {{dialect: openai, base_url: "{one}"}}
  two: {{dialect: anthropic, base_url: "{two}", api_key: key}}
targets:
  cheap:  {{provider: one, model: small, price: {{input: 1, output: 2}}}}
  strong: {{provider: two, model: {model}, price: {{input: 10, output: 20}}}}
routes:
  support:
    baseline: strong
    policy: cheap
    shadow: {{share: 100%, to: {to}, daily_usd: {usd}}}
    timeouts: {{connect: 30s, first_token: 60s, answer: 60s, total: 90s}}
"""
HI: list[dict[str, Any]] = [{"role": "user", "content": "Hi"}]


class Told:
    """Counts what became of shadows."""

    def __init__(self) -> None:
        self.shadows: list[Decision] = []
        self.dropped: list[str] = []
        self.requests: list[Decision] = []

    def observe(self, event: Event) -> None:
        match event:
            case Shadowed(shadow):
                self.shadows.append(shadow)
            case ShadowDropped(_, reason):
                self.dropped.append(reason)
            case Decision():
                self.requests.append(event)
            case _:
                pass


@pytest.fixture(scope="module")
def providers() -> Iterator[tuple[HostedFaultProvider, HostedFaultProvider]]:
    with running_fault_provider(seed=1) as one, running_fault_provider(seed=2) as two:
        yield one, two


@pytest.fixture
def make(providers: tuple[HostedFaultProvider, HostedFaultProvider], tmp_path: Path) -> Any:
    """Opens a router over the data directory, and tells what becomes of its shadows."""

    @asynccontextmanager
    async def opened(
        *, model: str = "large", to: str = "[strong]", usd: str = "5", worker: str = "w", workers: int = 1
    ) -> AsyncIterator[tuple[ConfiguredRouter, Told]]:
        file, told = tmp_path / "turnout.yaml", Told()
        one, two = providers[0].openai_base_url, providers[1].anthropic_base_url
        file.write_text(CONFIG.format(one=one, two=two, model=f'"{model}"', to=to, usd=usd), encoding="utf-8")
        async with ConfiguredRouter.from_config(
            file, data=tmp_path / "data", worker=worker, workers=workers, observers=[told]
        ) as found:
            yield found, told

    yield opened
    for provider in providers:
        provider.reset()


@pytest.fixture
def store(tmp_path: Path) -> Iterator[SqliteStore]:
    store = SqliteStore(database_file(tmp_path / "data"))
    yield store
    store.close()


async def test_a_shadow_is_its_own_record_and_counts_as_no_request_but_as_the_routers_own_cost(
    make: Any, store: SqliteStore
) -> None:
    async with make() as (router, told):
        answer = await router.chat(route="support", messages=HI)
        await until(lambda: told.shadows)
    assert answer.text == HEALTHY_TEXT
    (pair,) = pairs(store, Filter(route="support"))
    assert (pair.served.id, pair.served.target) == (answer.decision.id, "cheap")
    shadow = pair.shadow
    assert (shadow.shadow_of, shadow.target, shadow.outcome) == (pair.served.id, "strong", "answered")
    assert [attempt.purpose for attempt in shadow.attempts] == ["shadow"]
    assert shadow.cost_usd == shadow.router_cost_usd == 10 * (pair.served.cost_usd or 0)
    assert shadows_of(store, pair.served.id) == [shadow]
    assert told.requests == [answer.decision]
    assert count(store) == 1
    sums = summary(store, Filter())
    assert (sums.decisions, sums.attempts, sums.compared) == (1, 1, 1)
    assert sums.cost_usd == 11 * answer.decision.cost_usd
    assert sums.router_cost_usd == shadow.cost_usd
    assert sums.saved_usd == answer.decision.baseline_cost_usd - sums.cost_usd
    assert store.read(shadow.id) is None


async def test_sums_of_single_records_and_of_hours_agree_on_what_shadows_cost(make: Any, store: SqliteStore) -> None:
    async with make() as (router, told):
        await router.chat(route="support", messages=HI)
        await until(lambda: told.shadows)
    by_target = totals(store, Filter(), by=("target",))
    singly = totals(store, Filter(min_cost_usd=Decimal(0)), by=("target",))
    assert by_target == singly
    assert by_target["strong",].decisions == 0
    assert by_target["strong",].cost_usd == told.shadows[0].cost_usd
    assert sorted(target for _, target in calls(store)) == ["cheap", "strong"]


async def test_a_streamed_request_is_asked_again_once_the_caller_has_all_of_it(make: Any) -> None:
    async with make() as (router, told):
        stream = await router.stream(route="support", messages=HI)
        said = ""
        async for text in stream.text():
            assert not router.shadows.under_way()
            said += text
        await until(lambda: told.shadows)
    assert said == HEALTHY_TEXT
    assert told.shadows[0].stream
    assert told.shadows[0].attempts[0].first_token_ms is not None


async def test_a_policy_is_asked_as_a_shadow_too(make: Any) -> None:
    async with make(model="fault:status(500)", to="[[strong, cheap]]") as (router, told):
        answer = await router.chat(route="support", messages=HI)
        await until(lambda: told.shadows)
    shadow = told.shadows[0]
    assert [attempt.outcome for attempt in shadow.attempts] == ["failed", "answered"]
    assert (shadow.target, shadow.policy_version != answer.decision.policy_version) == ("cheap", True)


async def test_a_shadow_that_fails_is_recorded_and_the_breakers_of_the_traffic_do_not_hear_of_it(make: Any) -> None:
    async with make(model="fault:status(500)") as (router, told):
        for _ in range(12):
            await router.chat(route="support", messages=HI)
        await until(lambda: len(told.shadows) == 12)
        assert not router.parts.breakers.not_closed()
        assert router.parts.beside.breakers.not_closed()
    assert {shadow.outcome for shadow in told.shadows} == {"failed"}
    assert told.shadows[0].attempts[0].status == 500


async def test_the_queue_is_bounded_and_callers_do_not_wait_for_it(make: Any) -> None:
    async with make(model="fault:hang_headers()", usd="1000") as (router, told):
        for _ in range(80):
            await router.chat(route="support", messages=HI)
        assert len(told.requests) == 80
        assert len(list(router.shadows.under_way())) == 68
        assert told.dropped == ["queue_full"] * 12
        router_under_way = router.under_way()
    assert router_under_way == 0
    assert told.dropped.count("stopping") == 64
    assert [shadow.outcome for shadow in told.shadows] == ["cancelled"] * 4


async def test_the_daily_cap_holds_however_many_processes_spend_it_at_once(make: Any, store: SqliteStore) -> None:
    cap = Decimal("0.40")
    async with AsyncExitStack() as stack:
        both = [
            await stack.enter_async_context(make(model="fault:tokens(2000)", usd=str(cap), worker=name, workers=2))
            for name in ("a", "b")
        ]
        await asyncio.gather(
            *(router.chat(route="support", messages=HI, max_tokens=4000) for router, _ in both for _ in range(20))
        )
        await until(lambda: sum(len(told.shadows) + len(told.dropped) for _, told in both) == 40)
    found: list[Pair] = list(pairs(store, Filter()))
    dropped = [reason for _, told in both for reason in told.dropped]
    assert found
    assert set(dropped) == {"shadow.daily_usd"}
    assert sum(pair.shadow.cost_usd or 0 for pair in found) <= cap
    assert len(found) + len(dropped) == 40


async def test_a_target_without_a_price_is_not_asked_since_no_cap_could_hold(
    providers: tuple[HostedFaultProvider, HostedFaultProvider], tmp_path: Path
) -> None:
    file, told = tmp_path / "turnout.yaml", Told()
    config = CONFIG.format(
        one=providers[0].openai_base_url, two=providers[1].anthropic_base_url, model="large", to="[strong]", usd=5
    )
    file.write_text(config.replace(", price: {input: 10, output: 20}", ""), encoding="utf-8")
    async with Router.from_config(file, data=tmp_path / "data", observers=[told]) as router:
        await router.chat(route="support", messages=HI)
        await until(lambda: told.dropped)
    assert (told.shadows, told.dropped) == ([], ["price_unknown"])
