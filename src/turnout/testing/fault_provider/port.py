"""A TCP port that can be closed for a while and is the same one afterwards."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import Callable
from typing import Any

_BACKLOG = 4096


class Port:
    """Listens at one address. Closed, it refuses connections and still belongs to us.

    Args:
        host: the address to listen at.
        number: the port, or 0 for a free one.
        accept: makes the protocol of each connection.
    """

    def __init__(self, host: str, number: int, accept: Callable[[], asyncio.Protocol]) -> None:
        self._host = host
        self._accept = accept
        self._loop = asyncio.get_running_loop()
        self._socket = self._bind(number)
        self._is_open = False
        self._accepting: set[asyncio.Task[Any]] = set()
        self.number: int = self._socket.getsockname()[1]

    def open(self) -> None:
        """Take connections; those made from now on succeed."""
        if not self._is_open:
            self._socket.listen(_BACKLOG)
            self._loop.add_reader(self._socket, self._take)
            self._is_open = True

    def refuse(self) -> None:
        """Refuse connections, until opened again."""
        if self._is_open:
            self.close()
            self._socket = self._bind(self.number)  # bound and not listening: refused, and nobody else's

    def close(self) -> None:
        """Give the port back."""
        if self._is_open:
            self._loop.remove_reader(self._socket)
            self._is_open = False
        self._socket.close()

    def _take(self) -> None:
        try:
            connected, _ = self._socket.accept()
        except (BlockingIOError, ConnectionAbortedError):
            return
        task = self._loop.create_task(self._loop.connect_accepted_socket(self._accept, connected))
        self._accepting.add(task)
        task.add_done_callback(self._accepting.discard)

    def _bind(self, number: int) -> socket.socket:
        # asyncio switches Nagle's algorithm off only where the protocol is named; with it, each answer takes 40 ms.
        sock = socket.socket(socket.AF_INET, socket.SOCK_STREAM, socket.IPPROTO_TCP)
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        sock.settimeout(0)
        try:
            sock.bind((self._host, number))
        except OSError:
            sock.close()
            raise
        return sock
