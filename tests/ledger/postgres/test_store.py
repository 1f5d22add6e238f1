"""What insight asks, asked of two gateways' copy in Postgres, and of one SQLite ledger that has all of theirs."""

from __future__ import annotations

import json
import random
import sys
import uuid
from collections.abc import Callable, Iterable, Iterator
from contextlib import ExitStack
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from functools import partial
from pathlib import Path
from typing import Any, NamedTuple

import msgspec
import pytest
from typer.testing import CliRunner

from tests.dashboard.seeded import look
from tests.ledger.postgres.conftest import Postgres
from tests.ledger.samples import a_decision, an_attempt
from tests.processes import wait_for
from tests.running import running_gateway
from turnout.cli.app import app
from turnout.cli.pages import dashboard_pages
from turnout.errors import LedgerError, MissingExtra
from turnout.insight import query
from turnout.insight.bill import Bill, Billed, Key
from turnout.insight.browse import listed, news, searched
from turnout.insight.canary.observed import observed
from turnout.insight.cost_change import explain_change
from turnout.insight.evaluate.recorded import recorded_traffic
from turnout.insight.export import in_order
from turnout.insight.feedback import said_of, whose
from turnout.insight.forecast import forecasts
from turnout.insight.latency import calls, latencies
from turnout.insight.outages import outages
from turnout.insight.query import Filter
from turnout.insight.reconcile import reconcile
from turnout.insight.report import make_report
from turnout.insight.shadows import compared, pairs, shadows_of
from turnout.insight.spend import Period
from turnout.insight.sums import series, summary, totals
from turnout.insight.texts import answerable
from turnout.insight.ways import ways
from turnout.ledger.entry import encode_decision
from turnout.ledger.erasing import Subject, erase
from turnout.ledger.location import database_file
from turnout.ledger.postgres.holdings import copy_holdings
from turnout.ledger.postgres.mirror import PostgresMirror, forget
from turnout.ledger.postgres.store import PostgresStore
from turnout.ledger.postgres.sums import key_text
from turnout.ledger.rollups import KEYS
from turnout.ledger.sqlite import SqliteStore
from turnout.ledger.store import Store, Written
from turnout.types.canary import Canary, Walked
from turnout.types.candidate import Dropped
from turnout.types.clock import timestamp
from turnout.types.decision import Decision
from turnout.types.feedback import Feedback

DAY = timedelta(days=1)
NOW = datetime.now(UTC).replace(microsecond=0)
SINCE, UNTIL = NOW - 30 * DAY - timedelta(minutes=17), NOW - timedelta(minutes=3)
GATEWAYS = ("b0ffee", "c0ffee")
NUMBER = 250
LONG = "ü" * 2_000


class Fleet(NamedTuple):
    """Two gateways' ledgers, their copy, and one ledger in which all of it was recorded."""

    postgres: Postgres
    data: Path
    apart: tuple[SqliteStore, ...]
    together: SqliteStore


def traffic(seed: int) -> list[Decision]:
    """All kinds of decisions, and shadows of some."""
    chance = random.Random(seed)
    found: list[Decision] = []
    for number in range(NUMBER):
        at = NOW - timedelta(seconds=chance.triangular(0, 40 * 86_400, 0), milliseconds=chance.randrange(1000))
        decision = _decision(chance, at)
        found.append(decision)
        if number % 9 == 0:
            found.append(_shadow(chance, decision, at))
    return found


