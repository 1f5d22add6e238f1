"""One process that serves: the gateway on a socket, until a signal ends it."""

from __future__ import annotations

import asyncio
import multiprocessing
import os
import signal
import socket
from collections.abc import Callable, Iterator
from contextlib import AbstractAsyncContextManager, contextmanager
from dataclasses import dataclass, field
from functools import partial
from multiprocessing.synchronize import Event
from pathlib import Path
from typing import Any, Final

import uvicorn
import uvloop

from turnout.config.build import ConfiguredRouter
from turnout.config.load import load_config
from turnout.server.admission import Admission
from turnout.server.app import Gateway, Pages
from turnout.server.connection import Connection
from turnout.server.stopping import Stopping
from turnout.server.supervisor import SUPERVISED
from turnout.telemetry.logs import AccessLog, Complaints, LogSettings, configure_logs
from turnout.types.events import Observer

_KEEP_ALIVE_S: Final = 75
"""Longer than the 60 s after which load balancers let go of an idle connection, so that it is never us."""
_BACKLOG: Final = 2_048
Obey = Callable[[Gateway, Stopping], None]


@dataclass(frozen=True, slots=True)
class Serving:
    """What every process that serves is told.

    Attributes:
        host: the address that is listened at.
        config: the configuration file, as `load_config` takes it.
        data: the data directory; None for the configuration's.
        pages: further routes; a function of a module, so that workers find it as well.
        logs: what is logged, and how.
        workers: how many processes serve.
    """

    host: str
    config: Path | None = None
    data: Path | None = None
    pages: Pages | None = None
    logs: LogSettings = field(default_factory=LogSettings)
    workers: int = 1

    def gateway(self) -> Gateway:
        """The application. Raises `ConfigError` for a configuration that cannot be used."""

        def opened() -> AbstractAsyncContextManager[ConfiguredRouter]:
            observers: list[Observer] = [Complaints()]
            if self.logs.access_log:
                observers.append(AccessLog())
            worker = f"gateway-{os.getpid()}"
            return ConfiguredRouter.from_config(
                self.config, data=self.data, worker=worker, workers=self.workers, observers=observers
            )

        return Gateway(opened, Admission(load_config(self.config), self.host), self.pages)


def listen(host: str, port: int) -> socket.socket:
    """The socket that all workers accept on. Raises `OSError`."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    return socket.create_server((host, port), family=family, backlog=_BACKLOG)


def run(serving: Serving, listening: socket.socket, started: Callable[[], None]) -> None:
    """Serve until a signal ends it: SIGTERM with notice, SIGINT without; a second one of them at once.

    SIGHUP reads the configuration again. Raises `SystemExit` if the server cannot start.

    Args:
        serving: what is served.
        listening: the socket to accept on.
        started: called once requests are answered.
    """
    configure_logs(serving.logs)
    uvloop.run(_serve(serving, listening, _obey, started))


def run_supervised(serving: Serving, listening: socket.socket, started: Event) -> None:
    """Serve as one of several workers: they obey their supervisor, and stop when it is gone.

    Whoever stops a group of processes sends each of them a SIGTERM besides the supervisor's: the second means no more
    than the first. SIGQUIT is the supervisor's way to say "at once".
    """
    configure_logs(serving.logs)
    uvloop.run(_serve(serving, listening, _obey_supervisor, started.set))


class _Server(uvicorn.Server):
    """uvicorn's server without its signals: it would end by them in the end, with the status of a killed process.

    Args:
        config: how the application is served.
        begun: called once requests are answered.
    """

    def __init__(self, config: uvicorn.Config, begun: Callable[[], None]) -> None:
        super().__init__(config)
        self._begun = begun

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        if self.started:
            self._begun()

    @contextmanager
    def capture_signals(self) -> Iterator[None]:
        yield


def http_server(gateway: Gateway) -> uvicorn.Config:
    """How the application is served."""
    admission = gateway.admission

    class Limited(Connection):
        def __init__(self, *args: Any, **kwargs: Any) -> None:
            super().__init__(lambda: admission.limits, *args, **kwargs)

    return uvicorn.Config(
        gateway,
        port=0,
        http=Limited,
        ws="none",
        lifespan="on",
        access_log=False,
        log_level="warning",
        log_config=None,
        server_header=False,
        proxy_headers=False,
        timeout_keep_alive=_KEEP_ALIVE_S,
        backlog=_BACKLOG,
    )


async def _serve(serving: Serving, listening: socket.socket, obey: Obey, started: Callable[[], None]) -> None:
    gateway = serving.gateway()
    server = _Server(http_server(gateway), started)
    stopping = Stopping(gateway, server)
    obey(gateway, stopping)
    await server.serve([listening])


def _obey(gateway: Gateway, stopping: Stopping) -> None:
    def stop(*, notice: bool) -> None:
        if not stopping.begin(notice=notice):
            stopping.at_once()

    loop = asyncio.get_running_loop()
    loop.add_signal_handler(signal.SIGTERM, partial(stop, notice=True))
    loop.add_signal_handler(signal.SIGINT, partial(stop, notice=False))
    _reload_on_hangup(gateway)


def _obey_supervisor(gateway: Gateway, stopping: Stopping) -> None:
    loop = asyncio.get_running_loop()
    loop.add_signal_handler(signal.SIGTERM, stopping.begin)
    loop.add_signal_handler(signal.SIGQUIT, stopping.at_once)
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # at a terminal all processes get it; the supervisor's word counts
    _reload_on_hangup(gateway)
    supervisor = multiprocessing.parent_process()
    if supervisor is not None:
        loop.add_reader(supervisor.sentinel, _orphaned, supervisor.sentinel, stopping)
    signal.pthread_sigmask(signal.SIG_UNBLOCK, SUPERVISED)


def _orphaned(sentinel: int, stopping: Stopping) -> None:
    asyncio.get_running_loop().remove_reader(sentinel)
    stopping.begin()


def _reload_on_hangup(gateway: Gateway) -> None:
    reloads: set[asyncio.Task[None]] = set()

    def reload() -> None:
        task = asyncio.create_task(gateway.reload())
        reloads.add(task)
        task.add_done_callback(reloads.discard)

    asyncio.get_running_loop().add_signal_handler(signal.SIGHUP, reload)
