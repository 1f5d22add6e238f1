"""The tutorial, done as its reader does it: every command in turn, and what it says that they print."""

from __future__ import annotations

import os
import re
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest

from tests.docs.pages import ROOT, Command, blocks, commands
from tests.ports import lasting_port

TUTORIAL = ROOT / "docs/tutorial.md"
PORTS = ("8080", "9000", "9001", "9100", "9101")
DONE = "-- done --"
VARYING = re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f-]+|\d+(?:\.\d+)?")


class Reader:
    """A shell in an empty directory, with the ports of the page changed to free ones."""

    def __init__(self, directory: Path, stack: ExitStack) -> None:
        self._stack = stack
        self._ports = {port: lasting_port() for port in PORTS}
        self._directory = directory
        self._env = {
            **os.environ,
            "PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}",
            "PYTHONUNBUFFERED": "1",
        }
        self._shell = self._started(["bash", "-s"], stdin=subprocess.PIPE)

    def write(self, name: str, text: str) -> None:
        (self._directory / name).write_text(self._with_ports(text), "utf-8")

    def type(self, line: str) -> list[str]:
        """What a command prints; one that serves is left running, once it has spoken and its port answers."""
        line = self._with_ports(line)
        if re.match(r"turnout (serve|fault-provider)", line):
            return self._serve(line)
        self._shell.stdin.write(f"{line}\necho '{DONE}'\n".encode())
        self._shell.stdin.flush()
        return list(self._until_done())

    def _serve(self, line: str) -> list[str]:
        said = self._directory / f"served-{len(list(self._directory.iterdir()))}.txt"
        with said.open("wb") as output:
            self._started(line.split(), stdout=output)
        port = re.search(r"--port (\d+)", line)
        at = int(port[1] if port else self._ports["8080"])
        _wait_for(lambda: said.stat().st_size > 0, f"'{line}' says nothing")
        _wait_for(lambda: _answers(at), f"nothing listens at {at}")
        return said.read_text("utf-8").splitlines()

    def _until_done(self) -> Iterator[str]:
        for raw in self._shell.stdout:
            line = raw.decode().rstrip("\n")
            if line.endswith(DONE):
                if line != DONE:
                    yield line.removesuffix(DONE)
                return
            yield line
        pytest.fail("the shell ended")

    def _started(self, words: list[str], *, stdin: int | None = None, stdout: Any = subprocess.PIPE) -> Any:
        running = subprocess.Popen(
            words, cwd=self._directory, env=self._env, stdin=stdin, stdout=stdout, stderr=subprocess.STDOUT
        )
        process = self._stack.enter_context(running)  # closes its pipes and waits for it
        self._stack.callback(process.terminate)
        return process

    def _with_ports(self, text: str) -> str:
        for written, free in self._ports.items():
            text = text.replace(written, str(free))
        return text


def test_the_tutorial_does_what_it_says(tmp_path: Path) -> None:
    with ExitStack() as stack:
        reader = Reader(tmp_path, stack)
        (configuration,) = blocks(TUTORIAL, "yaml")
        reader.write("turnout.yaml", configuration.text)
        for block in blocks(TUTORIAL, "console"):
            for command in commands(block):
                _compare(command, reader.type(command.line))


def _compare(command: Command, printed: list[str]) -> None:
    """Every line that the page shows is printed, in this order, whatever its numbers."""
    waiting = [_plain(line) for line in printed]
    for line in command.printed:
        if line.strip() in {"", "..."}:
            continue
        wanted = _plain(line)
        assert wanted in waiting, f"{command} does not print {line!r}, but:\n" + "\n".join(printed)
        waiting = waiting[waiting.index(wanted) + 1 :]


def _plain(line: str) -> str:
    return " ".join(VARYING.sub("#", line).split()).replace("#m#s", "#s")


def _wait_for(true: Callable[[], bool], otherwise: str) -> None:
    until = time.monotonic() + 30
    while time.monotonic() < until:
        if true():
            return
        time.sleep(0.05)
    pytest.fail(otherwise)


def _answers(port: int) -> bool:
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0