def _decision(chance: random.Random, at: datetime) -> Decision:
    kind = chance.choices(("plain", "failed", "fell back", "escalated", "cached"), (6, 1, 1, 1, 1))[0]
    target = chance.choice(("haiku", "sonnet", "naïve \0 name"))
    last = _attempt(chance, at, target)
    before = {
        "fell back": (_attempt(chance, at, "spare", outcome="failed", error_class="rate_limited", cost_usd=None),),
        "escalated": (_attempt(chance, at, "small", outcome="discarded"), _attempt(chance, at, "j", purpose="judge")),
        "failed": (_attempt(chance, at, target, outcome="failed", error_class="timeout"),),
    }.get(kind, ())
    attempts = () if kind == "cached" else before if kind == "failed" else (*before, last)
    costs = [each.cost_usd for each in attempts]
    return a_decision(
        time=timestamp(at),
        route=chance.choice(("support", "contracts")),
        tenant=chance.choice(("acme", "globex", "Zo\0e")),
        project=chance.choice((None, "web")),
        user=chance.choice((None, "joe", "ann", LONG, "user")),
        source=chance.choice((None, "app")),
        rule=chance.choice((None, "faq")),
        tags={"team": chance.choice(("growth", "core", "ü"))} if chance.random() < 0.7 else {},
        flags={"haiku.first": chance.choice(("on", "off"))},
        conditions={"flags": {"haiku.first": "in_share"}},
        attempts=attempts,
        target=None if kind == "failed" else target,
        outcome="failed" if kind == "failed" else chance.choice(("answered", "answered", "partial", "refused")),
        dropped=(Dropped("spare", "breaker_open"),) if kind == "fell back" else (),
        cache="hit" if kind == "cached" else None,
        latency_ms=chance.uniform(1, 9_000),
        cost_usd=None if None in costs else sum(costs, Decimal(0)),
        baseline_cost_usd=chance.choice((None, Decimal("0.0031"))),
        router_cost_usd=sum((each.cost_usd or Decimal(0) for each in before), Decimal(0)),
    )


def _attempt(chance: random.Random, at: datetime, target: str, **changes: Any) -> Any:
    taken, given = chance.randrange(10, 3_000), chance.randrange(1, 800)
    usual = {
        "target": target,
        "provider": "anthropic" if target in {"haiku", "sonnet"} else "openai",
        "model": f"model-{target.replace(chr(0), '')}",
        "started": timestamp(at),
        "first_token_ms": chance.uniform(1, 700),
        "latency_ms": chance.uniform(1, 5_000),
        "input_tokens": taken,
        "cached_tokens": taken // 4,
        "output_tokens": given,
        "cost_usd": Decimal(3 * taken + 15 * given).scaleb(-6),
        "estimated": chance.random() < 0.1,
    }
    return an_attempt(**{**usual, **changes})


def _shadow(chance: random.Random, decision: Decision, at: datetime) -> Decision:
    attempt = _attempt(chance, at, "challenger", purpose="shadow")
    return msgspec.structs.replace(
        decision,
        id=a_decision().id,
        shadow_of=decision.id,
        rule=None,
        cache=None,
        attempts=(attempt,),
        target="challenger",
        outcome="answered",
        policy_version="p2",
        cost_usd=attempt.cost_usd,
        router_cost_usd=attempt.cost_usd,
        baseline_cost_usd=Decimal(0),
    )


def clean(record: bytes) -> bytes:
    """As Postgres has it, which knows no NUL."""
    return record.replace(b"\\u0000", b"\\ufffd")


def opinions(decisions: list[Decision], seed: int) -> list[Feedback]:
    chance = random.Random(seed)
    about = [chance.choice(decisions) for _ in range(90)]
    return [
        Feedback(
            id=f"{seed}-{number:04}",
            decision=each.id,
            time=timestamp(NOW),
            tenant=each.tenant.replace("\0", "\ufffd"),
            user=each.user,
            score=chance.choice((0.0, 0.5, 1.0)),
            kind=chance.choice(("feedback", "feedback", "judge")),
            judge="sonnet",
        )
        for number, each in enumerate(about)
    ]


def take_in(store: SqliteStore, decisions: list[Decision], said: list[Feedback] = []) -> None:  # noqa: B006 - only read
    for start in range(0, max(len(decisions), 1), 150):
        part = [Written(each, encode_decision(each)) for each in decisions[start : start + 150]]
        store.append(part, "j", None, said if start == 0 else ())


