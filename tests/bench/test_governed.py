"""What is compared to tell what governing costs: gateways that differ in one thing each."""

from __future__ import annotations

import json

import pytest

from bench.governed import PARTS, STORES, Variant, grids, variants
from turnout.config.load import load_config_text


@pytest.mark.parametrize("variant", variants(valkey=True), ids=lambda each: each.name)
def test_every_combination_is_a_configuration_with_what_its_name_says(variant: Variant) -> None:
    told = variant.configuration("http://127.0.0.1:9/unary", "redis://127.0.0.1:9/0")
    config = load_config_text(json.dumps(told), {}).config
    tenants = config.tenants if isinstance(config.tenants, dict) else {}
    everything = variant.part == "everything"
    assert config.state.store == variant.store
    assert bool(config.budgets) == (everything or "budgets" in variant.part)
    assert bool(config.flags) == (everything or variant.part == "flag")
    assert any(tenant.limit.concurrent for tenant in tenants.values()) == (everything or variant.part == "limits")
    assert ("budget" in told["routes"]["unary"]["policy"]) == (everything or "ladder" in variant.part)


def test_each_part_is_measured_in_every_store_that_has_a_part_in_it() -> None:
    assert {each.part for each in variants(valkey=False)} == set(PARTS)
    assert {each.store for each in variants(valkey=True)} == set(STORES)
    assert "valkey" not in {each.store for each in variants(valkey=False)}


def test_a_cost_is_what_is_above_that_of_nothing_in_the_same_round() -> None:
    nothing, limits = Variant("nothing", "memory"), Variant("limits", "sqlite")
    rates = {nothing: [3000.0, 2000.0, 1000.0], limits: [2500.0, 1900.0, 900.0]}
    costs = {nothing: [300.0, 500.0, 900.0], limits: [320.0, 530.0, 910.0]}
    above, speed = grids(rates, costs)
    assert above.head == ("", "memory", "sqlite")
    assert above.rows == [("nothing", "500 ± 300", "-"), ("limits", "-", "20 ± 10.0")]
    assert speed.rows[1] == ("limits", "-", "1,900 ± 800")
