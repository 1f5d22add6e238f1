"""A gateway over a ledger that already has something in it, and what its pages say."""

from __future__ import annotations

import http.client
from collections.abc import Iterator
from contextlib import closing, contextmanager
from html.parser import HTMLParser
from pathlib import Path
from typing import NamedTuple

from tests.ledger.test_sqlite import append
from tests.processes import GatewayProcess
from tests.running import RunningGateway, running_gateway
from turnout.cli.pages import dashboard_pages
from turnout.ledger.location import database_file
from turnout.ledger.sqlite import SqliteStore
from turnout.types.decision import Decision

CONFIG = """
providers:
  nobody: {dialect: openai, base_url: "http://127.0.0.1:9/v1"}
targets:
  haiku: {provider: nobody, model: a-model, price: {input: 1, output: 2}, simulated: true}
  sonnet: {provider: nobody, model: another-model}
routes:
  support:
    baseline: sonnet
    lists: {faq: [reset my password]}
    policy:
      rules:
        - {name: faq, when: {matches: faq}, use: [haiku, sonnet]}
        - {name: rest, use: sonnet}
"""


class Page(NamedTuple):
    """What came back."""

    status: int
    headers: dict[str, str]
    text: str

    @property
    def elements(self) -> list[tuple[str, dict[str, str]]]:
        found: list[tuple[str, dict[str, str]]] = []

        class Parser(HTMLParser):
            def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
                found.append((tag, {name: value or "" for name, value in attrs}))

        Parser().feed(self.text)
        return found

    @property
    def words(self) -> str:
        """The text as it is read, in one line."""
        said: list[str] = []

        class Parser(HTMLParser):
            def handle_data(self, data: str) -> None:
                said.append(data)

        Parser().feed(self.text)
        return " ".join(" ".join(said).split())

    def figure(self, name: str) -> str:
        return self.text.partition(f'data-figure="{name}"')[2].partition(">")[2].partition("<")[0].strip()


@contextmanager
def seeded_gateway(directory: Path, *decisions: Decision, config: str = CONFIG) -> Iterator[RunningGateway]:
    store = SqliteStore(database_file(directory / "data"))
    append(store, *decisions)
    store.close()
    with running_gateway(config, directory, dashboard_pages) as gateway:
        yield gateway


def look(gateway: RunningGateway | GatewayProcess, path: str, *, form: str | None = None, **headers: str) -> Page:
    """Ask for a page; a `form` is sent by POST."""
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    method = "GET" if form is None else "POST"
    with closing(http.client.HTTPConnection(gateway.url.removeprefix("http://"), timeout=30)) as connection:
        connection.request(method, path, form, named)
        response = connection.getresponse()
        told = {name.lower(): value for name, value in response.getheaders()}
        return Page(response.status, told, response.read().decode("utf-8", "replace"))
