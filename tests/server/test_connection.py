"""The wire, from raw sockets: what two parsers could read in two ways, what is too large, and what comes too slowly."""

from __future__ import annotations

import json
import re
import socket
import time
from collections.abc import Iterator
from contextlib import closing

import pytest

from tests.running import RunningGateway, running_gateway
from turnout.testing import HEALTHY_TEXT, HostedFaultProvider, running_fault_provider

CONFIG = """
providers:
  chat: {{dialect: openai, base_url: "{provider.openai_base_url}"}}
targets:
  model: {{provider: chat, model: the-model, price: {{input: 1, output: 2}}}}
routes:
  assistant: {{policy: model}}
server:
  limits: {{max_head: 20kB, max_headers: 50, head_timeout: 1s, body_timeout: 1s, max_body: 100kB}}
"""
BODY = json.dumps({"model": "assistant", "messages": [{"role": "user", "content": "Hi"}]}).encode()
SIZE = len(BODY)
CHUNKS = b"%x\r\n%s\r\n0\r\n\r\n" % (SIZE, BODY)
LENGTH = b"Content-Length: %d\r\n" % SIZE
CHUNKED = b"Transfer-Encoding: chunked\r\n"


@pytest.fixture(scope="module")
def provider() -> Iterator[HostedFaultProvider]:
    with running_fault_provider(seed=1) as provider:
        yield provider


@pytest.fixture(scope="module")
def gateway(provider: HostedFaultProvider, tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningGateway]:
    with running_gateway(CONFIG.format(provider=provider), tmp_path_factory.mktemp("connection")) as gateway:
        yield gateway


def request(head: bytes, body: bytes = BODY, line: bytes = b"POST /v1/chat/completions HTTP/1.1") -> bytes:
    return line + b"\r\nHost: x\r\n" + head + b"\r\n" + body


def get(path: bytes, *headers: bytes, version: bytes = b"HTTP/1.1") -> bytes:
    return b"\r\n".join([b"GET " + path + b" " + version, *headers, b"", b""])


class Told:
    """Everything that a connection was told, until it was closed or nothing more came."""

    def __init__(self, connection: socket.socket, quiet_s: float = 0.3) -> None:
        self.closed = False
        self.said = b""
        while not self.closed:
            # the first word may take as long as a busy machine likes; after it, silence means that there is no more
            connection.settimeout(quiet_s if self.statuses and self.statuses != [100] else 30)
            try:
                piece = connection.recv(65_536)
            except TimeoutError:
                break
            except ConnectionResetError:
                self.closed = True
                break
            self.said += piece
            self.closed = not piece

    @property
    def statuses(self) -> list[int]:
        return [int(status) for status in re.findall(rb"HTTP/1\.1 (\d+)", self.said)]


def connected(gateway: RunningGateway) -> socket.socket:
    host, port = gateway.url.removeprefix("http://").split(":")
    return socket.create_connection((host, int(port)), timeout=30)


def tell(gateway: RunningGateway, raw: bytes) -> Told:
    with closing(connected(gateway)) as connection:
        connection.sendall(raw)
        return Told(connection)


