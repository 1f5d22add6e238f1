"""`turnout serve` as a process of its own, as a user runs it."""

from __future__ import annotations

import http.client
import json
import re
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from turnout.ledger.journal import journals
from turnout.ledger.location import database_file, journal_directory
from turnout.ledger.sqlite import SqliteStore

_START_S = 30.0


@dataclass(frozen=True)
class GatewayProcess:
    """A gateway that was started by its command.

    Attributes:
        child: its process; the supervisor where there are several workers.
        port: where it listens.
        data: its data directory.
        file: its configuration.
        log: what it has said.
    """

    child: subprocess.Popen[bytes]
    port: int
    data: Path
    file: Path
    log: Path

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    @property
    def said(self) -> str:
        return self.log.read_text(encoding="utf-8")

    def send(self, told: signal.Signals) -> None:
        self.child.send_signal(told)

    def ended(self, within_s: float = 15.0) -> int:
        """Wait until it has ended; its exit status."""
        return self.child.wait(within_s)

    def ready(self) -> tuple[int, dict[str, Any]]:
        """What `/health/ready` answers: status and body."""
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=30)
        try:
            connection.request("GET", "/health/ready", headers={"connection": "close"})
            response = connection.getresponse()
            return response.status, json.loads(response.read())
        finally:
            connection.close()

    def workers(self) -> list[int]:
        """The processes that serve, by their ids."""
        children = Path(f"/proc/{self.child.pid}/task/{self.child.pid}/children").read_text().split()
        command = {int(child): Path(f"/proc/{child}/cmdline").read_bytes() for child in children}
        return [child for child, line in command.items() if b"spawn_main" in line]

    def outcomes(self) -> dict[str, str]:
        """Every record's outcome by its id; for after the end."""
        store = SqliteStore(database_file(self.data))
        try:
            return {row[0]: row[1] for row in store.rows("SELECT id, outcome FROM decisions")}
        finally:
            store.close()


@contextmanager
def gateway_process(config: str, directory: Path, *options: str) -> Iterator[GatewayProcess]:
    """Run `turnout serve` with the configuration `config` until the block ends."""
    directory.mkdir(parents=True, exist_ok=True)
    file, data, log = directory / "turnout.yaml", directory / "data", directory / "gateway.log"
    file.write_text(config, encoding="utf-8")
    command = [sys.executable, "-m", "turnout.cli", "serve", "--port", "0", "--config", str(file), "--data", str(data)]
    with log.open("wb") as logged:
        child = subprocess.Popen([*command, *options], stdout=logged, stderr=logged)
    try:
        gateway = GatewayProcess(child, _port(child, log), data, file, log)
        wait_for(lambda: _serves(gateway), _START_S)
        wait_for(lambda: len(journals(journal_directory(data))) >= _workers(options), _START_S)
        yield gateway
    finally:
        with suppress(subprocess.TimeoutExpired):
            child.send_signal(signal.SIGINT)
            child.wait(10)
        child.kill()
        child.wait()


def wait_for(true: Callable[[], object], within_s: float = 10.0) -> None:
    """Wait until `true()` is."""
    end = time.monotonic() + within_s
    while not true():
        assert time.monotonic() < end, "it did not come true in time"
        time.sleep(0.02)


def _port(child: subprocess.Popen[bytes], log: Path) -> int:
    wait_for(lambda: "listens on" in log.read_text() or child.poll() is not None, _START_S)
    found = re.search(r"listens on http://127\.0\.0\.1:(\d+)", log.read_text())
    assert found, log.read_text()
    return int(found[1])


def _workers(options: Sequence[str]) -> int:
    """How many are to serve; one alone answers already, while others are still beginning."""
    return int(options[options.index("--workers") + 1]) if "--workers" in options else 1


def _serves(gateway: GatewayProcess) -> bool:
    with suppress(OSError, http.client.HTTPException):
        return gateway.ready()[0] == 200
    assert gateway.child.poll() is None, gateway.said
    return False
