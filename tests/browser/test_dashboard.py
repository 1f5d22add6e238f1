"""The dashboard in a real browser, over real traffic with an outage in it: numbers, filters, keys, contrast, size."""

from __future__ import annotations

import json
import re
import shutil
import time
from collections.abc import Callable, Iterator
from importlib.util import find_spec
from pathlib import Path
from typing import Any
from urllib.request import Request, urlopen

import pytest

from tests.dashboard.made_results import EVALUATED
from tests.running import RunningGateway, running_gateway
from turnout.cli.pages import dashboard_pages
from turnout.dashboard import words
from turnout.insight import query
from turnout.insight.amount_words import usd
from turnout.insight.feedback import said_of
from turnout.insight.query import Filter
from turnout.insight.sums import summary
from turnout.insight.texts import said
from turnout.insight.what_if import keep, place
from turnout.ledger.location import database_file
from turnout.ledger.sqlite import SqliteStore
from turnout.testing import HostedFaultProvider, running_fault_provider

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
pytestmark = [
    pytest.mark.browser,
    pytest.mark.skipif(CHROMIUM is None, reason="there is no Chromium"),
    pytest.mark.skipif(find_spec("playwright") is None, reason="there is no Playwright"),
]

PAGES = (
    "",
    "/decisions",
    "/routes",
    "/targets",
    "/tenants",
    "/savings",
    "/outages",
    "/experiments",
    "/drift",
    "/what-if",
    "/advice",
    "/what-if/worth-it",
)
HOSTILE = "<img src=x onerror=\"document.title='run'\">"
CONFIG = """
providers:
  first: {{dialect: openai, base_url: "{first.openai_base_url}", api_key: one}}
  second: {{dialect: openai, base_url: "{second.openai_base_url}", api_key: two}}
targets:
  primary: {{provider: first, model: large, price: {{input: 3, output: 15}}}}
  spare: {{provider: second, model: small, price: {{input: 1, output: 2}}}}
routes:
  support:
    privacy: full
    baseline: primary
    lists: {{faq: [password]}}
    policy:
      rules:
        - {{name: faq, when: {{matches: faq}}, use: [spare, primary]}}
        - {{name: rest, use: [primary, spare]}}
"""


def ask(gateway: RunningGateway, text: str, user: str) -> str:
    """Send a question; the decision's id."""
    body = {"model": "support", "messages": [{"role": "user", "content": text}]}
    return str(post(f"{gateway.openai_url}/chat/completions", body, user)["x-turnout-decision"])


def post(address: str, body: dict[str, Any], user: str = "somebody") -> Any:
    headers = {"content-type": "application/json", "x-turnout-user": user}
    with urlopen(Request(address, json.dumps(body).encode(), headers), timeout=30) as answer:
        return answer.headers


@pytest.fixture(scope="module")
def gateway(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningGateway]:
    """Traffic: eight plain requests, then the primary fails until its breaker opens."""
    with running_fault_provider(seed=1) as first, running_fault_provider(seed=2) as second:
        config = CONFIG.format(first=first, second=second)
        with running_gateway(config, tmp_path_factory.mktemp("browser"), dashboard_pages) as gateway:
            keep(place(gateway.data, "worth-it"), EVALUATED)
            _traffic(gateway, first)
            yield gateway


def _traffic(gateway: RunningGateway, first: HostedFaultProvider) -> None:
    ids = [ask(gateway, "I forgot my password" if number % 2 else "Hello", f"user-{number}") for number in range(8)]
    first.use("status(500)")
    ids += [ask(gateway, f"Hello again {HOSTILE}", HOSTILE) for _ in range(7)]
    post(f"{gateway.openai_url}/feedback", {"decision_id": ids[-1], "score": 0.25, "comment": HOSTILE})
    for each in ids:
        gateway.decision(each, within_s=30)
    store = SqliteStore(database_file(gateway.data))
    end = time.monotonic() + 30
    while not (said(store, ids[-1]) and said_of(store, ids[-1])):
        assert time.monotonic() < end
        time.sleep(0.05)


@pytest.fixture
def store(gateway: RunningGateway) -> SqliteStore:
    return SqliteStore(database_file(gateway.data))


@pytest.fixture(scope="module")
def browser() -> Iterator[Any]:
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
        yield browser
        browser.close()


Open = Callable[..., Any]


@pytest.fixture
def open_page(browser: Any, gateway: RunningGateway) -> Iterator[Open]:
    """Opens a page of the dashboard; whatever the browser complains of fails the test."""
    contexts: list[Any] = []
    complaints: list[str] = []

    def opened(path: str, **options: Any) -> Any:
        context = browser.new_context(**options)
        context.set_default_timeout(30_000)
        contexts.append(context)
        page = context.new_page()
        page.on("console", lambda said: complaints.append(said.text) if said.type in {"error", "warning"} else None)
        page.on("pageerror", lambda error: complaints.append(str(error)))
        page.goto(f"{gateway.url}/dashboard{path}")
        if page.locator(".chart").count():
            page.wait_for_selector("html[data-charts=drawn]")
        return page

    yield opened
    for context in contexts:
        context.close()
    assert complaints == []


def test_the_numbers_are_the_ledgers_and_the_charts_are_drawn(open_page: Open, store: SqliteStore) -> None:
    page, total = open_page("?period=24h"), summary(store, Filter())

    def figure(name: str) -> str:
        return str(page.locator(f"[data-figure={name}]").inner_text())

    assert figure("requests") == words.count(total.decisions)
    assert figure("spend") == usd(total.cost_usd)
    assert figure("saved") == usd(total.saved_usd)
    assert figure("success") == "100 %"
    assert figure("fallbacks") == words.share(total.fallbacks, total.decisions)
    assert page.locator(".chart .main-svg").count() >= 4
    drawn = page.locator(".chart .plot").first.bounding_box()
    card = page.locator(".card").first.bounding_box()
    assert drawn["x"] + drawn["width"] <= card["x"] + card["width"]
    spent = page.evaluate("document.querySelector('.plot').data[0].y.reduce((sum, each) => sum + each, 0)")
    assert spent == pytest.approx(float(total.cost_usd))


