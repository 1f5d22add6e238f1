"""A disk without room under a gateway at work: what is promised holds, nothing is torn, and it goes on by itself."""

from __future__ import annotations

import errno
import http.client
import json
import os
import resource
import shutil
import sqlite3
import subprocess
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager, suppress
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import pytest

from tests.processes import GatewayProcess, gateway_process, wait_for
from tests.wiring import OPENAI, endpoint, listen, request, wire
from turnout.errors import Overloaded
from turnout.features.hash_keys import FixedKey
from turnout.ledger.entry import decode_line
from turnout.ledger.journal import Journal
from turnout.ledger.location import database_file
from turnout.router.record import Record
from turnout.testing import HEALTHY_TEXT, HostedFaultProvider, ScriptedProvider, running_fault_provider
from turnout.types.clock import SystemClock

CONFIG = """
providers:
  chat: {{dialect: openai, base_url: "{provider.openai_base_url}", api_key: key}}
targets:
  model: {{provider: chat, model: the-model, price: {{input: 1, output: 2}}}}
ledger: {{required: {required}}}
"""
ROOM = 2 << 20


# --- the journal under the router -----------------------------------------------------------------------------------


@pytest.mark.parametrize("code", [errno.ENOSPC, errno.EROFS, errno.EIO, errno.EDQUOT], ids=errno.errorcode.get)
@pytest.mark.parametrize("required", [True, False])
async def test_what_cannot_be_recorded_is_refused_or_counted_as_the_configuration_says(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture, code: int, required: bool
) -> None:
    provider = ScriptedProvider(OPENAI, *["fine"] * 9)
    router = wire(endpoint("a", provider, OPENAI)).router
    router.parts = replace(router.parts, required=required)
    journal = Journal(tmp_path, worker="one")
    record = router._record = Record(journal, clock=SystemClock(), hash_keys=FixedKey(b"k" * 32))

    async def ask(*, stream: bool = False) -> str:
        return (await listen(await router.handle(request(stream=stream)), OPENAI)).text

    def fail(*_: object) -> int:
        raise OSError(code, os.strerror(code))

    assert await ask() == "fine"
    with monkeypatch.context() as broken:
        broken.setattr("os.write", fail)
        for stream in (True, False):
            if required:
                with pytest.raises(Overloaded, match="cannot be recorded") as refused:
                    await ask(stream=stream)
                assert refused.value.retry_after_s
            else:
                assert await ask(stream=stream) == "fine"
    assert len(provider.calls) == (1 if required else 3)
    assert record.lost == 4
    assert await ask() == "fine"
    said = [each.getMessage() for each in caplog.records if each.name == "turnout.router.record"]
    assert said[0].startswith("decisions are being lost")
    assert said[1:] == ["decisions are recorded again; 4 lines were lost"]
    lines = (journal.directory / "00000001.jsonl").read_bytes().splitlines()
    assert len([decode_line(line) for line in lines]) == 4
    journal.close()


# --- a gateway on a disk that fills ---------------------------------------------------------------------------------


@dataclass
class Limited:
    """No file of the gateway's may grow: what a full disk is to it, and takes no privilege."""

    gateway: GatewayProcess
    hard: int = resource.RLIM_INFINITY

    def fill(self) -> None:
        _, self.hard = resource.prlimit(self.gateway.child.pid, resource.RLIMIT_FSIZE)
        resource.prlimit(self.gateway.child.pid, resource.RLIMIT_FSIZE, (1, self.hard))

    def free(self) -> None:
        resource.prlimit(self.gateway.child.pid, resource.RLIMIT_FSIZE, (self.hard, self.hard))


@dataclass
class Full:
    """The data directory is a disk of its own, and has no byte left."""

    gateway: GatewayProcess

    def fill(self) -> None:
        with suppress(OSError), self._ballast.open("ab", buffering=0) as ballast:
            while ballast.write(b"\0" * 512):
                pass

    def free(self) -> None:
        self._ballast.unlink()

    @property
    def _ballast(self) -> Path:
        return self.gateway.data / "ballast"


