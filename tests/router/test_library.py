"""turnout as a library: the same journey as the gateway's, in Python values."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from turnout import Caller, ConfigError, Router, SyncRouter
from turnout.errors import InvalidRequest, NoCapableTarget, RequestFailed, UnknownRoute
from turnout.ledger.location import database_file
from turnout.ledger.sqlite import SqliteStore
from turnout.testing import HEALTHY_TEXT, HostedFaultProvider, running_fault_provider
from turnout.types.decision import Decision

CONFIG = """
providers:
  one: {{dialect: openai, base_url: "{one.openai_base_url}"}}
  two: {{dialect: anthropic, base_url: "{two.anthropic_base_url}", api_key: key}}
targets:
  cheap:  {{provider: one, model: small, price: {{input: 1, output: 2}}}}
  strong: {{provider: two, model: large, price: {{input: 10, output: 20}}}}
routes:
  support:
    baseline: strong
    lists: {{legal: [chargeback]}}
    policy:
      rules:
        - {{name: legal, when: {{matches: legal}}, use: strong}}
        - {{name: rest, use: [cheap, strong]}}
    timeouts: {{first_token: 500ms, idle: 500ms, answer: 2s, total: 5s}}
"""


@pytest.fixture(scope="module")
def providers() -> Iterator[tuple[HostedFaultProvider, HostedFaultProvider]]:
    with running_fault_provider(seed=1) as one, running_fault_provider(seed=2) as two:
        yield one, two


@pytest.fixture
def config(providers: tuple[HostedFaultProvider, HostedFaultProvider], tmp_path: Path) -> Iterator[Path]:
    file = tmp_path / "turnout.yaml"
    file.write_text(CONFIG.format(one=providers[0], two=providers[1]), encoding="utf-8")
    yield file
    for provider in providers:
        provider.reset()


def say(text: str) -> list[dict[str, Any]]:
    return [{"role": "user", "content": text}]


def recorded(data: Path, decision_id: str) -> Decision:
    store = SqliteStore(database_file(data))
    try:
        found = store.read(decision_id)
    finally:
        store.close()
    assert found is not None
    return found


async def test_a_rule_sends_a_question_to_the_cheap_target_and_the_saving_is_recorded(
    config: Path, tmp_path: Path
) -> None:
    async with Router.from_config(config, data=tmp_path / "data") as router:
        answer = await router.chat(route="support", messages=say("Opening hours?"), caller=Caller(user="u-1"))
    assert answer.text == HEALTHY_TEXT
    decision = recorded(tmp_path / "data", answer.decision.id)
    assert decision == answer.decision
    assert (decision.rule, decision.target, decision.user) == ("rest", "cheap", "u-1")
    assert decision.cost_usd is not None
    assert decision.baseline_cost_usd == 10 * decision.cost_usd


async def test_a_failing_target_is_left_for_the_next_and_both_are_in_the_record(
    config: Path, providers: tuple[HostedFaultProvider, HostedFaultProvider], tmp_path: Path
) -> None:
    providers[0].use("hang_headers")
    async with Router.from_config(config, data=tmp_path / "data") as router:
        answer = await router.chat(route="support", messages=say("Opening hours?"))
    assert answer.text == HEALTHY_TEXT
    assert [(each.target, each.outcome) for each in answer.decision.attempts] == [
        ("cheap", "failed"),
        ("strong", "answered"),
    ]
    assert answer.decision.attempts[0].error_class == "first_token_timeout"
    assert answer.decision.router_cost_usd == answer.decision.attempts[0].cost_usd


async def test_a_request_that_nobody_answers_keeps_the_rule_that_decided(
    config: Path, providers: tuple[HostedFaultProvider, HostedFaultProvider], tmp_path: Path
) -> None:
    for provider in providers:
        provider.use("status(500)")
    async with Router.from_config(config, data=tmp_path / "data") as router:
        with pytest.raises(RequestFailed) as failed:
            await router.chat(route="support", messages=say("Opening hours?"))
    assert failed.value.decision_id is not None
    decision = recorded(tmp_path / "data", failed.value.decision_id)
    assert (decision.outcome, decision.rule, decision.target) == ("failed", "rest", None)


async def test_a_stream_yields_text_as_it_comes_and_is_recorded_at_its_end(config: Path, tmp_path: Path) -> None:
    async with (
        Router.from_config(config, data=tmp_path / "data") as router,
        await router.stream(route="support", messages=say("A chargeback, please")) as stream,
    ):
        texts = [text async for text in stream.text()]
    assert "".join(texts) == HEALTHY_TEXT
    decision = recorded(tmp_path / "data", stream.decision_id)
    assert (decision.rule, decision.target, decision.outcome) == ("legal", "strong", "answered")


async def test_a_stream_left_early_is_cancelled_and_booked(config: Path, tmp_path: Path) -> None:
    async with Router.from_config(config, data=tmp_path / "data") as router:
        async with await router.stream(route="support", messages=say("Hi")) as stream:
            async for _ in stream.text():
                break
        nobody = await router.stream(route="support", messages=say("Hi"))
        await nobody.close()
    assert recorded(tmp_path / "data", nobody.decision_id).outcome == "cancelled"
    assert recorded(tmp_path / "data", stream.decision_id).outcome in {"cancelled", "answered"}


async def test_a_stream_that_breaks_off_raises_after_what_came(
    config: Path, providers: tuple[HostedFaultProvider, HostedFaultProvider], tmp_path: Path
) -> None:
    providers[0].use("drip(40)+eof_after(5)")
    seen: list[str] = []
    async with Router.from_config(config, data=tmp_path / "data") as router:
        stream = await router.stream(route="support", messages=say("Hi"))
        with pytest.raises(RequestFailed, match="broke off"):
            seen.extend([text async for text in stream.text()])
    assert recorded(tmp_path / "data", stream.decision_id).outcome == "partial"


async def test_explain_calls_and_records_nothing(
    config: Path, providers: tuple[HostedFaultProvider, HostedFaultProvider], tmp_path: Path
) -> None:
    before = len(providers[0].requests)
    async with Router.from_config(config, data=tmp_path / "data") as router:
        explanation = router.explain(route="support", messages=say("My chargeback"))
    assert explanation.candidates[0].target == "strong"
    assert explanation.features.matches == {"legal": "chargeback"}
    assert len(providers[0].requests) == before


async def test_errors_say_what_to_mend_and_name_their_record(config: Path, tmp_path: Path) -> None:
    async with Router.from_config(config, data=tmp_path / "data") as router:
        with pytest.raises(UnknownRoute, match="support") as unknown:
            await router.chat(route="suport", messages=say("Hi"))
        with pytest.raises(InvalidRequest, match="JSON"):
            await router.chat(route="support", messages=say("Hi"), metadata={"a": object()})
        with pytest.raises(NoCapableTarget, match="lacks_logprobs"):
            await router.chat(route="strong", messages=say("Hi"), logprobs=True)
    assert unknown.value.decision_id is not None
    assert recorded(tmp_path / "data", unknown.value.decision_id).outcome == "refused"


async def test_a_configuration_that_cannot_be_used_is_told_with_its_line(tmp_path: Path) -> None:
    file = tmp_path / "turnout.yaml"
    file.write_text("targets:\n  a: {provider: nowhere}\n", encoding="utf-8")
    with pytest.raises(ConfigError, match=r"turnout\.yaml:2"):
        async with Router.from_config(file):
            pass


def test_the_sync_face_does_the_same_without_a_loop(config: Path, tmp_path: Path) -> None:
    with SyncRouter.from_config(config, data=tmp_path / "data") as router:
        answer = router.chat(route="support", messages=say("Opening hours?"))
        streamed = list(router.stream(route="support", messages=say("Opening hours?")))
        explanation = router.explain(route="support", messages=say("My chargeback"))
        with pytest.raises(UnknownRoute):
            router.chat(route="suport", messages=say("Hi"))
    assert answer.text == "".join(streamed) == HEALTHY_TEXT
    assert explanation.candidates[0].target == "strong"
    assert recorded(tmp_path / "data", answer.decision.id).outcome == "answered"


async def test_a_defect_of_ours_is_in_the_record_too(
    config: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def defect(*_: object, **__: object) -> None:
        raise ZeroDivisionError

    async with Router.from_config(config, data=tmp_path / "data") as router:
        monkeypatch.setattr("turnout.execution.executor.Executor.run", defect)
        with pytest.raises(ZeroDivisionError):
            await router.chat(route="support", messages=say("Hi"))
    store = SqliteStore(database_file(tmp_path / "data"))
    try:
        ((decision_id,),) = store.rows("SELECT id FROM decisions")
    finally:
        store.close()
    decision = recorded(tmp_path / "data", decision_id)
    assert (decision.outcome, decision.error) == ("failed", "internal")


async def test_a_program_embeds_texts_and_gets_their_vectors_in_order(config: Path, tmp_path: Path) -> None:
    async with Router.from_config(config, data=tmp_path / "data") as router:
        plain = await router.embed(route="cheap", input=["one", "two"], dimensions=4)
        packed = await router.embed(route="cheap", input=["one", "two"], dimensions=4, encoding_format="base64")
        assert (plain.decision.target, plain.decision.dialect) == ("cheap", "openai_embeddings")
        assert [pytest.approx(vector, abs=1e-6) for vector in plain.vectors] == packed.vectors
        assert plain.cost_usd == plain.decision.cost_usd
        with pytest.raises(InvalidRequest, match="input"):
            await router.embed(route="cheap", input=[])


def test_a_program_without_an_event_loop_embeds_as_well(config: Path, tmp_path: Path) -> None:
    with SyncRouter.from_config(config, data=tmp_path / "data") as router:
        assert len(router.embed(route="cheap", input="one", dimensions=3).vectors[0]) == 3


async def test_no_tenant_gets_another_ones_answer(config: Path, tmp_path: Path, providers: tuple) -> None:
    text = config.read_text(encoding="utf-8").replace("baseline: strong", "cache: {ttl: 10m}\n    baseline: strong")
    config.write_text(text, encoding="utf-8")
    async with Router.from_config(config, data=tmp_path / "data") as router:
        told = [
            (await router.chat(route="support", messages=say("hello"), caller=Caller(tenant=tenant))).decision.cache
            for tenant in ("a", "b", "a", "b", "default")
        ]
    assert told == ["miss", "miss", "hit", "hit", "miss"]
