"""Every page, over plain HTTP: it is there, says what the ledger says, and holds nothing that could run."""

from __future__ import annotations

import gzip
import http.client
from collections.abc import Iterator
from contextlib import closing
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from urllib.parse import quote, urlencode

import pytest

from tests.dashboard.seeded import CONFIG, Page, look, seeded_gateway
from tests.ledger import samples
from tests.running import RunningGateway
from turnout.dashboard import assets, words
from turnout.insight import browse, query
from turnout.insight.amount_words import usd
from turnout.insight.query import Filter
from turnout.insight.sums import summary
from turnout.ledger.location import database_file
from turnout.ledger.sqlite import SqliteStore
from turnout.types.candidate import Considered, Dropped
from turnout.types.clock import timestamp
from turnout.types.decision import Decision

PAGES = (
    "/dashboard",
    "/dashboard/decisions",
    "/dashboard/routes",
    "/dashboard/targets",
    "/dashboard/tenants",
    "/dashboard/savings",
    "/dashboard/outages",
    "/dashboard/experiments",
    "/dashboard/drift",
    "/dashboard/what-if",
    "/dashboard/advice",
)
HOSTILE = "\"><img src=x onerror=alert(1)></script><script>alert(2)</script>'{{ 7 * 7 }}"
NOW = datetime.now(UTC)


def ago(minutes: float) -> str:
    return timestamp(NOW - timedelta(minutes=minutes))


def hostile_decision() -> Decision:
    """Hostile in everything that a caller or a provider may say."""
    return samples.a_decision(
        time=ago(3),
        route=HOSTILE,
        model=HOSTILE,
        tenant=HOSTILE,
        user="javascript:alert(3)",
        source=HOSTILE,
        tags={HOSTILE: "javascript:alert(4)"},
        rule=HOSTILE,
        reason=HOSTILE,
        considered=(Considered(HOSTILE, chosen=True, because=HOSTILE),),
        dropped=(Dropped(HOSTILE, "breaker_open"), Dropped("sonnet", HOSTILE)),
        attempts=(
            samples.an_attempt(target=HOSTILE, outcome="failed", error_class=HOSTILE, cost_usd=None),
            samples.an_attempt(model=HOSTILE, finish=HOSTILE, price_version=HOSTILE),
        ),
        conditions={HOSTILE: {HOSTILE: HOSTILE}},
        error=HOSTILE,
        cost_usd=None,
        baseline_cost_usd=None,
    )


def an_outage() -> list[Decision]:
    failed = samples.an_attempt(target="haiku", outcome="failed", error_class="overloaded", latency_ms=100.0)
    second = samples.an_attempt(target="sonnet")
    return [
        samples.a_decision(time=ago(20), target="sonnet", attempts=(failed, second), reason="rule:faq/fallback:1"),
        samples.a_decision(time=ago(19), target=None, attempts=(), outcome="failed", dropped=(_open(),), cost_usd=None),
    ]


def _open() -> Dropped:
    return Dropped("haiku", "breaker_open")


PLAIN = [
    samples.a_decision(time=ago(minute), user=f"user-{minute}", tenant="northwind" if minute % 2 else "acme")
    for minute in range(4, 9)
]
DECISIONS = [*PLAIN, *an_outage(), hostile_decision()]


@pytest.fixture(scope="module")
def gateway(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningGateway]:
    with seeded_gateway(tmp_path_factory.mktemp("dashboard"), *DECISIONS) as gateway:
        yield gateway


@pytest.fixture
def store(gateway: RunningGateway) -> SqliteStore:
    return SqliteStore(database_file(gateway.data))


def every_address(store: SqliteStore) -> list[str]:
    stories = [f"/dashboard/decisions/{one.id}" for one in query.decisions(store, Filter())]
    periods = [f"{page}?period={name}" for page in PAGES for name in ("1h", "7d", "30d", "<script>")]
    return [*PAGES, *periods, *stories, "/dashboard/decisions/rows?after=0", "/dashboard/nowhere", "/dashboard/sign-in"]


def test_no_page_holds_anything_that_could_run(gateway: RunningGateway, store: SqliteStore) -> None:
    for address in every_address(store):
        page = look(gateway, address)
        assert page.status == (404 if "nowhere" in address else 200), address
        policy = page.headers["content-security-policy"]
        assert policy.startswith("default-src 'self';")
        assert "unsafe" not in policy
        assert "frame-ancestors 'none'" in policy
        assert page.headers["x-content-type-options"] == "nosniff"
        assert page.headers["referrer-policy"] == "no-referrer"
        assert page.headers["cache-control"] == "no-store"
        for tag, attributes in page.elements:
            assert tag not in {"img", "style", "iframe", "object"}, address
            assert tag != "script" or attributes.get("src", "").startswith("/dashboard/assets/"), address
            assert not [name for name in attributes if name == "style" or name.startswith("on")], address
            for name in ("href", "action", "src"):
                leads = attributes.get(name, "/")
                assert leads.startswith(("/dashboard", "/", "#")), (address, leads)
                assert not leads.startswith("//")
        assert "49" not in page.figure("requests")


