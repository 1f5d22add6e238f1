from __future__ import annotations

from pathlib import Path

import pytest

from turnout.cli.demo.asking import Desk
from turnout.cli.demo.gateway import running_gateway
from turnout.cli.demo.queries import Query

CONFIG = """
providers: {nobody: {dialect: openai, base_url: "http://127.0.0.1:1/v1"}}
targets: {only: {provider: nobody, model: m}}
routes: {support: {policy: only}}
"""


@pytest.mark.parametrize("stream", [False, True])
async def test_a_query_that_nobody_can_answer_is_shown_with_its_error_and_record(tmp_path: Path, stream: bool) -> None:
    (tmp_path / "turnout.yaml").write_text(CONFIG)
    async with running_gateway(tmp_path / "turnout.yaml", tmp_path) as address:
        desk = Desk(address, tmp_path)
        asked = await desk.ask(1, Query(text="Hello", user="ana", stream=stream))
        await desk.close()
    assert asked.text is None
    assert asked.error
    assert asked.decision is not None
    assert (asked.decision.outcome, asked.decision.user) == ("failed", "ana")


async def test_a_gateway_that_is_gone_is_an_error_without_a_record(tmp_path: Path) -> None:
    desk = Desk("http://127.0.0.1:1", tmp_path)
    asked = await desk.ask(1, Query(text="Hello"))
    await desk.close()
    assert asked.error
    assert asked.decision is None


async def test_all_queries_are_asked_and_none_twice(tmp_path: Path) -> None:
    desk = Desk("http://127.0.0.1:1", tmp_path)
    queries = [(number, Query(text=str(number))) for number in range(1, 8)]
    asked = [one.number async for one in desk.ask_all(queries)]
    await desk.close()
    assert sorted(asked) == [1, 2, 3, 4, 5, 6, 7]