@pytest.fixture(scope="module")
def fleet(server: tuple[str, int], tmp_path_factory: pytest.TempPathFactory) -> Iterator[Fleet]:
    """Decisions, shadows and what was said of them came bit by bit, and were copied while they came."""
    url, pid = server
    name = f"t{uuid.uuid4().hex[:10]}"
    Postgres(url, pid).does(f"CREATE DATABASE {name}")
    postgres = Postgres(url.replace("/postgres?", f"/{name}?"), pid)
    files = tmp_path_factory.mktemp("ledgers")
    apart = tuple(SqliteStore(files / f"{gateway}.sqlite3") for gateway in GATEWAYS)
    together = SqliteStore(database_file(files))
    with ExitStack() as ends:
        for gateway, store in zip(GATEWAYS, apart, strict=True):
            mirror = PostgresMirror(postgres.url, store, gateway)
            mirror.start()
            ends.callback(mirror.close, 60)
        for seed, store in enumerate(apart):
            decisions = traffic(seed)
            half, said = len(decisions) // 2, opinions(decisions, seed)
            take_in(store, decisions[:half], said[:45])
            take_in(store, decisions[half:], said[45:])
            take_in(
                together, [msgspec.json.decode(clean(encode_decision(each)), type=Decision) for each in decisions], said
            )
        scored = "SELECT count(*), count(feedback) FROM decisions"
        reader = PostgresStore(postgres.url)
        wait_for(lambda: _answered(reader) and [*reader.rows(scored)] == [*together.rows(scored)], 60)
        told = "SELECT count(*) FROM feedback"
        wait_for(lambda: [*reader.rows(told)] == [*together.rows(told)], 60)
        reader.close()
    yield Fleet(postgres, files, apart, together)
    for store in (*apart, together):
        store.close()


def _answered(reader: PostgresStore) -> bool:
    try:
        return query.count(reader) > 0
    except LedgerError:  # before any gateway has copied
        return False


@pytest.fixture
def copy(fleet: Fleet) -> Iterator[PostgresStore]:
    store = PostgresStore(fleet.postgres.url)
    yield store
    store.close()


RAGGED = Filter(since=SINCE, until=UNTIL)
ONE = "SELECT id FROM decisions WHERE feedback IS NOT NULL AND id IN (SELECT decision FROM shadows) ORDER BY id"
DAYS = [NOW.replace(hour=0, minute=0, second=0) - days * DAY for days in (20, 10, 0)]
BILL = Bill(
    issuer="anthropic",
    first=(NOW - 9 * DAY).date(),
    last=NOW.date(),
    lines={Key((NOW - days * DAY).date(), "model-haiku"): Billed(cost_usd=Decimal("0.02")) for days in range(9)},
)
CANARY = Canary(
    flag="haiku.first",
    variant="on",
    route="support",
    steps=(0.5,),
    walked=(Walked(time=timestamp(SINCE), share=0.5, because=""),),
)


def filters() -> dict[str, Filter]:
    asked: dict[str, dict[str, Any]] = {
        "everything": {"since": None, "until": None},
        "a ragged period": {},
        "an hour": {"since": UNTIL - timedelta(minutes=50)},
        "a tenant": {"tenant": "acme"},
        "a user": {"user": "joe"},
        "a project": {"project": "web"},
        "a route and outcome": {"route": "support", "outcome": "answered"},
        "a flag": {"flag": "haiku.first=on"},
        "dear ones": {"min_cost_usd": Decimal("0.005")},
        "fallbacks": {"fell_back": True},
        "nobody": {"tenant": "x' OR '1'='1"},
    }
    return {name: msgspec.structs.replace(RAGGED, **each) for name, each in asked.items()}


