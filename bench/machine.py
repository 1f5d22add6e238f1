"""The machine: which core each part runs on, free ports, processes started and stopped cleanly."""

from __future__ import annotations

import contextlib
import os
import platform
import signal
import socket
import subprocess
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

HOST = "127.0.0.1"


class BenchError(Exception):
    """The measurement cannot go on; the message says why and where to look."""


@dataclass(frozen=True)
class Cores:
    """Which cores each part may use; an empty set leaves a part unpinned."""

    contestant: frozenset[int]
    mock: frozenset[int]
    load: frozenset[int]

    @classmethod
    def among(cls, available: Sequence[int]) -> Cores:
        """The contestant alone on the first core; mock and load on the rest, apart where they can be."""
        if not available:
            return cls(frozenset(), frozenset(), frozenset())
        first, *others = available
        rest = others or [first]
        return cls(frozenset({first}), frozenset({rest[0]}), frozenset({rest[1] if len(rest) > 1 else rest[0]}))

    @property
    def text(self) -> str:
        """A sentence for the table's caption."""
        if not self.contestant:
            return "not pinned: this system cannot"
        parts = (("contestant", self.contestant), ("mock provider", self.mock), ("load", self.load))
        return ", ".join(f"{name} on core {min(cores)}" for name, cores in parts)


def available_cores() -> list[int]:
    """The cores this process may use, or none where the system cannot pin."""
    return sorted(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else []


def pin(cores: frozenset[int]) -> None:
    """Keep this thread, and what it starts from now on, on `cores`."""
    if cores:
        os.sched_setaffinity(0, cores)


@contextlib.contextmanager
def pinned(cores: frozenset[int]) -> Iterator[None]:
    """Start what is started inside on `cores`: a child inherits them."""
    before = frozenset(available_cores())
    pin(cores)
    try:
        yield
    finally:
        pin(before)


def processor() -> str:
    """The processor's name, for the report."""
    try:
        lines = Path("/proc/cpuinfo").read_text().splitlines()
    except OSError:
        return platform.processor()
    return next(
        (line.partition(":")[2].strip() for line in lines if line.startswith("model name")),
        platform.machine(),
    )


def free_port() -> int:
    """A TCP port on the loopback that nobody uses now."""
    with socket.socket() as probe:
        probe.bind((HOST, 0))
        return int(probe.getsockname()[1])


@dataclass
class Server:
    """A running process that listens on a loopback port."""

    name: str
    port: int
    process: subprocess.Popen[bytes]
    log: Path

    @property
    def url(self) -> str:
        """Where it listens."""
        return f"http://{HOST}:{self.port}"

    def pids(self) -> list[int]:
        """The process and its descendants, as the kernel lists them now."""
        found = [self.process.pid]
        for pid in found:
            for children in Path(f"/proc/{pid}/task").glob("*/children"):
                found.extend(int(child) for child in children.read_text().split())
        return found

    def cpu_seconds(self) -> float:
        """Processor time used so far by all threads of all its processes."""
        spent = 0
        for pid in self.pids():
            for stat in Path(f"/proc/{pid}/task").glob("*/schedstat"):
                spent += int(stat.read_text().split()[0])
        return spent / 1e9

    def rss_mb(self) -> float:
        """Resident memory in MB of its largest process: the worker, where a parent watches over one."""
        page = os.sysconf("SC_PAGE_SIZE")
        sizes = [int(Path(f"/proc/{pid}/statm").read_text().split()[1]) * page for pid in self.pids()]
        return max(sizes) / 1e6

    def stop(self) -> None:
        """Ask it to end, wait, and end it."""
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGTERM)
        try:
            self.process.wait(timeout=10)
        except subprocess.TimeoutExpired:
            os.killpg(self.process.pid, signal.SIGKILL)
            self.process.wait()


@dataclass
class Stage:
    """The processes of one run, their files and their logs, in one directory."""

    directory: Path
    cores: Cores
    servers: list[Server] = field(default_factory=list)

    def start(self, name: str, command: Sequence[str], port: int, *, mock: bool = False, **env: str) -> Server:
        """Start `command`, pinned, and return once it listens on `port`.

        Raises:
            BenchError: it ended, or did not listen within 20 seconds; its log is named.
        """
        log = self.directory / f"{name}.log"
        cores = self.cores.mock if mock else self.cores.contestant
        with log.open("wb") as out, pinned(cores):
            process = subprocess.Popen(
                command,
                stdout=out,
                stderr=subprocess.STDOUT,
                env=quiet_environment(env),
                start_new_session=True,
            )
        server = Server(name, port, process, log)
        self.servers.append(server)
        _await_listening(server)
        return server

    def close(self) -> None:
        """Stop everything, the newest first."""
        while self.servers:
            self.servers.pop().stop()


def quiet_environment(extra: Mapping[str, str]) -> dict[str, str]:
    """This environment without what slows Python down, byte code cached as in an installation."""
    dropped = {"PYTHONDONTWRITEBYTECODE", "PYTHONASYNCIODEBUG", "PYTHONDEVMODE", "PYTHONPROFILEIMPORTTIME"}
    kept = {name: value for name, value in os.environ.items() if name not in dropped}
    return kept | dict(extra)


def _await_listening(server: Server, seconds: float = 20.0) -> None:
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline and server.process.poll() is None:
        try:
            socket.create_connection((HOST, server.port), timeout=1).close()
        except OSError:
            time.sleep(0.05)
        else:
            return
    tail = "\n".join(server.log.read_text(errors="replace").splitlines()[-15:])
    raise BenchError(f"{server.name} does not listen on port {server.port}; log {server.log}:\n{tail}")
