"""Which models stand at the dear end of the demo: real ones where a key is at hand, else labelled stand-ins."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from decimal import Decimal
from importlib import resources
from typing import Any, Final

import msgspec
import yaml

from turnout.catalog.cost import cost
from turnout.catalog.prices import price_of
from turnout.cli.demo.queries import Query
from turnout.features.tokens import estimate_tokens
from turnout.types.clock import SystemClock
from turnout.types.usage import Usage

MAX_TOKENS: Final = 120
"""The longest answer that the demo asks for, in tokens."""


class Frontier(msgspec.Struct, frozen=True, kw_only=True):
    """A provider of real models for `mid` and `strong`.

    Attributes:
        provider: its known name.
        key_env: the environment variable that holds its key.
        mid, strong: its names of the two models.
    """

    provider: str
    key_env: str
    mid: str
    strong: str

    def most_usd(self, queries: Sequence[Query]) -> Decimal | None:
        """What the queries cost at most: all of them at the strong model, with the longest answers."""
        read = sum(estimate_tokens(query.text) + 50 for query in queries)
        usage = Usage(input_tokens=read, output_tokens=MAX_TOKENS * len(queries))
        price = price_of(self.provider, self.strong, SystemClock().now())
        return cost(usage, price and price.at(read // max(len(queries), 1)))


_REAL: Final = (
    Frontier(provider="anthropic", key_env="ANTHROPIC_API_KEY", mid="claude-haiku-4-5", strong="claude-sonnet-4-5"),
    Frontier(provider="openai", key_env="OPENAI_API_KEY", mid="gpt-4o-mini", strong="gpt-4o"),
)


def real_frontier(environment: Mapping[str, str]) -> Frontier | None:
    """The first provider whose key is in the environment."""
    return next((frontier for frontier in _REAL if environment.get(frontier.key_env)), None)


def demo_config(addresses: Mapping[str, str], frontier: Frontier | None) -> str:
    """demo.yaml with the addresses filled in, and real models in the place of two stand-ins if there are any.

    Args:
        addresses: the base URL of `local`, `primary` and `secondary`.
        frontier: where real models come from.
    """
    text = resources.files("turnout.cli.demo").joinpath("demo.yaml").read_text("utf-8")
    for name, address in addresses.items():
        text = text.replace(f"${{DEMO_{name.upper()}_URL}}", address)
    if frontier is None:
        return text
    config: dict[str, Any] = yaml.safe_load(text)
    config["providers"][frontier.provider] = {}
    for target, model in (("mid", frontier.mid), ("strong", frontier.strong), ("secondary", frontier.strong)):
        config["targets"][target] = {"provider": frontier.provider, "model": model}
    return yaml.safe_dump(config, sort_keys=False, allow_unicode=True)