def ids(store: Store, wanted: Filter) -> list[str]:
    return sorted(one.id for one in in_order(store, wanted))


QUESTIONS: dict[str, Callable[[Store], Any]] = {
    **{f"summary of {name}": partial(summary, wanted=each) for name, each in filters().items()},
    **{f"latencies of {name}": partial(latencies, wanted=each) for name, each in filters().items()},
    **{f"decisions of {name}": partial(ids, wanted=each) for name, each in filters().items()},
    **{
        f"totals by {' and '.join(by)}": partial(totals, wanted=RAGGED, by=by)
        for by in (("tenant",), ("project",), ("route", "rule"), ("target", "source"), ("outcome",), ("tag:team",))
    },
    "totals by user": lambda store: {
        key_text(key[0] or ""): each for key, each in totals(store, RAGGED, by=("user",)).items()
    },
    "totals by two tags": lambda store: totals(store, RAGGED, by=("tag:team", "tag:flag:none")),
    "by the minute": lambda store: series(store, Filter(since=NOW - DAY), timedelta(minutes=5)),
    "by the hour": lambda store: series(store, RAGGED, timedelta(hours=1)),
    "latencies by day": lambda store: latencies(store, RAGGED, step=DAY),
    "calls": lambda store: calls(store, SINCE, UNTIL),
    "report by provider": lambda store: make_report(store, RAGGED, by=("provider", "tenant"), now=NOW),
    "report by user": lambda store: make_report(store, Filter(tenant="acme"), by=("route",), now=NOW),
    "change of cost": lambda store: explain_change(store, Period(*DAYS[:2]), Period(*DAYS[1:])),
    "forecast": lambda store: forecasts(store, now=NOW),
    "reconciled": lambda store: reconcile(store, BILL, today=date.today()),  # noqa: DTZ011 - any day will do
    "outages": lambda store: outages(store, SINCE, UNTIL),
    "ways": lambda store: ways(store, SINCE, UNTIL),
    "shadows": lambda store: sorted(
        (each.route, sorted(each.served), each.requests, each.served_usd, each.shadow_usd, each.shadow_ms, each.judged)
        for each in compared(store, Filter())
    ),
    "pairs": lambda store: sorted(each.shadow.id for each in pairs(store, Filter(route="support"))),
    "canary": lambda store: [
        (
            each.requests,
            [(arm.count, arm.callers, round(arm.mean, 9)) for arm in (*each.old.values(), *each.new.values())],
        )
        for each in observed(store, CANARY)
    ],
    "answerable": lambda store: answerable(store, RAGGED, "features"),
    "evaluated": lambda store: sorted(each.id for each in recorded_traffic(store, Filter())),
    "evaluated by judges": lambda store: len(recorded_traffic(store, Filter(), evidence="judge")),
}


@pytest.mark.parametrize("question", QUESTIONS)
def test_the_copy_of_two_gateways_answers_as_one_ledger_does(fleet: Fleet, copy: PostgresStore, question: str) -> None:
    ask = QUESTIONS[question]
    assert ask(copy) == ask(fleet.together)


def test_a_decision_is_found_with_what_was_said_of_it_and_beside_it(fleet: Fleet, copy: PostgresStore) -> None:
    for decision_id in [each for (each,) in fleet.together.rows(ONE)][:3]:
        expected = fleet.together.read(decision_id)
        assert expected is not None
        assert copy.read(decision_id) == query.decision(copy, decision_id[:-1]) == expected
        assert whose(copy, decision_id) == whose(fleet.together, decision_id)
        assert [each.score for each in said_of(copy, decision_id)] == [
            each.score for each in said_of(fleet.together, decision_id)
        ]
        assert shadows_of(copy, decision_id) == shadows_of(fleet.together, decision_id)
    assert copy.read("nothing") is None


