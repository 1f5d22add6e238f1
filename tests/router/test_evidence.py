"""Evidence: what a judge, a strong target and checks of form say of answers, beside the traffic."""

from __future__ import annotations

import re
from collections.abc import AsyncIterator, Callable, Iterable
from contextlib import AsyncExitStack, asynccontextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import msgspec
import pytest

from tests.router.test_shadows import Told
from tests.waiting import until
from tests.wiring import ANTHROPIC, OPENAI, RESPONSES, listen, request
from turnout.config.build import ConfiguredRouter
from turnout.config.load import load_config_text
from turnout.errors import ConfigErrors
from turnout.insight.advise.assumptions import Assumptions
from turnout.insight.advise.recorded import recorded_facts
from turnout.insight.feedback import said_of
from turnout.insight.query import Filter
from turnout.insight.shadows import pairs
from turnout.insight.sums import summary
from turnout.ledger.location import database_file
from turnout.ledger.sqlite import SqliteStore
from turnout.testing.simulated_model import SimulatedModel
from turnout.types.dialect import DialectName
from turnout.types.feedback import Feedback

CONFIG = """
providers:
  one: {{dialect: openai, base_url: "{one}"}}
  two: {{dialect: openai, base_url: "{two}"}}
  three: {{dialect: openai, base_url: "{three}"}}
targets:
  cheap:  {{provider: one, model: m-1, price: {{input: 1, output: 2}}}}
  strong: {{provider: two, model: m-2, price: {{input: 10, output: 20}}}}
  grader: {{provider: three, model: m-3, price: {{input: 5, output: 15}}}}
routes:
  support:
    policy: cheap
    baseline: strong
    timeouts: {{connect: 30s, first_token: 60s, answer: 60s, total: 90s}}
    {rest}
"""
SHADOW = "shadow: {share: 100%, to: [strong], daily_usd: 5}"
HI: list[dict[str, Any]] = [{"role": "user", "content": "What is 6 times 7?"}]


class Grader:
    """Likes 42, and notes what it was asked."""

    def __init__(self) -> None:
        self.asked: list[str] = []

    def __call__(self, prompt: str) -> str:
        self.asked.append(prompt)
        answers = re.findall(r"<(first|second|answer)-[0-9a-f]+>\n(.*?)\n</", prompt, re.DOTALL)
        grades = {place: 9 if "42" in text else 3 for place, text in answers}
        if "answer" in grades:
            return f'So so. {{"score": {grades["answer"]}}}'
        return f'Well. {{"first": {grades["first"]}, "second": {grades["second"]}}}'


Opened = Callable[..., Any]


@pytest.fixture
def opened(tmp_path: Path) -> Opened:
    """Opens a router whose targets say 41 and 42, and whose grader can be replaced."""

    @asynccontextmanager
    async def open_(rest: str, grade: Callable[[str], str]) -> AsyncIterator[tuple[ConfiguredRouter, Told]]:
        told = Told()
        async with AsyncExitStack() as stack:
            urls = []
            for says in (lambda _: "It is 41.", lambda _: "It is 42.", grade):
                model = SimulatedModel(says, first_token_s=0, tokens_per_s=1e6)
                await model.start()
                stack.push_async_callback(model.stop)
                urls.append(model.base_url)
            file = tmp_path / "turnout.yaml"
            file.write_text(CONFIG.format(one=urls[0], two=urls[1], three=urls[2], rest=rest), encoding="utf-8")
            router = await stack.enter_async_context(
                ConfiguredRouter.from_config(file, data=tmp_path / "data", observers=[told])
            )
            yield router, told

    return open_


def evidence(data: Path, ids: Iterable[str]) -> list[Feedback]:
    store = SqliteStore(database_file(data / "data"))
    try:
        return [each for one in ids for each in said_of(store, one)]
    finally:
        store.close()


async def test_a_judge_grades_both_answers_blind_and_in_an_order_of_chance(opened: Opened, tmp_path: Path) -> None:
    rest = f"""{SHADOW}
    evidence: {{judge: {{target: grader, share: 100%, daily_usd: 5}}, agreement: {{with: strong, by: number}}}}"""
    grader = Grader()
    async with opened(rest, grader) as (router, told):
        for number in range(16):
            if number % 2:
                await router.chat(route="support", messages=HI)
            else:
                async for _ in (await router.stream(route="support", messages=HI)).text():
                    pass
        await until(lambda: len(told.shadows) == 32 and not router.shadows.under_way())
    store = SqliteStore(database_file(tmp_path / "data"))
    found = list(pairs(store, Filter()))
    sums = summary(store, Filter())
    store.close()
    assert len(found) == len(grader.asked) == 16
    assert not any(name in prompt for prompt in grader.asked for name in ("cheap", "strong", "m-1", "m-2"))
    served = evidence(tmp_path, (pair.served.id for pair in found))
    shown = [each for each in served if each.kind == "judge"]
    beside = evidence(tmp_path, (pair.shadow.id for pair in found))
    assert [(each.score, each.judge) for each in shown] == [(0.3, "grader")] * 16
    assert [(each.score, each.kind) for each in beside] == [(0.9, "judge")] * 16
    assert {each.label for each in shown} == {"shown first", "shown second"}
    agreed = [(each.score, each.judge) for each in served if each.kind == "agreement"]
    assert agreed == [(0.0, "strong")] * 16
    assert all(pair.served.feedback is None for pair in found)  # nobody has said so
    assert (sums.decisions, sums.ratings) == (16, 0)
    judged = [shadow for shadow in told.shadows if shadow.target == "grader"]
    assert {attempt.purpose for shadow in judged for attempt in shadow.attempts} == {"judge"}
    assert sums.router_cost_usd == sum(shadow.cost_usd or 0 for shadow in told.shadows)


