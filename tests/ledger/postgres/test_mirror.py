"""The copy of the ledger in Postgres: everything, once, whatever happens to Postgres meanwhile."""

from __future__ import annotations

import json
import signal
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path

import msgspec
import openai
import pytest
from typer.testing import CliRunner

from tests.ledger.samples import a_decision, an_attempt
from tests.postgreses import Postgres
from tests.processes import wait_for
from tests.running import running_gateway
from turnout.cli.app import app
from turnout.ledger.postgres.mirror import PostgresMirror
from turnout.ledger.postgres.rows import Position, next_batch
from turnout.ledger.sqlite import SqliteStore
from turnout.ledger.store import Written
from turnout.testing import running_fault_provider
from turnout.types.candidate import Dropped
from turnout.types.clock import timestamp
from turnout.types.decision import Decision
from turnout.types.feedback import Feedback

COUNT = "SELECT count(*), count(DISTINCT id) FROM turnout.decisions"


@pytest.fixture
def store(tmp_path: Path) -> Iterator[SqliteStore]:
    store = SqliteStore(tmp_path / "ledger.sqlite3")
    yield store
    store.close()


@contextmanager
def mirrored(postgres: Postgres, store: SqliteStore, **options: float) -> Iterator[PostgresMirror]:
    mirror = PostgresMirror(postgres.url, store, "this-ledger", **options)  # type: ignore[arg-type]
    mirror.start()
    try:
        yield mirror
    finally:
        mirror.close(30)


def append(store: SqliteStore, *decisions: Decision) -> None:
    store.append([Written(each, msgspec.json.encode(each)) for each in decisions], "j", None)


def made(number: int, **changes: object) -> list[Decision]:
    return [a_decision(**changes) for _ in range(number)]


def copied(postgres: Postgres) -> int:
    """How many decisions are there; none twice."""
    ((there, different),) = postgres.rows(COUNT)
    assert there == different
    return int(there)


def until_there(postgres: Postgres, number: int) -> None:
    wait_for(lambda: bool(postgres.rows("SELECT 1 FROM pg_tables WHERE schemaname = 'turnout'")), 60)
    wait_for(lambda: copied(postgres) == number, 60)


def test_decisions_attempts_drops_and_feedback_are_copied_whole(postgres: Postgres, store: SqliteStore) -> None:
    decision = a_decision(
        user="Zo\x00e",
        attempts=(an_attempt(outcome="failed"), an_attempt()),
        dropped=(Dropped("mid", "breaker_open"),),
        cost_usd=Decimal("0.001427200001"),
    )
    append(store, decision, *made(2_500))
    with mirrored(postgres, store):
        until_there(postgres, 2_501)
        said = Feedback(id="f1", decision=decision.id, time=timestamp(datetime.now(UTC)), tenant="acme", score=0.5)
        store.append([], "j", None, [said])
        wait_for(lambda: bool(postgres.rows("SELECT 1 FROM turnout.feedback")), 60)
    asked = "SELECT route, user_name, fell_back, cost_usd, time, record FROM turnout.decisions WHERE id = $1"
    ((route, user, fell_back, cost, time, record),) = postgres.rows(asked, decision.id)
    assert (route, user, fell_back, cost) == ("support", "Zo\ufffde", True, Decimal("0.001427200001"))
    assert timestamp(time) == decision.time
    assert json.loads(record)["id"] == decision.id
    assert postgres.rows("SELECT position, target, outcome FROM turnout.attempts WHERE decision = $1", decision.id) == [
        (0, "haiku", "failed"),
        (1, "haiku", "answered"),
    ]
    assert postgres.rows("SELECT target, reason FROM turnout.drops") == [("mid", "breaker_open")]
    assert postgres.rows("SELECT decision, score FROM turnout.feedback") == [(decision.id, 0.5)]


