"""A real gateway in a thread of the test's own process: real sockets, the real application."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import uvicorn

from turnout.ledger.location import database_file
from turnout.ledger.sqlite import SqliteStore
from turnout.server.app import Pages
from turnout.server.run import Serving, http_server
from turnout.types.decision import Decision

_START_S = 60.0


@dataclass(frozen=True)
class RunningGateway:
    """A gateway that listens.

    Attributes:
        url: what the Anthropic SDK is given; the OpenAI SDK is given `openai_url`.
        data: its data directory.
    """

    url: str
    data: Path

    @property
    def openai_url(self) -> str:
        return f"{self.url}/v1"

    def decision(self, decision_id: str, within_s: float = 30.0) -> Decision:
        """The record of that id, once it has been drained."""
        store = SqliteStore(database_file(self.data))
        try:
            end = time.monotonic() + within_s
            while (found := store.read(decision_id)) is None and time.monotonic() < end:
                time.sleep(0.02)
        finally:
            store.close()
        assert found is not None, f"{decision_id} is not in the ledger after {within_s} s"
        return found


@contextmanager
def running_gateway(config: str, directory: Path, pages: Pages | None = None) -> Iterator[RunningGateway]:
    """Run a gateway with the configuration `config` (YAML), and further routes, until the block ends."""
    file = directory / "turnout.yaml"
    file.write_text(config, encoding="utf-8")
    data = directory / "data"
    app = Serving("127.0.0.1", file, data, pages).gateway()
    server = uvicorn.Server(http_server(app))
    thread = threading.Thread(target=server.run, daemon=True)
    thread.start()
    try:
        yield RunningGateway(f"http://127.0.0.1:{_port(server)}", data)
    finally:
        server.should_exit = True
        thread.join()


def _port(server: uvicorn.Server) -> int:
    end = time.monotonic() + _START_S
    while not server.started:
        if time.monotonic() > end:
            raise TimeoutError("the gateway did not start")
        time.sleep(0.005)
    port: int = server.servers[0].sockets[0].getsockname()[1]
    return port
