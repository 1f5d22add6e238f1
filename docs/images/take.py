"""Photographs every page of the dashboard over some days of made-up traffic: `python -m docs.images.take`.

Needs Chromium, and the extras `test` and `dashboard`. It writes beside itself; for a look at the same as PNG files,
name a directory.
"""

from __future__ import annotations

import base64
import os
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from shutil import which
from typing import Final, NamedTuple
from urllib.request import urlopen

from playwright.sync_api import Browser, sync_playwright

from docs.images.traffic import CONFIG, fill
from docs.images.trials import learn, save_results
from turnout.insight.browse import listed
from turnout.insight.query import Filter
from turnout.ledger.location import database_file
from turnout.ledger.sqlite import SqliteStore

_HERE: Final = Path(__file__).parent
_DAYS: Final = 12
_WITHIN_S: Final = 30.0
_TALLEST: Final = 2_000
_WINDOW: Final = (1280, 900)
"""A page in a window of this size is photographed whole, in any other as much as the window shows."""


class Shot(NamedTuple):
    """A photograph: the file's name, the page, the theme, and the window's size in pixels."""

    name: str
    page: str
    theme: str = "light"
    size: tuple[int, int] = _WINDOW


SHOTS: Final = (
    Shot("overview", "?period=24h"),
    Shot("overview-dark", "?period=7d", "dark"),
    Shot("overview-phone", "?period=24h", "light", (390, 844)),
    Shot("decisions", "/decisions", "light", (1280, 1100)),
    Shot("decision", "/decisions/{fallback}"),
    Shot("decision-phone", "/decisions/{fallback}", "dark", (390, 844)),
    Shot("routes", "/routes?period=24h"),
    Shot("targets", "/targets?period=24h"),
    Shot("tenants", "/tenants"),
    Shot("savings", "/savings?period=7d"),
    Shot("outages", "/outages?period=24h"),
    Shot("experiments", "/experiments"),
    Shot("drift", "/drift"),
    Shot("drift-phone", "/drift", "dark", (390, 844)),
    Shot("what-if", "/what-if/haiku-for-the-assistant"),
    Shot("advice", "/advice"),
    Shot("outages-dark", "/outages?period=7d", "dark"),
)


def main(into: Path | None) -> None:
    """Fill a ledger, run the gateway over it, and photograph."""
    with tempfile.TemporaryDirectory(prefix="turnout-images-") as name:
        directory = Path(name)
        (directory / "turnout.yaml").write_text(CONFIG, "utf-8")
        store = SqliteStore(database_file(directory / "data"))
        now = datetime.now(UTC)
        fill(store, now, learn(directory, now), days=_DAYS)
        save_results(directory, CONFIG, _environment())
        fallbacks = listed(store, Filter(fell_back=True, route="support"), before=None, limit=400).decisions
        telling = next(one for one in fallbacks if len(one.attempts) > 1 and one.outcome == "answered")
        with _gateway(directory) as address, sync_playwright() as playwright:
            browser = playwright.chromium.launch(executable_path=which("chromium"), args=["--no-sandbox"])
            for shot in SHOTS:
                _take(browser, shot, f"{address}/dashboard{shot.page.format(fallback=telling.id)}", into)
            browser.close()


def _take(browser: Browser, shot: Shot, address: str, into: Path | None) -> None:
    width, height = shot.size
    context = browser.new_context(
        viewport={"width": width, "height": height}, color_scheme="dark" if shot.theme == "dark" else "light"
    )
    page = context.new_page()
    page.goto(address)
    if page.locator(".chart").count():
        page.wait_for_selector("html[data-charts=drawn]")
    whole = page.evaluate("document.documentElement.scrollHeight") if height == _WINDOW[1] else height
    clip = {"x": 0, "y": 0, "width": width, "height": min(whole, _TALLEST), "scale": 1}
    form = {"format": "png"} if into else {"format": "webp", "quality": 82}
    asked = {**form, "clip": clip, "captureBeyondViewport": True}
    taken = context.new_cdp_session(page).send("Page.captureScreenshot", asked)
    (into or _HERE).joinpath(f"{shot.name}.{form['format']}").write_bytes(base64.b64decode(taken["data"]))
    context.close()


def _environment() -> dict[str, str]:
    return {**os.environ, "PYTHONPATH": str(_HERE.parents[1] / "src")}


@contextmanager
def _gateway(directory: Path) -> Iterator[str]:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    command = ["serve", "--config", "turnout.yaml", "--data", "data", "--port", str(port)]
    child = subprocess.Popen([sys.executable, "-m", "turnout.cli", *command], cwd=directory, env=_environment())
    try:
        _ready(f"http://127.0.0.1:{port}/health/ready")
        yield f"http://127.0.0.1:{port}"
    finally:
        child.kill()
        child.wait()


def _ready(address: str) -> None:
    end = time.monotonic() + _WITHIN_S
    while True:
        try:
            urlopen(address).close()  # noqa: S310 - our own address
            return
        except OSError:
            if time.monotonic() > end:
                raise
            time.sleep(0.1)


if __name__ == "__main__":
    main(Path(sys.argv[1]) if sys.argv[1:] else None)