REFUSED = {
    "both lengths": request(LENGTH + CHUNKED, CHUNKS),
    "both lengths, the other way": request(CHUNKED + LENGTH, CHUNKS),
    "an unknown coding": request(b"Transfer-Encoding: xchunked\r\n", CHUNKS),
    "a coding in quotes": request(b'Transfer-Encoding: "chunked"\r\n', CHUNKS),
    "a coding after a control character": request(b"Transfer-Encoding: \x0bchunked\r\n", CHUNKS),
    "a coding on a folded line": request(b"Transfer-Encoding:\r\n chunked\r\n", CHUNKS),
    "a space before the colon": request(b"Transfer-Encoding : chunked\r\n", CHUNKS),
    "two codings": request(b"Transfer-Encoding: gzip, chunked\r\n", CHUNKS),
    "two codings, chunked first": request(b"Transfer-Encoding: chunked, identity\r\n", CHUNKS),
    "two codings in two headers": request(b"Transfer-Encoding: identity\r\n" + CHUNKED, CHUNKS),
    "two codings in two headers, chunked first": request(CHUNKED + b"Transfer-Encoding: identity\r\n", CHUNKS),
    "chunked twice": request(CHUNKED * 2, CHUNKS),
    "identity": request(b"Transfer-Encoding: identity\r\n", CHUNKS),
    "chunks in HTTP/1.0": request(CHUNKED, CHUNKS, b"POST /v1/chat/completions HTTP/1.0"),
    "a length with a sign": request(b"Content-Length: +%d\r\n" % SIZE),
    "a negative length": request(b"Content-Length: -%d\r\n" % SIZE),
    "a length in hexadecimal": request(b"Content-Length: 0x%x\r\n" % SIZE),
    "a length with an underscore": request(b"Content-Length: 6_5\r\n"),
    "an empty length": request(b"Content-Length: \r\n"),
    "a length with a space": request(b"Content-Length: 6 5\r\n"),
    "a length past all numbers": request(b"Content-Length: 99999999999999999999999\r\n"),
    "a list of lengths": request(b"Content-Length: %d, %d\r\n" % (SIZE, SIZE)),
    "two equal lengths": request(LENGTH * 2),
    "two lengths": request(LENGTH + b"Content-Length: 5\r\n"),
    "bare line feeds": request(LENGTH).replace(b"\r\n", b"\n"),
    "one bare line feed": request(LENGTH).replace(b"Host: x\r\n", b"Host: x\n"),
    "a bare carriage return": request(LENGTH).replace(b"Host: x\r\n", b"Host: x\rX: y\r\n"),
    "a line feed in a chunk's extension": request(CHUNKED, CHUNKS.replace(b"\r\n", b";a\nb\r\n", 1)),
    "a chunk's size in 0x": request(CHUNKED, b"0x" + CHUNKS),
    "a chunk's size with a sign": request(CHUNKED, b"+" + CHUNKS),
    "a chunk's size with a space": request(CHUNKED, CHUNKS.replace(b"\r\n", b" \r\n", 1)),
    "a chunk's size past all numbers": request(CHUNKED, b"f" * 17 + CHUNKS),
    "a chunk's size ended by a line feed": request(CHUNKED, CHUNKS.replace(b"\r\n", b"\n", 1)),
    "a chunk longer than its size": request(CHUNKED, CHUNKS.replace(b"\r\n0", b"XX0")),
    "no host": get(b"/health/live"),
    "two hosts": get(b"/health/live", b"Host: x", b"Host: y"),
    "a host with a path": get(b"/v1/models", b"Host: x/health/live?"),
    "a host with a space": get(b"/v1/models", b"Host: a b"),
    "NUL in a header": request(b"X-A: a\x00b\r\n" + LENGTH),
    "a header without a name": request(b": a\r\n" + LENGTH),
    "a folded header": request(b"X-A: a\r\n b\r\n" + LENGTH),
    "a tunnel": b"CONNECT x:443 HTTP/1.1\r\nHost: x\r\n\r\n",
    "an upgrade": request(b"Connection: Upgrade\r\nUpgrade: h2c\r\n" + LENGTH),
    "HTTP/2 by prior knowledge": b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
    "HTTP/2.0 in a line": get(b"/health/live", b"Host: x", version=b"HTTP/2.0"),
    "HTTP/0.9": b"GET /health/live\r\n\r\n",
    "HTTP/1.11": get(b"/health/live", b"Host: x", version=b"HTTP/1.11"),
    "a path that is not ASCII": get(b"/v1/mod\xc3\xa9ls", b"Host: x"),
    "TLS": b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03",
}


@pytest.mark.parametrize("name", REFUSED)
def test_what_could_be_read_in_two_ways_is_a_400_and_the_connection_ends(
    gateway: RunningGateway, provider: HostedFaultProvider, name: str
) -> None:
    before = len(provider.requests)
    told = tell(gateway, REFUSED[name] + get(b"/health/live", b"Host: smuggled"))
    assert (told.statuses, told.closed) == ([400], True), told.said
    assert b'"type":"invalid_request_error"' in told.said
    assert b"x-should-retry: false" in told.said
    assert len(provider.requests) == before


SERVED = {
    "a length": request(LENGTH),
    "a length with zeros": request(b"Content-Length: 000%d\r\n" % SIZE),
    "chunks": request(CHUNKED, CHUNKS),
    "chunks in capitals": request(CHUNKED.upper(), CHUNKS),
    "a tab before the coding": request(b"Transfer-Encoding:\tchunked\r\n", CHUNKS),
    "a chunk's extension": request(CHUNKED, CHUNKS.replace(b"\r\n", b";a=b\r\n", 1)),
    "a chunk's size with zeros": request(CHUNKED, b"0000" + CHUNKS),
    "trailers": request(CHUNKED, CHUNKS[:-2] + b"X-Turnout-User: trailer\r\n\r\n"),
    "an absolute target": request(LENGTH, line=b"POST http://elsewhere/v1/chat/completions HTTP/1.1"),
}


@pytest.mark.parametrize("name", SERVED)
def test_what_means_one_thing_is_served_and_so_is_what_follows(gateway: RunningGateway, name: str) -> None:
    told = tell(gateway, SERVED[name] * 2)
    assert told.statuses == [200, 200]
    assert told.said.count(HEALTHY_TEXT.encode()) == 2
    assert not told.closed


def test_trailers_are_no_headers(gateway: RunningGateway) -> None:
    told = tell(gateway, SERVED["trailers"])
    found = re.search(rb"x-turnout-decision: (\S+)", told.said)
    assert found
    assert gateway.decision(found[1].decode()).user is None


