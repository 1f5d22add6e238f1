"""Several processes that serve, and one that sees to it that they do."""

from __future__ import annotations

import logging
import os
import signal
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from multiprocessing import resource_tracker
from multiprocessing.process import BaseProcess
from typing import Final

from uvicorn.config import STARTUP_FAILURE

_log = logging.getLogger(__name__)

SUPERVISED: Final = frozenset({signal.SIGTERM, signal.SIGINT, signal.SIGHUP, signal.SIGCHLD})
"""What the supervisor waits for. It keeps them blocked, and so do its workers until they can obey."""

_LOOK_S: Final = 1.0
_FIRST_LOOK_S: Final = 0.05
_SHORTEST_LIFE_S: Final = 1.0
"""A worker that ends sooner is replaced only after that time: one that cannot start must not take the machine."""


@dataclass(slots=True)
class _Worker:
    process: BaseProcess
    began: float = field(default_factory=time.monotonic)


class Supervisor:
    """Keeps workers running until a signal ends them all.

    A worker that ends by itself is replaced. SIGTERM and SIGINT reach every worker as SIGTERM, a second one as SIGQUIT;
    SIGHUP as itself.

    Args:
        start: starts a worker.
        count: how many there are to be.
        serves: whether any worker has begun to serve.
        greet: called once, when one has.
    """

    def __init__(
        self, start: Callable[[], BaseProcess], count: int, serves: Callable[[], bool], greet: Callable[[], None]
    ) -> None:
        self._start = start
        self._count = count
        self._serves = serves
        self._greet = greet
        self._greeted = False
        self._workers: list[_Worker] = []
        self._stopping = False

    def run(self, close: Callable[[], None]) -> bool:
        """Run until all have ended. False if none could start.

        Args:
            close: called when a signal ends them: what is open for their sake is closed.
        """
        resource_tracker.ensure_running()  # starting it with the first worker would unblock the signals again
        signal.pthread_sigmask(signal.SIG_BLOCK, SUPERVISED)
        self._workers = [_Worker(self._start()) for _ in range(self._count)]
        while not self._stopping or any(worker.process.is_alive() for worker in self._workers):
            told = signal.sigtimedwait(SUPERVISED, _LOOK_S if self._greeted else _FIRST_LOOK_S)
            if not self._greeted and self._serves():
                self._greeted = True
                self._greet()
            if told is not None and told.si_signo != signal.SIGCHLD:
                self._hear(told.si_signo, close)
            if not self._stopping and not self._replace():
                return False
        return True

    def _hear(self, told: int, close: Callable[[], None]) -> None:
        if told == signal.SIGHUP:
            self._tell(signal.SIGHUP)
            return
        self._tell(signal.SIGQUIT if self._stopping else signal.SIGTERM)
        self._stopping = True
        close()

    def _tell(self, what: signal.Signals) -> None:
        for worker in self._workers:
            if worker.process.is_alive() and worker.process.pid is not None:
                os.kill(worker.process.pid, what)

    def _replace(self) -> bool:
        """Replace those that have ended. False if none can start."""
        ended = [worker for worker in self._workers if not worker.process.is_alive()]
        failed = [worker for worker in ended if worker.process.exitcode == STARTUP_FAILURE]
        if len(failed) == self._count or (failed and not self._greeted):
            _log.error("no worker can start")
            self._tell(signal.SIGQUIT)
            return False
        for worker in ended:
            if time.monotonic() - worker.began < _SHORTEST_LIFE_S:
                continue
            _log.error("worker %s ended (%s); another takes its place", worker.process.pid, _how(worker.process))
            worker.process, worker.began = self._start(), time.monotonic()
        return True


def _how(process: BaseProcess) -> str:
    status = process.exitcode or 0
    return f"exit status {status}" if status >= 0 else signal.Signals(-status).name
