"""The suite's own guard: what tests/conftest.py promises."""

from __future__ import annotations

import asyncio
import os
import socket
from pathlib import Path

import pytest

from tests.conftest import NetworkReachedError


def test_a_connection_to_another_machine_is_refused() -> None:
    with socket.socket() as client, pytest.raises(NetworkReachedError, match=r"192\.0\.2\.1"):
        client.connect(("192.0.2.1", 80))


def test_a_datagram_to_another_machine_is_refused() -> None:
    with socket.socket(type=socket.SOCK_DGRAM) as client, pytest.raises(NetworkReachedError):
        client.sendto(b"", ("192.0.2.1", 53))


async def test_a_name_is_not_looked_up_from_a_loop_either() -> None:
    with pytest.raises(NetworkReachedError, match="example"):
        await asyncio.get_running_loop().getaddrinfo("api.example.com", 443)


def test_a_name_that_no_resolver_knows_fails_as_it_would_anywhere() -> None:
    with pytest.raises(socket.gaierror):
        socket.getaddrinfo("provider.invalid", 443)


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost", "127.8.8.8"])
def test_this_machine_is_reached(host: str) -> None:
    with (
        socket.create_server(("", 0)) as server,
        socket.create_connection((host, server.getsockname()[1])) as client,
    ):
        assert client.getpeername()[1] == server.getsockname()[1]


def test_nothing_of_the_developer_is_in_the_environment() -> None:
    personal = [name for name in os.environ if name.startswith("TURNOUT_") or name.endswith("_API_KEY")]
    assert personal == []
    assert "turnout-home-" in str(Path.home())