def test_of_several_gateways_on_one_ledger_one_copies_and_another_takes_over(
    postgres: Postgres, store: SqliteStore
) -> None:
    append(store, *made(50))
    with mirrored(postgres, store) as second:
        until_there(postgres, 50)
        with mirrored(postgres, store):
            append(store, *made(50))
            until_there(postgres, 100)
        assert not second.trouble
    append(store, *made(50))
    with mirrored(postgres, store):
        until_there(postgres, 150)


def test_while_postgres_hangs_nobody_waits_and_afterwards_everything_is_there_once(
    postgres: Postgres, store: SqliteStore
) -> None:
    with mirrored(postgres, store, statement_s=0.5) as mirror:
        append(store, *made(100))
        until_there(postgres, 100)
        postgres.signal(signal.SIGSTOP)
        try:
            for _ in range(10):
                append(store, *made(100))
            wait_for(lambda: bool(mirror.trouble), 60)
            append(store, *made(100))
        finally:
            postgres.signal(signal.SIGCONT)
        until_there(postgres, 1_200)
        wait_for(lambda: not mirror.trouble, 60)


def test_a_database_that_is_full_gets_the_rest_once_there_is_room(postgres: Postgres, store: SqliteStore) -> None:
    with mirrored(postgres, store) as mirror:
        append(store, *made(10))
        until_there(postgres, 10)
        postgres.does(
            "CREATE FUNCTION full_up() RETURNS trigger LANGUAGE plpgsql AS "
            "$$BEGIN RAISE EXCEPTION 'no space left on device' USING ERRCODE = 'disk_full'; END$$",
            "CREATE TRIGGER full_up BEFORE INSERT ON turnout.attempts FOR EACH ROW EXECUTE FUNCTION full_up()",
        )
        append(store, *made(10))
        wait_for(lambda: "no space left" in mirror.trouble, 60)
        assert copied(postgres) == 10, "all of a batch or nothing"
        postgres.does("DROP TRIGGER full_up ON turnout.attempts")
        until_there(postgres, 20)


def test_what_ends_in_the_middle_is_gone_on_with_from_what_postgres_knows(
    postgres: Postgres, store: SqliteStore
) -> None:
    append(store, *made(1_200))
    with mirrored(postgres, store) as mirror:
        wait_for(lambda: bool(postgres.rows("SELECT 1 FROM pg_tables WHERE tablename = 'decisions'")), 60)
        for _ in range(3):
            postgres.rows(
                "SELECT pg_terminate_backend(pid) FROM pg_stat_activity "
                "WHERE datname = current_database() AND pid <> pg_backend_pid()"
            )
            append(store, *made(10))
        until_there(postgres, 1_230)
        wait_for(lambda: mirror.behind == 0, 60)


def test_places_that_are_given_to_others_are_copied_again(postgres: Postgres, store: SqliteStore) -> None:
    append(store, *made(20))
    with mirrored(postgres, store):
        until_there(postgres, 20)
        with store.writing() as writer:
            writer.execute("DELETE FROM decisions WHERE seq > 15")
        append(store, *made(8))
        until_there(postgres, 28)


def test_days_that_are_too_old_are_dropped_with_their_partitions(postgres: Postgres, store: SqliteStore) -> None:
    now = datetime.now(UTC)
    for days in (0, 3, 40, 41):
        append(store, *made(5, time=timestamp(now - timedelta(days=days))))
    partitions = "SELECT count(*) FROM pg_tables WHERE schemaname = 'turnout' AND tablename LIKE 'decisions_2%'"
    with mirrored(postgres, store):
        until_there(postgres, 20)
        assert postgres.rows(partitions) == [(4,)]
    with mirrored(postgres, store, kept_days=30):
        until_there(postgres, 10)
        assert postgres.rows(partitions) == [(2,)]