def test_filters_go_into_the_address_and_choose(open_page: Open, store: SqliteStore) -> None:
    page = open_page("/decisions")
    page.locator("select[name=route]").select_option("support")
    page.locator("select[name=target]").select_option("spare")
    page.get_by_label("Fallbacks only").check()
    page.get_by_role("button", name="Show").click()
    assert "target=spare" in page.url
    assert "fallbacks=1" in page.url
    wanted = [one.id for one in query.decisions(store, Filter(target="spare", fell_back=True))]
    links = page.locator("#tail tbody a")
    assert [str(link.get_attribute("aria-label"))[9:] for link in links.all()] == wanted
    links.first.click()
    assert page.url.endswith(wanted[0])
    page.get_by_text("The record, as the ledger has it").click()
    assert json.loads(page.locator("[data-record]").inner_text())["id"] == wanted[0]


def test_the_live_tail_moves(open_page: Open, gateway: RunningGateway) -> None:
    page = open_page("/decisions")
    page.get_by_role("button", name="Live tail").click()
    came = ask(gateway, "Is anybody there?", "late-user")
    page.wait_for_selector(f"#tail tbody tr:first-child a[aria-label='Decision {came}']")
    assert page.locator("#live-said").inner_text() != ""
    page.get_by_role("button", name="Live tail").click()
    assert page.get_by_role("button", name="Live tail").get_attribute("aria-pressed") == "false"


def test_the_theme_follows_the_system_until_one_is_chosen(open_page: Open) -> None:
    paper = "getComputedStyle(document.body).backgroundColor"
    page = open_page("", color_scheme="dark")
    dark = page.evaluate(paper)
    page.emulate_media(color_scheme="light")
    page.wait_for_selector("html[data-theme=light]")
    assert page.evaluate(paper) != dark
    page.get_by_role("button", name="Dark theme").click()
    assert page.evaluate(paper) == dark
    page.goto(page.url.replace("/dashboard", "/dashboard/routes"))
    assert page.evaluate(paper) == dark


def test_a_phone_never_scrolls_sideways(open_page: Open, store: SqliteStore) -> None:
    page = open_page("", viewport={"width": 360, "height": 780})
    story = next(query.decisions(store, Filter(fell_back=True), limit=1)).id
    for path in (*PAGES, f"/decisions/{story}"):
        page.goto(re.sub(r"/dashboard.*", f"/dashboard{path}", page.url))
        page.wait_for_load_state("load")
        assert page.evaluate("document.documentElement.scrollWidth") <= 360, path


def test_everything_is_reached_by_keyboard(open_page: Open) -> None:
    page = open_page("/decisions")
    focused = "document.activeElement.textContent.trim()"
    page.keyboard.press("Tab")
    assert page.evaluate(focused) == "Skip to the content"
    page.keyboard.press("Enter")
    assert page.evaluate("document.activeElement.id") == "main"
    page.keyboard.press("Tab")
    assert page.evaluate(focused) == "Live tail"
    assert page.evaluate("getComputedStyle(document.activeElement).outlineStyle") == "solid"
    page.keyboard.press("Tab")
    page.keyboard.type("user-3")
    page.keyboard.press("Enter")
    page.wait_for_url("**q=user-3**")
    assert page.locator("#tail tbody tr").count() == 1


@pytest.fixture(scope="module")
def axe() -> str:
    found = find_spec("axe_playwright_python")
    assert found is not None
    assert found.origin is not None
    return (Path(found.origin).parent / "axe.min.js").read_text(encoding="utf-8")


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_axe_finds_nothing(open_page: Open, store: SqliteStore, axe: str, theme: str) -> None:
    page = open_page("", color_scheme=theme)
    story = next(query.decisions(store, Filter(fell_back=True), limit=1)).id
    rules = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]
    asked = {"runOnly": {"type": "tag", "values": rules}} if theme == "light" else {"runOnly": ["color-contrast"]}
    for path in (*PAGES, f"/decisions/{story}", "/sign-in"):
        page.goto(re.sub(r"/dashboard.*", f"/dashboard{path}", page.url))
        page.evaluate(axe)
        found = page.evaluate("asked => axe.run(asked)", asked)["violations"]
        told = [(each["id"], [node["html"][:200] for node in each["nodes"]]) for each in found]
        assert told == [], path


def test_a_hostile_name_stays_text(open_page: Open, store: SqliteStore) -> None:
    latest = next(query.decisions(store, Filter(user=HOSTILE), limit=1))
    page = open_page(f"/decisions/{latest.id}")
    assert page.get_by_text(HOSTILE, exact=True).first.is_visible()
    prompt = page.get_by_role("list", name="What was said")
    assert f"Hello again {HOSTILE}" in prompt.inner_text()
    assert HOSTILE in page.get_by_role("region", name="Feedback").inner_text()
    assert page.locator("main img").count() == 0
    assert page.title() != "run"


def test_the_outage_is_told(open_page: Open) -> None:
    page = open_page("/outages?period=24h")
    assert page.get_by_role("heading", name=re.compile("^primary, ")).count() == 1
    assert "all of them, by others" in page.locator("main").inner_text()
    assert re.search("primary: its breaker is (half )?open now", page.locator("main").inner_text())