def test_pages_of_the_newest_go_on_where_the_last_one_ended(fleet: Fleet, copy: PostgresStore) -> None:
    found: list[Decision] = []
    before = None
    while len(found) < 2 * NUMBER + 1:
        page = listed(copy, Filter(), before=before, limit=100)
        found += page.decisions
        if (before := page.older) is None:
            break
    assert len({each.id for each in found}) == len(found) == query.count(fleet.together)
    assert [each.time for each in found] == sorted((each.time for each in found), reverse=True)
    dear = Filter(min_cost_usd=Decimal("0.012"))
    assert {each.id for each in searched(copy, dear, before=None, limit=500).decisions} == {
        each.id for each in searched(fleet.together, dear, before=None, limit=500).decisions
    }
    assert len(news(copy, Filter(), after=0, limit=7).decisions) == 7


def test_one_gateways_ledger_can_be_asked_alone(fleet: Fleet) -> None:
    for gateway, store in zip(GATEWAYS, fleet.apart, strict=True):
        alone = PostgresStore(fleet.postgres.url, gateway)
        assert summary(alone, Filter()) == summary(store, Filter())
        assert summary(alone, RAGGED) == summary(store, RAGGED)
        held = copy_holdings(alone)
        assert held.rows["decisions"] == held.ledgers[gateway].decisions == query.count(store)
        assert set(held.ledgers) == set(GATEWAYS)
        assert held.bytes > 0
        assert "postgres:" not in held.where


def test_a_role_that_may_only_select_is_enough(fleet: Fleet, tmp_path: Path) -> None:
    fleet.postgres.does(
        "CREATE ROLE reader LOGIN",
        "GRANT USAGE ON SCHEMA turnout TO reader",
        "GRANT SELECT ON ALL TABLES IN SCHEMA turnout TO reader",
    )
    try:
        reader = PostgresStore(fleet.postgres.url.replace("postgres:@", "reader:@"))
        ((name,),) = reader.rows("SELECT current_role::text")
        assert name == "reader"
        assert calls(reader, SINCE, UNTIL) == calls(fleet.together, SINCE, UNTIL)
        assert copy_holdings(reader).rows["decisions"] == query.count(fleet.together)
    finally:
        fleet.postgres.does("DROP OWNED BY reader", "DROP ROLE reader")


@pytest.mark.parametrize(
    ("url", "told"),
    [
        ("postgresql://joe:s3cret@127.0.0.1:1/turnout", "Postgres at 127.0.0.1/turnout cannot be read"),
        ("postgresql://joe:s3c/ret@127.0.0.1:5/turnout", "it is no address like"),
        ("postgresql://joe:s3cret@[/turnout", "it is no address like"),
    ],
)
def test_what_is_no_database_is_told_without_its_password(url: str, told: str) -> None:
    with pytest.raises(LedgerError, match=told) as error:
        query.count(PostgresStore(url))
    assert "s3c" not in str(error.value)
    assert "\n" not in str(error.value)


def test_a_database_that_no_gateway_copied_into_or_another_version_did_says_so(postgres: Postgres) -> None:
    store = PostgresStore(postgres.url)
    with pytest.raises(LedgerError, match="no gateway has copied a ledger into this database"):
        query.count(store)
    postgres.does("CREATE SCHEMA turnout", "CREATE TABLE turnout.positions (ledger text)")
    with pytest.raises(LedgerError, match="have version 1; this turnout needs version 2: DROP SCHEMA"):
        query.count(store)
    postgres.does("CREATE TABLE turnout.version AS SELECT 99 AS version")
    with pytest.raises(LedgerError, match="have version 99; a newer turnout wrote them"):
        query.count(store)


def test_without_the_extra_its_name_is_told(fleet: Fleet, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "asyncpg", None)
    with pytest.raises(MissingExtra, match=r"turnout\[postgres\]"):
        query.count(PostgresStore(fleet.postgres.url))


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
    wait_for(lambda: _answered(reader) and query.count(reader) == query.count(store), 60)
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