async def test_what_is_found_of_answers_beside_the_traffic_tells_whether_to_route(
    opened: Opened, tmp_path: Path
) -> None:
    hard = """
  hard:
    policy: strong
    shadow: {share: 100%, to: [cheap], daily_usd: 5}
    evidence: {judge: {target: grader, share: 100%, daily_usd: 5}, agreement: {with: cheap, by: number}}"""
    async with opened(SHADOW + hard, lambda _: 'Well. {"first": 9, "second": 9}') as (router, told):
        for _ in range(6):
            await router.chat(route="hard", messages=HI)
        await until(lambda: len(told.shadows) == 12 and not router.shadows.under_way())
    store = SqliteStore(database_file(tmp_path / "data"))
    found = recorded_facts(store, Filter(), Assumptions(), now=datetime.now(UTC))
    store.close()
    share = found.known["cheaper_share"]
    assert found.value("cheap_cost") == pytest.approx(0.1)
    assert share.value == 1.0, "graded as good each, though none says what the strong one said"
    assert share.how == "6 answers of cheap beside the traffic, graded or compared with strong's"
    assert found.source.startswith("the ledger: 6 requests")


async def test_without_a_shadow_a_judge_grades_the_answer_alone(opened: Opened, tmp_path: Path) -> None:
    grader = Grader()
    async with opened(
        "evidence: {judge: {target: grader, share: 100%, daily_usd: 5, rubric: It is short.}}", grader
    ) as (router, told):
        answer = await router.chat(route="support", messages=HI)
        await until(lambda: told.shadows and not router.shadows.under_way())
    (said,) = evidence(tmp_path, [answer.decision.id])
    assert (said.kind, said.score, said.label) == ("judge", 0.3, None)
    assert "It is short." in grader.asked[0]


async def test_a_judge_that_says_no_grade_is_paid_and_proves_nothing(opened: Opened, tmp_path: Path) -> None:
    for rest in ("", f"{SHADOW}\n    "):
        judge = f"{rest}evidence: {{judge: {{target: grader, share: 100%, daily_usd: 5}}}}"
        async with opened(judge, lambda _: "I would rather not.") as (router, told):
            answer = await router.chat(route="support", messages=HI)
            await until(lambda: told.shadows and told.shadows[-1].target == "grader")
            await until(lambda: not router.shadows.under_way())
        assert evidence(tmp_path, [answer.decision.id]) == []
        assert told.shadows[-1].cost_usd


async def test_a_judge_stops_where_its_daily_cap_would_be_exceeded(opened: Opened, tmp_path: Path) -> None:
    async with opened("evidence: {judge: {target: grader, share: 100%, daily_usd: 0.0001}}", Grader()) as (
        router,
        told,
    ):
        await router.chat(route="support", messages=HI)
        await until(lambda: told.dropped)
    assert (told.dropped, told.shadows) == (["evidence.judge.daily_usd"], [])


async def test_answers_are_checked_for_their_form_at_no_cost(opened: Opened, tmp_path: Path) -> None:
    wanted = {"type": "json_schema", "json_schema": {"name": "n", "schema": {"type": "object"}}}
    async with opened("evidence: {checks: {of: [schema_invalid, empty], share: 100%}}", Grader()) as (router, told):
        answer = await router.chat(route="support", messages=HI, response_format=wanted)
        await until(lambda: not router.shadows.under_way())
    found = {each.judge: each.score for each in evidence(tmp_path, [answer.decision.id])}
    assert found == {"schema_invalid": 0.0, "empty": 1.0}
    assert told.shadows == []


@pytest.mark.parametrize("stream", [False, True])
@pytest.mark.parametrize("speaks", [OPENAI, ANTHROPIC, RESPONSES])
async def test_an_answer_is_read_in_whatever_dialect_its_caller_got_it(
    opened: Opened, tmp_path: Path, speaks: DialectName, stream: bool
) -> None:
    asked = msgspec.structs.replace(request(speaks, stream=stream), route="support")
    grader = Grader()
    async with opened("evidence: {judge: {target: grader, share: 100%, daily_usd: 5}}", grader) as (router, told):
        assert "41" in (await listen(await router.handle(asked), speaks)).text
        await until(lambda: told.shadows and not router.shadows.under_way())
    (prompt,) = grader.asked
    assert "user: hello" in prompt
    assert "It is 41." in prompt
    (said,) = evidence(tmp_path, [told.requests[0].id])
    assert said.score == 0.3


@pytest.mark.parametrize(
    ("rest", "told"),
    [
        ("evidence: {}", "it asks for nothing"),
        ("evidence: {agreement: {with: strong}}", "no shadow of the route is 'strong'"),
        ("evidence: {judge: {target: gradr, daily_usd: 1}}", "Did you mean"),
        ("evidence: {judge: {target: grader}}", "daily_usd"),
        ("shadow: {share: 0%, to: [strong], daily_usd: 1}", "share"),
        ("shadow: {share: 5%, to: [], daily_usd: 1}", "shadow.to"),
    ],
)
def test_what_cannot_be_is_said_when_the_configuration_is_read(rest: str, told: str) -> None:
    from turnout.config.compile import compile_routes

    with pytest.raises(ConfigErrors, match=re.escape(told)):
        compile_routes(
            load_config_text(CONFIG.format(one="http://a/v1", two="http://b/v1", three="http://c/v1", rest=rest))
        )
