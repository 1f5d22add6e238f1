from __future__ import annotations

from urllib.parse import urlsplit

import pytest

from turnout.catalog.prices import listed_providers
from turnout.providers.known import KNOWN_PROVIDERS, AuthStyle, KnownProvider
from turnout.types.dialect import DialectName, Need

ROWS = pytest.mark.parametrize("row", KNOWN_PROVIDERS.values(), ids=KNOWN_PROVIDERS.keys())


@ROWS
def test_a_row_stands_under_its_own_name(row: KnownProvider) -> None:
    assert KNOWN_PROVIDERS[row.name] is row


@ROWS
def test_a_base_url_is_one_that_an_sdk_can_be_given(row: KnownProvider) -> None:
    if row.base_url is None:
        assert row.name == "azure"
        return
    url = urlsplit(row.base_url)
    assert url.scheme == "https" or url.hostname == "localhost"
    assert not url.path.endswith("/")
    assert (url.query, url.fragment) == ("", "")


@ROWS
def test_a_provider_that_needs_a_key_says_where_it_is_kept(row: KnownProvider) -> None:
    assert row.key_env or not row.needs_key
    assert all(name.isupper() and name.isidentifier() for name in row.key_env)


@ROWS
def test_prices_come_from_a_provider_that_the_price_list_has(row: KnownProvider) -> None:
    assert row.price_provider is None or row.price_provider in listed_providers()


@ROWS
def test_what_a_provider_lacks_is_something_that_a_request_can_need(row: KnownProvider) -> None:
    assert row.lacks <= set(Need)


@ROWS
def test_header_names_are_lower_case_and_carry_no_key(row: KnownProvider) -> None:
    assert all(name == name.lower() for name in row.headers)
    assert not {"authorization", "x-api-key", "x-goog-api-key", "api-key"} & set(row.headers)


def test_no_two_providers_read_the_same_key() -> None:
    names = [name for row in KNOWN_PROVIDERS.values() for name in row.key_env]
    assert len(names) == len(set(names))


def test_a_key_travels_the_way_its_provider_wants_it() -> None:
    assert AuthStyle.AUTHORIZATION_BEARER.headers("k") == {"authorization": "Bearer k"}
    assert KNOWN_PROVIDERS["anthropic"].auth.headers("k") == {"x-api-key": "k"}
    assert KNOWN_PROVIDERS["azure"].auth.headers("k") == {"api-key": "k"}
    assert KNOWN_PROVIDERS["gemini"].auth.headers("k") == {"x-goog-api-key": "k"}


def test_anthropic_is_spoken_to_in_its_own_dialect_and_version() -> None:
    row = KNOWN_PROVIDERS["anthropic"]
    assert row.dialect is DialectName.ANTHROPIC_MESSAGES
    assert "anthropic-version" in row.headers


def test_the_table_cannot_be_changed() -> None:
    with pytest.raises(TypeError):
        KNOWN_PROVIDERS["mine"] = KnownProvider(name="mine")  # type: ignore[index]
