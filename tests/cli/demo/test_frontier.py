from __future__ import annotations

from decimal import Decimal
from pathlib import Path

import pytest

from turnout.cli.demo.frontier import demo_config, real_frontier
from turnout.cli.demo.queries import own_queries
from turnout.config.load import load_config

ADDRESSES = {name: f"http://127.0.0.1:900{port}/v1" for port, name in enumerate(("local", "primary", "secondary"))}


def test_without_a_key_every_dear_target_is_a_labelled_stand_in(tmp_path: Path) -> None:
    assert real_frontier({"PATH": "/bin", "OPENAI_API_KEY": ""}) is None
    (tmp_path / "demo.yaml").write_text(demo_config(ADDRESSES, None))
    config = load_config(tmp_path / "demo.yaml", {}).config
    assert {name for name, target in config.targets.items() if not target.simulated} == {"small", "selfhosted"}
    assert config.providers["secondary"].base_url == ADDRESSES["secondary"]


@pytest.mark.parametrize(("key", "provider"), [("OPENAI_API_KEY", "openai"), ("ANTHROPIC_API_KEY", "anthropic")])
def test_with_a_key_real_models_take_the_place_of_stand_ins(key: str, provider: str, tmp_path: Path) -> None:
    frontier = real_frontier({key: "secret"})
    assert frontier is not None
    assert frontier.provider == provider
    text = demo_config(ADDRESSES, frontier)
    assert "secret" not in text
    (tmp_path / "demo.yaml").write_text(text)
    targets = load_config(tmp_path / "demo.yaml", {key: "secret"}).config.targets
    assert targets["strong"].provider == provider
    assert not targets["strong"].simulated
    assert targets["primary"].simulated, "the outage needs a target that the demo can stop"


@pytest.mark.parametrize("key", ["OPENAI_API_KEY", "ANTHROPIC_API_KEY"])
def test_what_real_models_cost_at_most_is_known_before_they_are_called(key: str) -> None:
    frontier = real_frontier({key: "secret"})
    assert frontier is not None
    most = frontier.most_usd(own_queries())
    assert most is not None
    assert Decimal("0.01") < most < Decimal("0.50")
