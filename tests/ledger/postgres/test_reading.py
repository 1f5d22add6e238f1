"""Commands and pages over the copy in Postgres, and what is forgotten in it."""

from __future__ import annotations

import json
from collections.abc import Iterable
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from tests.dashboard.seeded import look
from tests.ledger.postgres.fleet import (
    NOW,
    SINCE,
    UNTIL,
    Fleet,
    answered,
    take_in,
    traffic,
)
from tests.ledger.samples import a_decision
from tests.postgreses import Postgres
from tests.processes import wait_for
from tests.running import running_gateway
from turnout.cli.app import app
from turnout.cli.pages import dashboard_pages
from turnout.insight import query
from turnout.ledger.erasing import Subject, erase
from turnout.ledger.location import database_file
from turnout.ledger.postgres.mirror import PostgresMirror, forget
from turnout.ledger.postgres.store import PostgresStore
from turnout.ledger.postgres.sums import key_text
from turnout.ledger.rollups import KEYS
from turnout.ledger.sqlite import SqliteStore
from turnout.types.clock import timestamp

PERIOD = ("--since", SINCE.isoformat(), "--until", UNTIL.isoformat())
COMMANDS: tuple[tuple[str, ...], ...] = (
    ("report", *PERIOD, "--by", "tenant,route", "--json"),
    ("report", *PERIOD, "--by", "provider", "--csv"),
    ("report", "--explain-change", "last-week", "this-week", "--json"),
    ("decisions", "--json", "--tenant", "acme", "--limit", "20"),
    ("ledger", "export", "-", "--user", "joe"),
)


@pytest.mark.parametrize(
    "command", COMMANDS, ids=lambda command: " ".join(each for each in command if each not in PERIOD)
)
def test_a_command_prints_the_same_of_the_copy(fleet: Fleet, command: tuple[str, ...]) -> None:
    embedded = CliRunner().invoke(app, [*command, "--data", str(fleet.data)])
    copied = CliRunner().invoke(app, [*command, "--ledger", fleet.postgres.url])
    assert (copied.exit_code, copied.stdout) == (embedded.exit_code, embedded.stdout)
    assert copied.exit_code == 0
    assert len(copied.stdout) > 200


def test_a_replay_over_the_copy_comes_to_the_same(
    fleet: Fleet, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr("os.cpu_count", lambda: 1)
    Path("new.yaml").write_text(
        "providers: {openai: {api_key: k}}\ntargets: {haiku: {provider: openai, model: gpt-4o}}\n"
        "routes: {support: {policy: haiku}, contracts: {policy: haiku}}\n"
    )
    command = ["replay", "new.yaml", "--since", "60d", "--limit", "0", "--json"]
    embedded = CliRunner().invoke(app, [*command, "--data", str(fleet.data)])
    copied = CliRunner().invoke(app, [*command, "--ledger", fleet.postgres.url])
    assert copied.exit_code == embedded.exit_code == 0, copied.output
    assert _rounded(json.loads(copied.stdout)) == _rounded(json.loads(embedded.stdout))
    assert json.loads(copied.stdout)["decisions"] == query.count(fleet.together)


def _rounded(told: Any) -> Any:
    """Without the last digits, which the order of a sum decides."""
    if isinstance(told, dict):
        return {name: _rounded(each) for name, each in told.items()}
    if isinstance(told, list):
        return sorted(map(str, map(_rounded, told)))
    return round(told, 6) if isinstance(told, float) else told


def test_the_configuration_names_the_copy_and_a_name_one_gateways_ledger_of_it(
    fleet: Fleet, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def told(*command: str) -> str:
        ran = CliRunner().invoke(app, list(command))
        return f"{ran.output}{ran.exception or ''}"

    monkeypatch.chdir(tmp_path)
    Path("turnout.yaml").write_text("providers: {openai: {}}\ntargets: {a: {provider: openai, model: m}}\n")
    assert "the configuration names no copy of the ledger" in told("ledger", "info", "--ledger", "postgres")
    with Path("turnout.yaml").open("a") as config:
        config.write('ledger: {postgres: {url: "${THE_COPY}"}}\n')
    monkeypatch.setenv("THE_COPY", fleet.postgres.url)
    held = told("ledger", "info", "--ledger", "postgres")
    assert f"b0ffee: {query.count(fleet.apart[0])} decisions" in held
    assert json.loads(told("ledger", "info", "--json", "--ledger", "postgres#c0"))["rows"]["decisions"] == query.count(
        fleet.apart[1]
    )
    monkeypatch.setenv("OPENAI_API_KEY", "any")
    assert "acme" in told("forecast", "--ledger", "postgres")
    assert "#x is how no ledger's name begins" in told("report", "--ledger", "postgres#x")
    assert "--ledger names no database" in told("report", "--ledger", "s3cret@host")
    assert "s3cret" not in told("report", "--ledger", "s3cret@host")
    assert "No decision in Postgres at" in told("decisions", "--ledger", "postgres", "show", "nothing")


def test_whoever_is_forgotten_is_in_no_sum_of_the_copy(postgres: Postgres, tmp_path: Path) -> None:
    store, reader = SqliteStore(database_file(tmp_path)), PostgresStore(postgres.url)
    decisions = traffic(7)
    take_in(store, decisions)
    mirror = PostgresMirror(postgres.url, store, "one")
    mirror.start()
    wait_for(lambda: answered(reader) and query.count(reader) == query.count(store), 60)
    mirror.close(60)
    erase(tmp_path, Subject(tenant="acme", user="joe"))
    forget(postgres.url, "acme", "joe")
    erase(tmp_path, Subject(tenant="globex"))
    forget(postgres.url, "globex", None)
    for table in ("decisions", "shadows", "attempts", "drops", "feedback", *KEYS):
        assert query.count(reader) < len(decisions)
        number = f"SELECT count(*) FROM {table}"
        assert next(reader.rows(number)) == next(store.rows(number)), table
    for table in ("tag_rollups", "user_rollups"):
        sums = f"SELECT {', '.join(KEYS[table])}, decisions, cost, rated FROM {table}"
        assert _as_copied(reader.rows(sums)) == _as_copied(store.rows(sums))


def _as_copied(rows: Iterable[tuple[Any, ...]]) -> list[str]:
    return sorted(str([key_text(each) if isinstance(each, str) else each for each in row]) for row in rows)


PAGES = ("", "/decisions", "/routes", "/targets", "/tenants", "/savings", "/outages")


def test_the_dashboard_shows_all_gateways_if_it_is_told_to(postgres: Postgres, tmp_path: Path) -> None:
    elsewhere = a_decision(tenant="far-away", time=timestamp(NOW - timedelta(minutes=9)))
    store = SqliteStore(tmp_path / "elsewhere.sqlite3")
    take_in(store, [elsewhere])
    mirror = PostgresMirror(postgres.url, store, "elsewhere")
    mirror.start()
    mirror.close(60)
    copied = f'ledger: {{postgres: {{url: "{postgres.url}", dashboard: true}}}}'
    config = f"providers: {{openai: {{api_key: k}}}}\ntargets: {{a: {{provider: openai, model: gpt-4o}}}}\n{copied}\n"
    with running_gateway(config, tmp_path, dashboard_pages) as gateway:
        shown = {page: look(gateway, f"/dashboard{page}") for page in PAGES}
        story = look(gateway, f"/dashboard/decisions/{elsewhere.id}")
    assert {page: answer.status for page, answer in shown.items()} == dict.fromkeys(PAGES, 200)
    assert "far-away" in shown["/tenants"].text
    assert elsewhere.id in shown["/decisions"].text
    assert story.status == 200