def test_sums_are_kept_as_long_as_they_are_to_be_and_those_of_minutes_for_two_days(
    postgres: Postgres, store: SqliteStore
) -> None:
    now = datetime.now(UTC)
    for days in (0, 3, 100):
        append(store, *made(2, time=timestamp(now - timedelta(days=days)), tags={"team": "growth"}))
    widths = "SELECT width, count(*) FROM turnout.rollups GROUP BY 1 ORDER BY 1"
    with mirrored(postgres, store):
        until_there(postgres, 6)
        wait_for(lambda: postgres.rows(widths) == [(60, 1), (3_600, 3), (86_400, 3)], 60)
    with mirrored(postgres, store, sums_days=30):
        wait_for(lambda: postgres.rows(widths) == [(60, 1), (3_600, 2), (86_400, 2)], 60)
        wait_for(lambda: postgres.rows("SELECT count(*) FROM turnout.tag_rollups") == [(2,)], 60)
        four_days_on = "UPDATE turnout.rollups SET start = start - 4 * 86400000 WHERE width = 60"
        postgres.does(four_days_on)
    with mirrored(postgres, store):
        wait_for(lambda: postgres.rows(widths) == [(3_600, 2), (86_400, 2)], 60)


def test_nothing_is_copied_before_older_decisions_are_in_the_sums(postgres: Postgres, store: SqliteStore) -> None:
    append(store, *made(3))
    with store.writing() as writer:
        writer.execute("INSERT INTO progress (name, value) VALUES ('unrolled', 3)")
    assert next_batch(store, "this-ledger", Position()) is None
    with store.writing() as writer:
        writer.execute("DELETE FROM progress")
    batch = next_batch(store, "this-ledger", Position())
    assert batch is not None
    assert len(batch.rows["decisions"]) == 3


def test_tables_of_another_version_are_left_alone_and_told(postgres: Postgres, store: SqliteStore) -> None:
    postgres.does("CREATE SCHEMA turnout", "CREATE TABLE turnout.positions (ledger text)")
    append(store, *made(1))
    with mirrored(postgres, store) as mirror:
        wait_for(lambda: "this turnout needs version 2: DROP SCHEMA turnout CASCADE" in mirror.trouble, 60)
        postgres.does("DROP SCHEMA turnout CASCADE")
        until_there(postgres, 1)


def test_an_address_where_nobody_is_is_told_and_costs_nothing(store: SqliteStore) -> None:
    mirror = PostgresMirror("postgresql://nobody@127.0.0.1:1/x", store, "this-ledger")
    mirror.start()
    wait_for(lambda: bool(mirror.trouble), 30)
    mirror.close(10)
    assert "127.0.0.1" in mirror.trouble or "refused" in mirror.trouble


CONFIG = """
providers: {{own: {{dialect: openai, base_url: "{provider.openai_base_url}", api_key: k}}}}
targets: {{small: {{provider: own, model: m, price: {{input: 1, output: 2}}}}}}
ledger: {{postgres: {{url: "{url}", retention: 30d}}}}
"""


def test_a_gateways_requests_are_in_postgres_until_they_are_to_be_forgotten(
    postgres: Postgres, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with running_fault_provider(seed=1) as provider:
        config = CONFIG.format(provider=provider, url=postgres.url)
        with (
            running_gateway(config, tmp_path) as gateway,
            openai.OpenAI(base_url=f"{gateway.url}/v1", api_key="any", timeout=60) as client,
        ):
            for _ in range(5):
                client.chat.completions.create(model="small", messages=[{"role": "user", "content": "hi"}])
        until_there(postgres, 5)
        ((cost,),) = postgres.rows("SELECT sum(cost_usd) FROM turnout.decisions WHERE target = 'small'")
        assert cost > 0
    monkeypatch.chdir(tmp_path)
    forgotten = CliRunner().invoke(
        app, ["ledger", "purge", "--tenant", "default", "--yes", "--data", str(gateway.data)]
    )
    assert forgotten.exit_code == 0, forgotten.output
    for table in ("decisions", "attempts", "feedback"):
        assert postgres.rows(f"SELECT count(*) FROM turnout.{table}") == [(0,)]
