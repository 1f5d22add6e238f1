"""Ports for those who come back to one, or come to it late."""

from __future__ import annotations

import secrets
import socket
from contextlib import suppress


def lasting_port() -> int:
    """A free port that nobody gets by asking for any: it stays free until it is taken by its number.

    Systems give out ports from 32768 (Linux) or 49152 (RFC 6335) upwards to those who ask for none in particular.
    """
    while True:
        port = 20_000 + secrets.randbelow(12_000)
        with suppress(OSError), socket.create_server(("127.0.0.1", port)):
            return port
