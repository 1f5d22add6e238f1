"""The multi-tenant example: one tenant is driven down its ladder, and the others notice nothing."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import groupby
from pathlib import Path
from typing import Any, Final

import openai
import pytest
import yaml

from tests.processes import wait_for
from tests.running import RunningGateway, running_gateway
from turnout.insight.query import Filter, decisions
from turnout.ledger.location import database_file
from turnout.ledger.sqlite import SqliteStore
from turnout.testing import running_fault_provider

EXAMPLE: Final = Path(__file__).parents[2] / "examples" / "saas.yaml"
PRICES: Final = {"sonnet": 1000, "gpt-4o": 1000, "haiku": 400, "mini": 100}


def shrunk(anthropic_url: str, openai_url: str) -> str:
    """The example before the fault provider, with prices by which few requests use a budget up."""
    config: dict[str, Any] = yaml.safe_load(EXAMPLE.read_text())
    config["providers"] = {
        "anthropic": {"base_url": anthropic_url, "api_key": "k"},
        "openai": {"base_url": openai_url, "api_key": "k"},
    }
    for name, price in PRICES.items():
        config["targets"][name]["price"] = {"input": price, "output": price}
    config["tenants"]["acme"]["budgets"][0]["usd"] = 2
    config["server"] = {"keys": [{"key": f"key-of-{name}", "tenant": name} for name in config["tenants"]]}
    return yaml.safe_dump(config)


@pytest.fixture(scope="module")
def running(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningGateway]:
    with running_fault_provider(seed=1) as provider:
        config = shrunk(provider.anthropic_base_url, provider.openai_base_url)
        with running_gateway(config, tmp_path_factory.mktemp("saas")) as gateway:
            yield gateway


def ask(gateway: RunningGateway, tenant: str, question: str) -> openai.types.chat.ChatCompletion | None:
    """The answer; None where there is too little money."""
    with openai.OpenAI(base_url=f"{gateway.url}/v1", api_key=f"key-of-{tenant}", timeout=60) as client:
        messages: Any = [{"role": "user", "content": question}]
        try:
            return client.chat.completions.create(model="assistant", messages=messages, max_tokens=60)
        except openai.RateLimitError as error:
            if error.code != "insufficient_quota" or "acme/tenant-month" not in str(error):
                raise
            return None


def test_a_tenant_goes_down_its_ladder_step_by_step_and_alone(running: RunningGateway) -> None:
    asked = 0
    while ask(running, "acme", f"question {asked}") is not None:
        asked += 1
        assert asked < 200
    store = SqliteStore(database_file(running.data))
    wait_for(lambda: len(list(decisions(store, Filter(tenant="acme")))) == asked + 1, 60)
    made = list(reversed(list(decisions(store, Filter(tenant="acme")))))

    assert [target for target, _ in groupby(each.target for each in made[:-1])] == ["sonnet", "haiku", "mini"]
    steps = [(each.reason or "").split("/")[1] for each in made[:-1]]
    assert [step for step, _ in groupby(steps)] == ["budget:1", "budget:2", "budget:3"]
    told = [considered.because for each in made for considered in each.considered if considered.chosen]
    assert any("% used, from 90%" in because for because in told)
    assert all("acme/tenant-month" in str(each.conditions["budgets"]) for each in made)
    assert sum(each.cost_usd or 0 for each in made) <= 2

    again = ask(running, "acme", "question 0")
    assert again is not None, "an answer that was given before costs nothing"
    assert ask(running, "acme", "a new question") is None
    assert ask(running, "globex", "question 0") is not None
    wait_for(lambda: bool(list(decisions(store, Filter(tenant="globex")))), 60)
    (other,) = decisions(store, Filter(tenant="globex"))
    assert other.target == "sonnet"