def test_hostile_text_is_shown_as_it_was_said(gateway: RunningGateway) -> None:
    hostile = DECISIONS[-1]
    page = look(gateway, f"/dashboard/decisions/{hostile.id}")
    for said in (HOSTILE, "javascript:alert(3)", "javascript:alert(4)"):
        assert " ".join(said.split()) in page.words
    assert HOSTILE in "".join(look(gateway, "/dashboard/decisions").words)


def test_the_overview_says_what_the_ledger_says(gateway: RunningGateway, store: SqliteStore) -> None:
    page, total = look(gateway, "/dashboard?period=7d"), summary(store, Filter())
    assert page.figure("requests") == words.count(total.decisions) == "8"
    assert page.figure("spend") == usd(total.cost_usd)
    assert page.figure("saved") == usd(total.saved_usd)
    assert page.figure("success") == words.share(total.outcomes["answered"], total.decisions)
    assert page.figure("fallbacks") == words.share(total.fallbacks, total.decisions)
    assert "2 unpriced" in page.words
    assert look(gateway, "/dashboard/savings?period=7d").figure("saved") == usd(total.saved_usd)


def test_the_charts_are_drawn_from_tables_that_sum_up_to_the_total(gateway: RunningGateway) -> None:
    page = look(gateway, "/dashboard?period=7d")
    spend = page.text.partition('data-series="Spend"')[2].partition("</table>")[0]
    cells = [cell.partition('"')[0] for cell in spend.split('<td class="number" data-value="')[1::2]]
    assert len(cells) == 168
    assert usd(sum(map(Decimal, cells), Decimal(0))) == page.figure("spend")


@pytest.mark.parametrize(
    ("asked", "wanted"),
    [
        ({"route": "support"}, Filter(route="support")),
        ({"tenant": "acme"}, Filter(tenant="acme")),
        ({"target": "sonnet"}, Filter(target="sonnet")),
        ({"outcome": "failed"}, Filter(outcome="failed")),
        ({"q": "user-5"}, Filter(user="user-5")),
        ({"user": "user-6"}, Filter(user="user-6")),
        ({"q": "ab" * 32}, Filter(query_hash="ab" * 32)),
        ({"q": PLAIN[0].id[:18]}, Filter(id_prefix=PLAIN[0].id[:18])),
        ({"fallbacks": "1"}, Filter(fell_back=True)),
        ({"min_cost": "0.0005"}, Filter(min_cost_usd=Decimal("0.0005"))),
        ({"min_cost": "much", "period": "of time"}, Filter()),
        ({"period": "1h", "rule": "faq"}, Filter(rule="faq")),
    ],
)
def test_filters_live_in_the_address(
    gateway: RunningGateway, store: SqliteStore, asked: dict[str, str], wanted: Filter
) -> None:
    shown = ids_of(look(gateway, f"/dashboard/decisions?{urlencode(asked)}"))
    assert shown == [one.id for one in query.decisions(store, wanted)]
    assert shown