def test_whoever_waits_for_100_continue_gets_it_or_an_answer_and_no_doubt_about_its_body(
    gateway: RunningGateway,
) -> None:
    waits = b"Expect: 100-continue\r\n"
    with closing(connected(gateway)) as connection:
        connection.sendall(request(waits + LENGTH, b""))
        assert connection.recv(25) == b"HTTP/1.1 100 Continue\r\n\r\n"
        connection.sendall(BODY)
        assert Told(connection).statuses == [200]
    refused = tell(gateway, request(waits + b"Content-Encoding: gzip\r\n" + LENGTH, b""))
    assert (refused.statuses, refused.closed) == ([400], True)


LARGE = {
    "one header": request(b"X-A: " + b"a" * 30_000 + b"\r\n" + LENGTH),
    "one header without an end": b"GET / HTTP/1.1\r\nHost: x\r\nX-A: " + b"a" * 3_000_000,
    "a path": get(b"/" + b"a" * 30_000, b"Host: x"),
    "many headers": request(b"X-A: a\r\n" * 60 + LENGTH),
    "trailers": request(CHUNKED, CHUNKS[:-2] + (b"X-A: " + b"a" * 3_000 + b"\r\n") * 10 + b"\r\n"),
}


@pytest.mark.parametrize("name", LARGE)
def test_a_head_over_a_limit_is_431_however_it_is_large(gateway: RunningGateway, name: str) -> None:
    with closing(connected(gateway)) as connection:
        raw = LARGE[name]
        for start in range(0, len(raw), 50_000):
            connection.sendall(raw[start : start + 50_000])
        told = Told(connection)
    assert (told.statuses, told.closed) == ([431], True)


def test_an_error_of_the_wire_is_told_in_the_dialect_of_the_path(gateway: RunningGateway) -> None:
    told = tell(gateway, request(b"X-A: a\r\n" * 60 + LENGTH, line=b"POST /v1/messages HTTP/1.1"))
    assert b'"type":"error"' in told.said.partition(b"\r\n\r\n")[2]


SLOW = {
    "no end of the first line": b"GET /",
    "no end of the headers": b"GET /health/live HTTP/1.1\r\nHost: x\r\n",
    "no end of the body": request(b"Content-Length: 10000\r\n", b"{"),
    "no end of the chunks": request(CHUNKED, b"50\r\n"),
}


@pytest.mark.parametrize("name", SLOW)
def test_whoever_sends_a_byte_now_and_then_is_closed_in_time(gateway: RunningGateway, name: str) -> None:
    with closing(connected(gateway)) as connection:
        connection.sendall(SLOW[name])
        began = time.monotonic()
        connection.settimeout(0.2)
        said = b""
        while time.monotonic() - began < 30 and not said:
            try:
                connection.sendall(b"1")
                said = connection.recv(65_536)
            except TimeoutError:
                continue
        assert said.startswith(b"HTTP/1.1 408"), said
        assert time.monotonic() - began >= 0.9


def test_a_large_body_may_take_longer_while_it_comes_fast_enough(gateway: RunningGateway) -> None:
    padded = BODY[:-1] + b" " * 79_900 + b"}"
    with closing(connected(gateway)) as connection:
        connection.sendall(request(b"Content-Length: %d\r\n" % len(padded), b""))
        for start in range(0, len(padded), 20_000):
            connection.sendall(padded[start : start + 20_000])
            time.sleep(0.3)
        assert Told(connection).statuses == [200]


def test_a_body_that_is_refused_unread_must_end_soon(gateway: RunningGateway) -> None:
    with closing(connected(gateway)) as connection:
        connection.sendall(request(b"Content-Encoding: gzip\r\nContent-Length: 1000000000\r\n", b"\x1f\x8b"))
        told = Told(connection, quiet_s=10)
    assert (told.statuses, told.closed) == ([400], True)
    with closing(connected(gateway)) as connection:
        connection.sendall(request(b"Content-Encoding: gzip\r\nContent-Length: 4\r\n", b"\x1f\x8b"))
        connection.sendall(b"\x1f\x8b" + request(LENGTH))
        assert Told(connection).statuses == [400, 200]


def test_empty_lines_keep_no_connection_from_being_called_idle(gateway: RunningGateway) -> None:
    with closing(connected(gateway)) as connection:
        connection.sendall(b"\r\n" * 10)
        connection.sendall(get(b"/health/live", b"Host: x"))
        assert Told(connection).statuses == [200]


def test_an_answer_under_way_is_not_mixed_with_a_refusal_of_what_follows(
    gateway: RunningGateway, provider: HostedFaultProvider
) -> None:
    provider.use("delay_headers(0.4)")
    told = tell(gateway, request(LENGTH) + b"nonsense\r\n\r\n")
    provider.reset()
    assert told.closed
    assert b"nonsense" not in told.said
    assert told.statuses in ([], [200])
