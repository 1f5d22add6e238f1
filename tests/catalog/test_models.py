from __future__ import annotations

import re

import pytest

from turnout.catalog.models import FAMILIES, Family, capabilities
from turnout.types.dialect import Need


@pytest.mark.parametrize(
    ("provider", "model", "window"),
    [
        ("anthropic", "claude-3-5-sonnet-20241022", 200_000),
        ("anthropic", "claude-3-5-haiku-20241022", 200_000),
        ("openai", "gpt-4o", 128_000),
        ("openai", "gpt-4o-mini", 128_000),
        (None, "llama-3.1-70b-instruct", 131_072),
        (None, "SmolLM2-135M-Instruct", 8_192),
    ],
)
def test_well_known_models_have_their_context_window(provider: str | None, model: str, window: int) -> None:
    assert capabilities(provider, model).context_tokens == window


@pytest.mark.parametrize(
    ("model", "lack"),
    [
        ("gpt-4o", Need.REASONING),
        ("gpt-4-0613", Need.IMAGES),
        ("gpt-3.5-turbo-0125", Need.JSON_SCHEMA),
        ("o1-mini", Need.TOOLS),
        ("o3-2025-04-16", Need.LOGPROBS),
        ("claude-3-5-sonnet-20241022", Need.REASONING),
        ("claude-sonnet-4-20250514", Need.JSON_SCHEMA),
        ("gemini-2.0-flash", Need.REASONING),
        ("google/gemini-1.5-pro", Need.IMAGE_URLS),
        ("meta-llama/Llama-3.3-70B-Instruct", Need.IMAGES),
    ],
)
def test_what_a_family_lacks_is_known(model: str, lack: Need) -> None:
    assert lack in capabilities(None, model).lacks


@pytest.mark.parametrize(
    ("model", "has"),
    [
        ("gpt-4o", Need.IMAGES),
        ("gpt-4o-2024-08-06", Need.JSON_SCHEMA),
        ("gpt-4-turbo", Need.IMAGES),
        ("gpt-4o-audio-preview", Need.AUDIO),
        ("o3", Need.TOOLS),
        ("gpt-5.2", Need.LOGPROBS),
        ("claude-3-7-sonnet-20250219", Need.REASONING),
        ("claude-sonnet-4-5-20250929", Need.JSON_SCHEMA),
        ("claude-opus-4-1", Need.JSON_SCHEMA),
        ("gemini-2.5-flash", Need.REASONING),
        ("gemini-2.0-flash", Need.IMAGES),
    ],
)
def test_a_neighbour_is_not_taken_for_the_family(model: str, has: Need) -> None:
    assert has not in capabilities(None, model).lacks


def test_a_model_nobody_knows_is_taken_to_lack_nothing() -> None:
    assert capabilities("openai", "brand-new-model").lacks == frozenset()
    assert capabilities("openai", "brand-new-model").context_tokens is None


@pytest.mark.parametrize("family", FAMILIES, ids=lambda family: family.pattern)
def test_every_family_is_well_formed(family: Family) -> None:
    re.compile(family.pattern)
    assert family.lacks <= set(Need)
    assert family.context_tokens is None or family.context_tokens > 0
