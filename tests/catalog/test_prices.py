from __future__ import annotations

import subprocess
import sys
from datetime import UTC, datetime, timedelta
from decimal import Decimal

import pytest

from turnout.catalog.cost import checked, cost
from turnout.catalog.prices import dated_prices, price_of
from turnout.types.usage import Usage

NOW = datetime(2026, 11, 22, 12, tzinfo=UTC)


@pytest.mark.parametrize(
    ("provider", "model", "read", "written"),
    [
        ("anthropic", "claude-3-5-sonnet-20241022", "3", "15"),
        ("anthropic", "claude-3-5-haiku-20241022", "0.8", "4"),
        ("openai", "gpt-4o", "2.5", "10"),
        ("openai", "gpt-4o-mini", "0.15", "0.6"),
    ],
)
def test_well_known_models_have_their_published_prices(provider: str, model: str, read: str, written: str) -> None:
    price = price_of(provider, model, NOW)
    assert price is not None
    assert (price.input, price.output) == (Decimal(read), Decimal(written))
    assert price.version.startswith("genai-prices ")


def test_tokens_from_and_into_a_cache_have_their_own_prices() -> None:
    price = price_of("anthropic", "claude-3-5-sonnet-20241022", NOW)
    assert price is not None
    assert (price.cached_input, price.cache_write) == (Decimal("0.3"), Decimal("3.75"))


def test_a_prompt_kept_for_an_hour_costs_more_than_one_kept_for_minutes() -> None:
    price = price_of("anthropic", "claude-opus-4-5", NOW)
    assert price is not None
    assert (price.cache_write, price.cache_write_hour) == (Decimal("6.25"), Decimal(10))


def test_a_price_is_the_one_of_its_day() -> None:
    before = price_of("openai", "o3", datetime(2025, 6, 9, 23, 59, tzinfo=UTC))
    after = price_of("openai", "o3", datetime(2025, 6, 10, tzinfo=UTC))
    assert before is not None
    assert after is not None
    assert (before.input, after.input) == (Decimal(10), Decimal(2))
    assert after.version.endswith("since 2025-06-10")


def test_a_price_is_the_one_of_its_hour() -> None:
    night = price_of("deepseek", "deepseek-chat", datetime(2025, 3, 1, 20, tzinfo=UTC))
    day = price_of("deepseek", "deepseek-chat", datetime(2025, 3, 1, 12, tzinfo=UTC))
    assert night is not None
    assert day is not None
    assert night.input < day.input


def test_a_long_prompt_has_the_price_of_its_tier_and_says_so() -> None:
    price = price_of("anthropic", "claude-sonnet-4-5", NOW)
    assert price is not None
    short, long = price.at(200_000), price.at(200_001)
    assert (short.input, short.output, short.cached_input) == (Decimal(3), Decimal(15), Decimal("0.3"))
    assert (long.input, long.output, long.cached_input) == (Decimal(6), Decimal("22.5"), Decimal("0.6"))
    assert long.version == f"{short.version}, over 200000 input tokens"


def test_each_tier_costs_what_the_list_itself_makes_of_it() -> None:
    from genai_prices.data_snapshot import get_snapshot
    from genai_prices.types import Usage as Listed

    google = next(each for each in get_snapshot().providers if each.id == "google")
    for model in ("gemini-2.5-pro", "gemini-3-pro-preview"):
        info = google.find_model(model)
        price = price_of("google", model, NOW)
        assert info is not None
        assert price is not None
        for read in (1, 199_999, 200_000, 200_001, 900_000):
            asked = Listed(input_tokens=read, cache_read_tokens=read // 2, output_tokens=1000)
            expected = info.get_prices(NOW).calc_price(asked)["total_price"]
            assert cost(Usage(input_tokens=read, cached_tokens=read // 2, output_tokens=1000), price) == expected


def test_a_fee_that_tokens_do_not_cover_is_named() -> None:
    price = price_of("perplexity", "sonar", NOW)
    assert price is not None
    assert "without the fee per request" in price.version


@pytest.mark.parametrize(
    ("provider", "model"),
    [("openai", "a-model-nobody-has-heard-of"), ("nobody", "gpt-4o"), ("openrouter", "allenai/molmo-7b-d:free")],
)
def test_an_unknown_price_is_none_and_never_zero(provider: str, model: str) -> None:
    assert price_of(provider, model, NOW) is None


@pytest.mark.parametrize("name", ["GPT-4o-mini", "gpt-4o-mini-2024-07-18", "gpt-4o-mini"])
def test_a_models_name_is_matched_leniently(name: str) -> None:
    price = price_of("openai", name, NOW)
    assert price is not None
    assert price.input == Decimal("0.15")


def test_azure_charges_for_the_models_of_others() -> None:
    price = price_of("azure", "claude-sonnet-4-5", NOW)
    assert price is not None
    assert price.input > 0


def test_every_price_on_the_list_is_an_amount() -> None:
    from genai_prices.data_snapshot import get_snapshot

    models = [(provider.id, model.id) for provider in get_snapshot().providers for model in provider.models]
    dated = [price for provider, model in models for price in dated_prices(provider, model)]
    assert len(dated) > 1000
    for each in dated:
        if each.price is not None:
            checked(each.price)
            for tier in each.price.tiers:
                checked(tier.price)


def test_names_that_callers_make_up_are_not_all_remembered() -> None:
    for number in range(5000):
        price_of("deepseek", f"made-up-{number}", NOW + timedelta(seconds=number))
    assert dated_prices.cache_info().currsize <= 4096


def test_the_price_list_is_imported_only_when_a_price_is_wanted() -> None:
    code = "import sys, turnout.catalog.prices, turnout.catalog.models; print('genai_prices' in sys.modules)"
    shown = subprocess.run([sys.executable, "-c", code], check=True, capture_output=True, text=True)
    assert shown.stdout.strip() == "False"


def test_a_model_that_only_reads_has_the_price_of_what_it_reads() -> None:
    price = price_of("openai", "text-embedding-3-small", NOW)
    assert price is not None
    assert (price.input, price.output) == (Decimal("0.02"), None)
