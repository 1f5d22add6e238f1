"""What was said, from the caller to the store, as the privacy of its route and its tenant wants it."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from turnout import Caller, Router
from turnout.config.build import ConfiguredRouter
from turnout.config.load import load_config
from turnout.errors import ConfigError
from turnout.insight.query import Filter
from turnout.insight.texts import answerable, said
from turnout.ledger.location import database_file
from turnout.ledger.sqlite import SqliteStore
from turnout.testing import HostedFaultProvider, running_fault_provider
from turnout.types.decision import Decision
from turnout.types.privacy import Privacy, PrivacyMode
from turnout.types.request import Said

CONFIG = """
providers:
  chat: {{dialect: openai, base_url: "{provider.openai_base_url}"}}
targets:
  small: {{provider: chat, model: "fault:tokens(3)", price: {{input: 1, output: 2}}}}
routes:
  plain: {{policy: small}}
  masked: {{policy: small, privacy: redacted}}
  open: {{policy: small, privacy: full}}
privacy: {{tenants: {{careful: hash, open: full}}}}
"""
TEXT = "Write to zq.private@example.com about the parcel"


@pytest.fixture(scope="module")
def provider() -> Iterator[HostedFaultProvider]:
    with running_fault_provider(seed=1) as provider:
        yield provider


@asynccontextmanager
async def opened(provider: HostedFaultProvider, directory: Path) -> AsyncIterator[ConfiguredRouter]:
    file = directory / "turnout.yaml"
    file.write_text(CONFIG.format(provider=provider), encoding="utf-8")
    async with Router.from_config(file, data=directory / "data") as router:
        yield router


async def ask(router: Router, route: str, tenant: str = "default") -> Decision:
    messages = [{"role": "user", "content": TEXT}]
    return (await router.chat(route=route, messages=messages, caller=Caller(tenant=tenant, user="u-1"))).decision


async def test_what_is_kept_is_what_route_and_tenant_want(provider: HostedFaultProvider, tmp_path: Path) -> None:
    async with opened(provider, tmp_path) as router:
        plain, masked, whole = [await ask(router, route) for route in ("plain", "masked", "open")]
        careful, open_ = await ask(router, "open", "careful"), await ask(router, "plain", "open")
    assert [each.privacy for each in (plain, masked, whole, careful, open_)] == [
        "hash",
        "redacted",
        "full",
        "hash",
        "full",
    ]
    assert plain.query_key == whole.query_key != ""
    assert plain.query_hash == whole.query_hash
    store = SqliteStore(database_file(tmp_path / "data"))
    assert said(store, plain.id) is None
    assert said(store, careful.id) is None
    assert said(store, masked.id) == (Said("user", "Write to [email] about the parcel"),)
    assert said(store, whole.id) == said(store, open_.id) == (Said("user", TEXT),)
    assert str(answerable(store, Filter(), "features")) == "All 5 decisions can be used."
    assert str(answerable(store, Filter(route="plain"), "words")).startswith("1 of 2 decisions can be used. Of")
    assert answerable(store, Filter(route="masked"), "words").reason == ""
    exact = answerable(store, Filter(), "exact")
    assert (exact.decisions, exact.known) == (5, 2)
    assert "privacy: hash or redacted" in exact.reason


async def test_without_consent_no_file_of_the_data_directory_has_what_was_said(
    provider: HostedFaultProvider, tmp_path: Path
) -> None:
    async with opened(provider, tmp_path) as router:
        decisions = [await ask(router, "plain"), await ask(router, "masked")]
        content = everything(tmp_path / "data")  # the journal and the write-ahead log of a running router
    content += everything(tmp_path / "data")
    assert all(decision.id.encode() in content for decision in decisions)
    assert b"[email]" in content
    assert b"zq.private" not in content


def everything(directory: Path) -> bytes:
    return b"".join(file.read_bytes() for file in directory.rglob("*") if file.is_file())


def test_a_ledger_without_decisions_answers_for_all_of_none(tmp_path: Path) -> None:
    assert str(answerable(SqliteStore(tmp_path / "db"), Filter(), "words")) == "All 0 decisions can be used."


@pytest.mark.parametrize(
    ("route", "tenant", "mode"),
    [
        (None, "other", "redacted"),
        ("full", "other", "full"),
        (None, "strict", "hash"),
        ("full", "strict", "hash"),
        ("hash", "open", "hash"),
        ("redacted", "open", "redacted"),
        (None, "open", "full"),
    ],
)
def test_the_strictest_of_what_route_and_tenant_say_holds(
    route: PrivacyMode | None, tenant: str, mode: PrivacyMode
) -> None:
    assert Privacy("redacted", {"strict": "hash", "open": "full"}).of(route, tenant) == mode


def test_a_mode_that_is_none_is_told_with_its_line(tmp_path: Path) -> None:
    file = tmp_path / "turnout.yaml"
    file.write_text("targets: {}\nprivacy: {mode: some}\n")
    with pytest.raises(ConfigError, match=r"turnout.yaml:2.*privacy.mode"):
        load_config(file, {})
