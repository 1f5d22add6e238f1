"""Where a call goes to, and with what in hand."""

from __future__ import annotations

from pathlib import Path
from urllib.parse import urlsplit

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.wiring import OPENAI, request
from turnout.config.build import build_parts
from turnout.config.load import load_config
from turnout.config.providers import resolve_provider
from turnout.config.schema import ProviderConfig
from turnout.providers.endpoint import Endpoint, with_model
from turnout.types.clock import SystemClock

CONFIG = """
providers:
  gemini: {}
  anthropic: {}
  mine: {dialect: gemini, base_url: "http://models.internal/google", api_key: "its key"}
targets:
  flash:   {provider: gemini, model: gemini-2.5-flash}
  listed:  {provider: gemini, model: models/gemini-2.5-flash}
  any:     {provider: gemini}
  own:     {provider: mine, model: "a model/1"}
  claude:  {provider: anthropic}
"""
AT = "https://generativelanguage.googleapis.com/v1beta/models"


@pytest.fixture(scope="module")
def endpoints(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Endpoint]:
    file: Path = tmp_path_factory.mktemp("config") / "turnout.yaml"
    file.write_text(CONFIG)
    config = load_config(file, {"GOOGLE_API_KEY": "a key", "ANTHROPIC_API_KEY": "another"})
    return dict(build_parts(config, SystemClock()).endpoints)


def address(endpoint: Endpoint, *, stream: bool, route: str = "route") -> str:
    asked = msgspec.structs.replace(request(), route=route)
    return endpoint.call(asked, b"{}", "0", stream=stream).url


@pytest.mark.parametrize("target", ["flash", "listed"])
def test_geminis_address_says_the_model_and_whether_to_stream(endpoints: dict[str, Endpoint], target: str) -> None:
    assert address(endpoints[target], stream=False) == f"{AT}/gemini-2.5-flash:generateContent"
    assert address(endpoints[target], stream=True) == f"{AT}/gemini-2.5-flash:streamGenerateContent?alt=sse"


def test_a_target_without_a_model_says_the_callers(endpoints: dict[str, Endpoint]) -> None:
    assert address(endpoints["any"], stream=False, route="gemini-3-pro") == f"{AT}/gemini-3-pro:generateContent"


def test_a_server_of_ones_own_is_called_under_its_own_path(endpoints: dict[str, Endpoint]) -> None:
    there = "http://models.internal/google/v1beta/models/a%20model%2F1:generateContent"
    assert address(endpoints["own"], stream=False) == there


def test_other_dialects_have_one_address_whatever_the_model(endpoints: dict[str, Endpoint]) -> None:
    told = {
        address(endpoints["claude"], stream=stream, route=route)
        for stream in (False, True)
        for route in ("a", "{model}")
    }
    assert told == {"https://api.anthropic.com/v1/messages"}


@pytest.mark.parametrize(("target", "key"), [("flash", "a key"), ("own", "its key")])
def test_the_key_is_in_a_header_and_never_in_the_address(endpoints: dict[str, Endpoint], target: str, key: str) -> None:
    call = endpoints[target].call(request(), b"{}", "0", stream=True)
    assert call.headers["x-goog-api-key"] == key
    assert "authorization" not in call.headers
    assert "key" not in call.url


@given(st.text(st.characters(exclude_categories=["Cs"]), max_size=40))
def test_whatever_a_model_is_called_it_changes_nothing_else_of_the_address(model: str) -> None:
    url = urlsplit(with_model("https://host.test/v1beta/models/{model}:streamGenerateContent?alt=sse", model))
    assert (url.scheme, url.netloc, url.query, url.fragment) == ("https", "host.test", "alt=sse", "")
    assert url.path.startswith("/v1beta/models/")
    assert url.path.endswith(":streamGenerateContent")
    assert url.path.count("/") == 3


def test_a_vendors_endpoint_in_another_dialect_wants_its_key_as_that_dialect_does() -> None:
    given = ProviderConfig(dialect="openai", base_url="https://host.test/v1beta/openai")
    provider = resolve_provider("gemini", given, {"GEMINI_API_KEY": "k"})
    assert provider.known.auth.headers("k") == {"authorization": "Bearer k"}
    assert (provider.dialect, provider.api_key, provider.known.price_provider) == (OPENAI, "k", "google")
