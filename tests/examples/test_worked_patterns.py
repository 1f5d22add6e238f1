from __future__ import annotations

import importlib.util
import subprocess
import sys
from collections.abc import Mapping
from decimal import Decimal
from importlib import resources
from pathlib import Path
from typing import Any, Final

import pytest
import yaml

from turnout import Router
from turnout.config.load import load_config

ROOT: Final = Path(__file__).parents[2]
EXAMPLES: Final = ROOT / "examples"
ENV: Final = {
    "ANTHROPIC_API_KEY": "a",
    "OPENAI_API_KEY": "o",
    "SUPPORT_MODEL_URL": "http://localhost:8000/v1",
    "CONTRACTS_MODEL_URL": "http://localhost:8000/v1",
    "FALLBACK_MODEL_URL": "http://localhost:8000/v1",
}


def demo_file() -> dict[str, Any]:
    text = resources.files("turnout.cli.demo").joinpath("demo.yaml").read_text("utf-8")
    parsed: dict[str, Any] = yaml.safe_load(text)
    return parsed


@pytest.mark.parametrize("name", ["support", "contracts", "always-up", "saas"])
def test_every_pattern_is_a_valid_configuration(name: str) -> None:
    load_config(EXAMPLES / f"{name}.yaml", ENV)


@pytest.mark.parametrize(
    ("said", "rule", "chain"),
    [
        ("How do I reset my password?", "faq", ["small", "mid"]),
        ("HOW DO I RESET MY\nPASSWORD", "faq", ["small", "mid"]),
        ("I was charged twice", "complex", ["mid", "backup"]),
        ("I forgot my password and want to speak to a human", "escalation", ["strong", "backup"]),
        ("The opening hours matter to me. " * 30, "long", ["mid", "backup"]),
        ("Are the blue mugs dishwasher safe?", "rest", ["mid", "backup"]),
    ],
)
async def test_support_sends_each_kind_of_question_to_its_model(
    said: str, rule: str, chain: list[str], tmp_path: Path
) -> None:
    async with Router.from_config(EXAMPLES / "support.yaml", data=tmp_path, env=ENV) as router:
        explained = router.explain(route="support", messages=[{"role": "user", "content": said}])
    assert [each.name for each in explained.considered if each.chosen] == [rule]
    assert [each.target for each in explained.candidates] == chain


async def test_always_up_tries_its_three_targets_in_order(tmp_path: Path) -> None:
    async with Router.from_config(EXAMPLES / "always-up.yaml", data=tmp_path, env=ENV) as router:
        explained = router.explain(route="assistant", messages=[{"role": "user", "content": "Hello"}])
    assert [each.target for each in explained.candidates] == ["primary", "secondary", "selfhosted"]


async def test_contracts_asks_its_own_model_first(tmp_path: Path) -> None:
    async with Router.from_config(EXAMPLES / "contracts.yaml", data=tmp_path, env=ENV) as router:
        explained = router.explain(route="contracts", messages=[{"role": "user", "content": "Summarise clause 4."}])
    assert [each.hold for each in explained.candidates] == [True, False, False]


def test_the_demo_runs_the_very_rules_of_the_support_pattern() -> None:
    pattern = yaml.safe_load((EXAMPLES / "support.yaml").read_text("utf-8"))
    assert demo_file()["routes"]["support"] == pattern["routes"]["support"]


def test_the_demo_runs_the_very_chain_of_the_always_up_pattern() -> None:
    pattern = yaml.safe_load((EXAMPLES / "always-up.yaml").read_text("utf-8"))
    assert demo_file()["routes"]["assistant"] == pattern["routes"]["assistant"]


def test_the_demos_stand_ins_charge_what_the_models_they_stand_for_do() -> None:
    from turnout.catalog.prices import price_of

    cost = _cost_script()
    provider: Mapping[str, str] = {"claude": "anthropic", "gpt": "openai"}
    stand_ins = {name: target for name, target in demo_file()["targets"].items() if target.get("simulated")}
    assert len(stand_ins) == 5
    for target in stand_ins.values():
        model = target["model"].removeprefix("simulated-")
        listed = price_of(provider[model.partition("-")[0]], model, cost.PRICED_AT)
        assert listed is not None and listed.output is not None  # noqa: PT018 - one fact
        assert (float(listed.input), float(listed.output)) == (target["price"]["input"], target["price"]["output"])


def test_the_page_says_what_the_script_reckons() -> None:
    done = subprocess.run(
        [sys.executable, str(EXAMPLES / "support_cost.py")], check=True, capture_output=True, text=True, cwd=ROOT
    )
    page = (ROOT / "docs/patterns/support.md").read_text("utf-8")
    assert done.stdout.strip() in page, "run `python examples/support_cost.py` and paste its table into the page"


def test_the_assumptions_of_the_script_are_on_the_page() -> None:
    cost = _cost_script()
    page = (ROOT / "docs/patterns/support.md").read_text("utf-8")
    said = " ".join(page.split())
    assert f"{cost.INSTRUCTIONS} tokens of instructions" in said
    assert f"{cost.TOKENS_PER_DAY:,} × 30" in said
    for rule, tokens in cost.ANSWERS.items():
        assert f"`{rule}`" in said
        assert str(tokens) in said


def _cost_script() -> Any:
    spec = importlib.util.spec_from_file_location("support_cost", EXAMPLES / "support_cost.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_the_arithmetic_of_contracts_is_that_of_its_prices() -> None:
    from turnout.catalog.prices import price_of

    def usd(provider: str, model: str) -> Decimal:
        price = price_of(provider, model, _cost_script().PRICED_AT)
        assert price is not None
        assert price.output is not None
        return (1000 * price.input + 500 * price.output) / 10**6

    example = yaml.safe_load((EXAMPLES / "contracts.yaml").read_text("utf-8"))
    own = example["targets"]["llama-70b"]["price"]
    cheap = Decimal(str((1000 * own["input"] + 500 * own["output"]) / 10**6))
    escalated = usd("openai", "gpt-4o") * Decimal("0.12")
    always = usd("anthropic", example["targets"]["sonnet"]["model"])
    assert [f"{each:.4f}" for each in (cheap, escalated, cheap + escalated, always)] == [
        "0.0009",
        "0.0009",
        "0.0018",
        "0.0105",
    ]
    assert f"{(cheap + escalated) / always:.0%}" == "17%"
    said = (EXAMPLES / "contracts.yaml").read_text("utf-8")
    for each in ("0.0009 USD", "0.0018 USD", "0.0105 USD", "17 %"):
        assert each in said