@contextmanager
def small_disk(at: Path, room: int = ROOM) -> Iterator[None]:
    """A file system of `room` bytes, where this machine lets us have one."""
    at.mkdir(parents=True)
    command = shutil.which("mount")
    if command is None or os.geteuid() != 0:
        pytest.skip("to mount a file system takes root")
    if subprocess.run([command, "-t", "tmpfs", "-o", f"size={room}", "tmpfs", at], check=False).returncode:
        pytest.skip("this machine mounts nothing")
    try:
        yield
    finally:
        subprocess.run(["umount", "--lazy", at], check=True)


@dataclass
class Callers:
    gateway: GatewayProcess
    answered: list[str] = field(default_factory=list)

    def ask(self) -> tuple[int, Any]:
        body = json.dumps({"model": "model", "messages": [{"role": "user", "content": "Hi"}]})
        with closing(http.client.HTTPConnection("127.0.0.1", self.gateway.port, timeout=30)) as connection:
            connection.request("POST", "/v1/chat/completions", body, {"content-type": "application/json"})
            response = connection.getresponse()
            answer = json.loads(response.read())
            if response.status == 200:
                assert answer["choices"][0]["message"]["content"] == HEALTHY_TEXT
                self.answered.append(response.headers["x-turnout-decision"])
            return response.status, answer


@pytest.fixture(scope="module")
def provider() -> Iterator[HostedFaultProvider]:
    with running_fault_provider(seed=1) as provider:
        yield provider


def _fills_and_empties(
    gateway: GatewayProcess, disk: Full | Limited, provider: HostedFaultProvider, configured: Callable[[str], str]
) -> None:
    callers = Callers(gateway)
    for _ in range(20):
        callers.ask()
    recorded = [*callers.answered]
    disk.fill()
    wait_for(lambda: callers.ask()[0] == 503, 30)  # what is left of the last block may still take a line or two
    sent = len(provider.requests)
    for _ in range(20):
        status, told = callers.ask()
        assert status == 503
        assert "cannot be recorded" in told["error"]["message"]
    assert len(provider.requests) == sent, "something was sent that is not in the record"
    gateway.file.write_text(configured("false"), encoding="utf-8")
    wait_for(lambda: callers.ask()[0] == 200, 30)
    for _ in range(20):
        assert callers.ask()[0] == 200
    disk.free()
    meanwhile = len(callers.answered)
    for _ in range(20):
        assert callers.ask()[0] == 200
    recorded += callers.answered[meanwhile:]
    wait_for(lambda: {*recorded} <= gateway.outcomes().keys(), 30)
    assert gateway.ready()[0] == 200
    assert "turnout_records_lost_total 0" not in metrics(gateway)
    with closing(sqlite3.connect(database_file(gateway.data))) as ledger:
        assert ledger.execute("PRAGMA integrity_check").fetchone() == ("ok",)
    assert gateway.child.poll() is None
    assert "Traceback" not in gateway.said
    assert len(gateway.said.splitlines()) < 20, gateway.said


def metrics(gateway: GatewayProcess) -> str:
    with closing(http.client.HTTPConnection("127.0.0.1", gateway.port, timeout=30)) as connection:
        connection.request("GET", "/metrics")
        return connection.getresponse().read().decode()


def test_a_gateway_whose_files_cannot_grow_keeps_its_word_and_goes_on(
    provider: HostedFaultProvider, tmp_path: Path
) -> None:
    def configured(required: str) -> str:
        return CONFIG.format(provider=provider, required=required)

    with gateway_process(configured("true"), tmp_path / "limited") as gateway:
        _fills_and_empties(gateway, Limited(gateway), provider, configured)


@pytest.mark.slow
def test_a_gateway_on_a_full_disk_keeps_its_word_and_goes_on(provider: HostedFaultProvider, tmp_path: Path) -> None:
    def configured(required: str) -> str:
        return CONFIG.format(provider=provider, required=required)

    directory = tmp_path / "full"
    with small_disk(directory / "data"), gateway_process(configured("true"), directory) as gateway:
        _fills_and_empties(gateway, Full(gateway), provider, configured)