def test_what_has_no_index_is_searched_for_page_by_page(
    gateway: RunningGateway, store: SqliteStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(browse, "MOST_READ", 3)
    first = look(gateway, "/dashboard/decisions?rule=faq")
    assert "among the 3 requests that were looked at" in first.words
    assert len(ids_of(first)) == 2
    seen = ids_of(first)
    address = next((each["href"] for _, each in first.elements if each.get("rel") == "next"), None)
    while address:
        page = look(gateway, address)
        seen += ids_of(page)
        address = next((each["href"] for _, each in page.elements if each.get("rel") == "next"), None)
    assert seen == [one.id for one in query.decisions(store, Filter(rule="faq"))]
    assert "were looked at" not in look(gateway, "/dashboard/decisions?rule=faq&route=support").words


def ids_of(page: Page) -> list[str]:
    return [attributes["aria-label"][9:] for tag, attributes in page.elements if _is_decision(tag, attributes)]


def _is_decision(tag: str, attributes: dict[str, str]) -> bool:
    return tag == "a" and attributes.get("aria-label", "").startswith("Decision ")


def test_a_whole_id_leads_to_its_decision(gateway: RunningGateway) -> None:
    found = look(gateway, f"/dashboard/decisions?q={PLAIN[0].id}")
    assert (found.status, found.headers["location"]) == (303, f"/dashboard/decisions/{PLAIN[0].id}")


def test_an_unknown_decision_is_said_to_be_unknown(gateway: RunningGateway) -> None:
    assert "No such decision" in look(gateway, "/dashboard/decisions/ffffffff").words
    several = look(gateway, f"/dashboard/decisions/{PLAIN[0].id[:2]}")
    assert (several.status, "Several decisions begin so" in several.words) == (404, True)


def test_what_has_arrived_since_is_told_with_its_number(gateway: RunningGateway) -> None:
    everything = look(gateway, "/dashboard/decisions/rows?after=0")
    assert (everything.headers["x-newest"], len(ids_of(everything))) == ("8", 8)
    assert ids_of(look(gateway, "/dashboard/decisions/rows?after=8")) == []
    assert ids_of(look(gateway, "/dashboard/decisions/rows?after=7")) == [DECISIONS[-1].id]
    assert ids_of(look(gateway, "/dashboard/decisions/rows?after=nothing")) == []


def test_the_story_tells_what_was_tried_and_what_it_cost(gateway: RunningGateway) -> None:
    said = look(gateway, f"/dashboard/decisions/{DECISIONS[5].id}").words
    for each in ("Answered by sonnet", "haiku", "overloaded", "+0 ms", "$0.000714", "faq", "passed", "decided"):
        assert each in said, each
    left_out = look(gateway, f"/dashboard/decisions/{DECISIONS[6].id}").words
    assert "Nobody answered" in left_out
    assert "its circuit breaker is open" in left_out


def test_an_outage_is_told_with_where_the_traffic_went(gateway: RunningGateway) -> None:
    said = look(gateway, "/dashboard/outages?period=7d").words
    assert "1 × overloaded; then its breaker opened, and 1 request left it out" in said
    assert "50.0 %: 1 got no answer" in said


def test_routes_are_drawn_with_their_shares(gateway: RunningGateway) -> None:
    page = look(gateway, "/dashboard/routes?period=7d")
    drawn = page.text.partition('aria-labelledby="route-1"')[2].partition("</svg>")[0]
    for each in ("faq", "matches faq", "rest", "everything else", "fallback 1"):
        assert each in drawn
    assert "No route of this name is configured now" in page.words


def test_targets_tell_their_price_and_their_errors(gateway: RunningGateway) -> None:
    said = look(gateway, "/dashboard/targets?period=7d").words
    assert "$1.00 in, $2.00 out per million tokens" in said
    assert "unknown: its costs are flagged, never 0" in said
    assert "overloaded 1" in said
    assert "not configured" in said


def test_a_stand_in_is_marked_wherever_it_is_named(gateway: RunningGateway) -> None:
    named = ("?period=7d", "/decisions", f"/decisions/{DECISIONS[0].id}", "/routes", "/targets", "/outages?period=7d")
    for path in named:
        page = look(gateway, f"/dashboard{path}")
        assert "haiku*" in page.words, path
        assert "* simulated: it answers without a model" in page.words
        assert ">haiku</strong>" not in page.text
        assert ">haiku</a>" not in page.text


def test_only_a_page_with_a_chart_loads_the_charts(gateway: RunningGateway) -> None:
    for address in PAGES:
        drawn = address in {"/dashboard", "/dashboard/savings"}
        assert ("plotly.min.js" in look(gateway, address).text) == drawn


def test_files_are_kept_for_ever_and_come_compressed(gateway: RunningGateway) -> None:
    address = assets.address("plotly.min.js")
    with closing(http.client.HTTPConnection(gateway.url.removeprefix("http://"), timeout=30)) as connection:
        connection.request("GET", address, headers={"accept-encoding": "gzip"})
        response = connection.getresponse()
        packed = response.read()
    assert "immutable" in (response.getheader("cache-control") or "")
    assert response.getheader("content-encoding") == "gzip"
    plain = gzip.decompress(packed)
    assert len(packed) < len(plain) / 3
    assert look(gateway, assets.address("turnout.css")).headers["content-type"] == "text/css; charset=utf-8"
    assert look(gateway, "/dashboard/assets/0/nothing.js").status == 404


def test_without_the_extra_the_numbers_are_there_and_the_command_that_installs_it(
    gateway: RunningGateway, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(assets, "find_spec", lambda _: None)
    assets.read.cache_clear()
    try:
        page = look(gateway, "/dashboard")
    finally:
        assets.read.cache_clear()
    assert "pip install 'turnout[dashboard]'" in page.words
    assert "plotly.min.js" not in page.text
    assert "<details open>" in page.text


def test_pages_follow_one_another_to_the_last_decision(tmp_path: Path) -> None:
    many = [samples.a_decision(time=ago(index // 3)) for index in range(120)]
    with seeded_gateway(tmp_path, *many) as gateway:
        seen: list[str] = []
        address: str | None = "/dashboard/decisions?route=support"
        while address:
            page = look(gateway, address)
            seen += ids_of(page)
            address = next((each["href"] for tag, each in page.elements if each.get("rel") == "next"), None)
    assert len(seen) == len(set(seen)) == 120
    assert set(seen) == {one.id for one in many}


def test_an_empty_ledger_says_what_to_do(tmp_path: Path) -> None:
    with seeded_gateway(tmp_path) as gateway:
        for address in ("/dashboard", "/dashboard/decisions", "/dashboard/tenants"):
            assert "No decisions yet" in look(gateway, address).words
        for address in PAGES:
            assert look(gateway, address).status == 200
        assert "Nothing to compare with" in look(gateway, "/dashboard/savings").words
        assert "No decision is like that" in look(gateway, "/dashboard/decisions?user=x").words


def test_a_ledger_that_cannot_be_read_is_said_to_be_so(tmp_path: Path) -> None:
    with seeded_gateway(tmp_path) as gateway:
        for file in gateway.data.iterdir():
            if file.name.startswith(database_file(gateway.data).name):
                file.unlink()
        database_file(gateway.data).write_bytes(b"this is no database " * 500)
        page = look(gateway, "/dashboard")
        assert (page.status, "The ledger cannot be read" in page.words) == (503, True)


ADMIN_KEY, VIEWER_KEY = "the-key-of-an-admin-of-the-test", "the-key-of-a-viewer-of-the-test"
LOCKED = f"""{CONFIG}
server:
  admin_keys:
    - {{name: ops, key: {ADMIN_KEY}, role: admin}}
    - {{name: product, key: {VIEWER_KEY}, role: viewer}}
"""


@pytest.fixture(scope="module")
def locked(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningGateway]:
    with seeded_gateway(tmp_path_factory.mktemp("locked"), *PLAIN, config=LOCKED) as gateway:
        yield gateway


@pytest.mark.parametrize("key", [ADMIN_KEY, VIEWER_KEY])
def test_a_key_opens_the_page_that_was_asked_for(locked: RunningGateway, key: str) -> None:
    wanted = "/dashboard/decisions?route=support"
    away = look(locked, wanted)
    assert (away.status, away.headers["location"]) == (303, f"/dashboard/sign-in?next={quote(wanted)}")
    entered = look(locked, "/dashboard/sign-in", form=urlencode({"key": key, "next": wanted}))
    assert (entered.status, entered.headers["location"]) == (303, wanted)
    cookie = entered.headers["set-cookie"]
    assert "HttpOnly" in cookie
    assert "SameSite=Strict" in cookie
    assert key not in cookie
    inside = look(locked, wanted, cookie=cookie.partition(";")[0])
    assert inside.status == 200
    assert "Sign out" in inside.words
    left = look(locked, "/dashboard/sign-out", form="", cookie=cookie.partition(";")[0])
    assert (left.headers["location"], "Max-Age=0" in left.headers["set-cookie"]) == ("/dashboard/sign-in", True)


def test_a_strangers_key_opens_nothing(locked: RunningGateway) -> None:
    refused = look(locked, "/dashboard/sign-in", form="key=nobodys&next=/dashboard")
    assert (refused.status, "Nobody has that key" in refused.words) == (401, True)
    assert "set-cookie" not in refused.headers
    long = look(locked, "/dashboard/sign-in", form="key=" + "x" * 100_000)
    assert long.status == 401
    assert "nobodys" not in refused.text


@pytest.mark.parametrize("elsewhere", ["https://example.com/dashboard", "//example.com", "/\\example.com", "/v1", ""])
def test_signing_in_leads_nowhere_else(locked: RunningGateway, elsewhere: str) -> None:
    entered = look(locked, "/dashboard/sign-in", form=urlencode({"key": VIEWER_KEY, "next": elsewhere}))
    assert entered.headers["location"] == "/dashboard"


def test_a_key_in_a_header_needs_no_session(locked: RunningGateway) -> None:
    assert look(locked, "/dashboard", authorization=f"Bearer {VIEWER_KEY}").status == 200


def test_without_keys_only_this_machine_may_look(gateway: RunningGateway) -> None:
    refused = look(gateway, "/dashboard", host="dashboard.example.com")
    assert (refused.status, "server.admin_keys" in refused.words) == (403, True)
