"""Proof that a program stays on this machine."""

from __future__ import annotations

import ipaddress
import socket
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any


class NetworkReachedError(BaseException):
    """Something tried to leave this machine. No `except Exception` of the program under test can hide it."""


@contextmanager
def no_network() -> Iterator[None]:
    """While this is open, no Python socket of the process connects to another machine, and no name is looked up.

    Loopback addresses, `localhost` and Unix sockets work as ever. Names under `.invalid` (RFC 6761) fail as they do
    everywhere. What does not go through Python's own sockets (another process, uvloop's connections) is not seen.

        with no_network():
            ...

    Raises:
        NetworkReachedError: from the call that tried.
    """
    connect, connect_ex, look_up = socket.socket.connect, socket.socket.connect_ex, socket.getaddrinfo

    def guarded_connect(self: socket.socket, address: Any) -> None:
        _check(self.family, address)
        connect(self, address)

    def guarded_connect_ex(self: socket.socket, address: Any) -> int:
        _check(self.family, address)
        return connect_ex(self, address)

    def guarded_look_up(host: Any, *args: Any, **options: Any) -> Any:
        _check(socket.AF_INET, (host, 0))
        return look_up(host, *args, **options)

    guards: dict[Any, dict[str, Any]] = {
        socket.socket: {"connect": guarded_connect, "connect_ex": guarded_connect_ex},
        socket: {"getaddrinfo": guarded_look_up},
    }
    _set(guards)
    try:
        yield
    finally:
        _set(
            {
                socket.socket: {"connect": connect, "connect_ex": connect_ex},
                socket: {"getaddrinfo": look_up},
            }
        )


def _set(attributes: dict[Any, dict[str, Any]]) -> None:
    for owner, values in attributes.items():
        for name, value in values.items():
            setattr(owner, name, value)


def _check(family: int, address: Any) -> None:
    if family not in {socket.AF_INET, socket.AF_INET6}:
        return
    host = address[0].decode() if isinstance(address[0], bytes) else address[0]
    if host in {None, "", "localhost"}:
        return
    if host.endswith(".invalid"):
        raise socket.gaierror(socket.EAI_NONAME, "Name or service not known")
    try:
        here = ipaddress.ip_address(host.partition("%")[0])
    except ValueError:
        here = None
    if here is None or not (here.is_loopback or here.is_unspecified):
        raise NetworkReachedError(f"{host} is not this machine")
