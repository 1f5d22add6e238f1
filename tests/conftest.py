"""What holds for every test: no network but this machine's, nothing from the developer's own environment.

The guard sees every connection through Python's own sockets in this process. Processes that a test
starts, and what uvloop connects, are outside of it.
"""

from __future__ import annotations

import functools
import ipaddress
import os
import shutil
import signal
import socket
import tempfile
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import settings

# Machines that run this share their cores, so a slow example says nothing about the code.
# The same examples in every run, so that a change and not chance turns it red. HYPOTHESIS_PROFILE=search looks further.
settings.register_profile("turnout", deadline=None, print_blob=True, derandomize=True, max_examples=50)
settings.register_profile("search", deadline=None, print_blob=True)
settings.load_profile(os.environ.get("HYPOTHESIS_PROFILE", "turnout"))

# A shell ignores SIGINT for what it runs in the background, and a child inherits that: tests end commands by it.
signal.signal(signal.SIGINT, signal.default_int_handler)

_PERSONAL_PREFIXES = ("TURNOUT_", "XDG_")
_TERMINAL = ("COLUMNS", "LINES", "FORCE_COLOR", "NO_COLOR", "CLICOLOR_FORCE", "TTY_COMPATIBLE", "TTY_INTERACTIVE")
# They look at the whole from outside. What they reach is counted where it is tested by itself, and counting takes time.
_UNCOUNTED = (
    "tests/bench/",
    "tests/browser/",
    "tests/chaos/",
    "tests/contract/",
    "tests/docs/",
    "tests/examples/",
    "tests/sdk/",
)
_PERSONAL_SUFFIXES = ("_API_KEY", "_API_BASE", "_BASE_URL", "_PROXY")


class NetworkReachedError(BaseException):
    """A test tried to leave this machine. No `except Exception` of the code under test can hide it."""


def _is_this_machine(host: object) -> bool:
    if host is None:
        return True
    name = host.decode() if isinstance(host, bytes) else str(host)
    if name in {"", "localhost"}:
        return True
    try:
        address = ipaddress.ip_address(name.partition("%")[0])
    except ValueError:
        return False
    return address.is_loopback or address.is_unspecified


def _check(host: object) -> None:
    if _is_this_machine(host):
        return
    if str(host).endswith(".invalid"):  # reserved for names that no resolver knows (RFC 6761)
        raise socket.gaierror(socket.EAI_NONAME, "Name or service not known")
    message = f"a test tried to reach {host!r}; tests reach this machine only"
    raise NetworkReachedError(message)


def _checked(function: Callable[..., Any], host_of: Callable[..., object]) -> Callable[..., Any]:
    @functools.wraps(function)
    def checked(*args: Any, **kwargs: Any) -> Any:
        _check(host_of(*args, **kwargs))
        return function(*args, **kwargs)

    return checked


def _addressed(*args: Any) -> object:
    """The host of a socket's address, which is the last argument; None for a Unix socket's, which is a path."""
    return args[-1][0] if isinstance(args[-1], tuple) else None


def _refuse_the_network() -> None:
    """Not by an audit hook: under one, two threads that begin at once cannot both be traced (`sys.settrace`)."""
    for method in ("connect", "connect_ex", "sendto"):
        setattr(socket.socket, method, _checked(getattr(socket.socket, method), _addressed))
    for function in ("getaddrinfo", "gethostbyname", "gethostbyname_ex"):
        setattr(socket, function, _checked(getattr(socket, function), lambda host, *_, **__: host))


def pytest_configure(config: pytest.Config) -> None:
    _refuse_the_network()
    for name in list(os.environ):
        if name.startswith(_PERSONAL_PREFIXES) or name.upper().endswith(_PERSONAL_SUFFIXES) or name in _TERMINAL:
            del os.environ[name]
    home = tempfile.mkdtemp(prefix="turnout-home-")
    os.environ["HOME"] = home
    config.add_cleanup(lambda: shutil.rmtree(home, ignore_errors=True))


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        if item.nodeid.startswith(_UNCOUNTED):
            item.add_marker(pytest.mark.no_cover)
