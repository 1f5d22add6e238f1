"""A caller's connection: what is turned away before there is a request, and how long each part of one may take.

httptools parses HTTP and refuses most of what two parsers could read in two ways; here is the rest (RFC 9112, sections
3.2, 6.1 and 11.2), limits of size, and limits of time for those who send slowly.
"""

from __future__ import annotations

import asyncio
import logging
import re
from collections.abc import Callable
from typing import Any, Final, Protocol

import httptools
from uvicorn.protocols.http.httptools_impl import STATUS_LINE, HttpToolsProtocol, RequestResponseCycle

from turnout.errors import InvalidRequest
from turnout.types.dialect import DialectName
from turnout.wire.anthropic_messages.counting import COUNT_PATH
from turnout.wire.registry import dialect

_log = logging.getLogger(__name__)

_HOST: Final = re.compile(rb"[A-Za-z0-9._~%!$&'()*+,;=:\[\]-]*")
_OF_ANTHROPIC: Final = (b"/v1/messages", COUNT_PATH.encode())
_VERSIONS: Final = frozenset({"1.0", "1.1"})
_LEAST_RATE: Final = 16_000
"""Bytes a second: whoever sends a body faster than this may take as long as it is large."""


_LINGER_S: Final = 2.0
"""For how long the rest of what was turned away is still taken in: who is cut off while it sends reads no answer."""

_NO_UPGRADE: Final = "Nothing is upgraded here: send plain HTTP/1.1 (Java: `HttpClient.Version.HTTP_1_1`)."


class ConnectionLimits(Protocol):
    """What a connection may not exceed; see `server.limits` in the configuration."""

    @property
    def max_head(self) -> int:
        """Bytes of a request's line and headers."""
        ...

    @property
    def max_headers(self) -> int:
        """Headers of a request."""
        ...

    @property
    def head_timeout(self) -> float:
        """Seconds from a request's first byte to the end of its headers."""
        ...

    @property
    def body_timeout(self) -> float:
        """Seconds for a body, and again for as long as enough of it arrives in that time."""
        ...


class _TurnedAway(Exception):
    """The connection ends with this answer."""

    def __init__(self, status: int, message: str) -> None:
        self.status = status
        self.message = message


class Connection(HttpToolsProtocol):
    """One connection, as uvicorn makes it.

    Args:
        limits: asked for each request, so that another configuration takes effect.
    """

    def __init__(self, limits: Callable[[], ConnectionLimits], *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._limits = limits
        self._in_head = False
        self._in_body = False
        self._turned_away = False
        self._head_size = 0
        self._arrived = 0
        self._timer: asyncio.TimerHandle | None = None

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """Somebody has connected, and need not ask at once, but some time."""
        super().connection_made(transport)
        self.timeout_keep_alive_task = self.loop.call_later(self.timeout_keep_alive, self.timeout_keep_alive_handler)

    def connection_lost(self, exc: Exception | None) -> None:
        """It is gone."""
        self._stop_timer()
        self._unset_keepalive_if_required()
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        """Bytes of one request or of several, wherever they are cut."""
        if self._turned_away:
            return
        self._arrived += len(data)
        try:
            self.parser.feed_data(data)
            if self._in_head:
                self._grow(len(data))  # a header that goes on and on is told to nobody before its end
        except httptools.HttpParserUpgrade:
            self._turn_away(400, _NO_UPGRADE)
        except httptools.HttpParserError as error:
            cause = error.__context__
            known = cause if isinstance(cause, _TurnedAway) else _TurnedAway(400, "This is not valid HTTP/1.1.")
            self._turn_away(known.status, known.message)
        except _TurnedAway as error:
            self._turn_away(error.status, error.message)
        else:
            self._watch_time()

    def on_message_begin(self) -> None:
        """The first byte of a request."""
        super().on_message_begin()
        self._unset_keepalive_if_required()
        self._in_head, self._head_size = True, 0

    def on_url(self, url: bytes) -> None:
        """A part of the target."""
        super().on_url(url)
        self._grow(len(url))

    def on_header(self, name: bytes, value: bytes) -> None:
        """A header, or a trailer after the body: those are for nobody here."""
        if self._in_head:
            super().on_header(name, value)
        self._grow(len(name) + len(value) + 4)

    def on_headers_complete(self) -> None:
        """All is known by which a request can be refused unread."""
        self._in_head = False
        self._stop_timer()
        self._unset_keepalive_if_required()
        if len(self.headers) > self._limits().max_headers:
            raise _TurnedAway(431, f"The request has over {self._limits().max_headers} headers.")
        if self.parser.should_upgrade():
            raise _TurnedAway(400, _NO_UPGRADE)
        self._check_framing()
        super().on_headers_complete()
        self._in_body = True
        if self.expect_100_continue:
            self.cycle.keep_alive = False  # whoever is refused may send its body all the same, or not

    def on_message_complete(self) -> None:
        """The last byte of a request."""
        self._in_body = False
        self._stop_timer()
        super().on_message_complete()

    def on_response_complete(self) -> None:
        """The last byte of an answer; of one that came before the request's end, the rest must come soon."""
        super().on_response_complete()
        if self._in_body and self.cycle.response_complete:
            self._stop_timer()
            self._timer = self.loop.call_later(_LINGER_S, self.transport.close)

    def _grow(self, size: int) -> None:
        self._head_size += size
        if self._head_size > self._limits().max_head:
            raise _TurnedAway(431, f"The request's headers are over {self._limits().max_head} bytes.")

    def _check_framing(self) -> None:
        """Refuse what another parser on the way may have understood in another way."""
        version = self.parser.get_http_version()
        if version not in _VERSIONS:
            raise _TurnedAway(400, "Only HTTP/1.0 and HTTP/1.1 are spoken here.")
        hosts = [value for name, value in self.headers if name == b"host"]
        if len(hosts) > 1 or (not hosts and version == "1.1") or not all(map(_HOST.fullmatch, hosts)):
            raise _TurnedAway(400, "The request needs one host header that names a host.")
        codings = [value.lower() for name, value in self.headers if name == b"transfer-encoding"]
        if codings and (codings != [b"chunked"] or version == "1.0"):
            raise _TurnedAway(400, "The only transfer-encoding that is understood is chunked, of HTTP/1.1.")

    def _watch_time(self) -> None:
        """A part that did not come at once must come in time."""
        if self._timer is not None:
            return
        if self._in_head:
            self._timer = self.loop.call_later(self._limits().head_timeout, self._late)
        elif self._in_body:
            self._timer = self.loop.call_later(self._limits().body_timeout, self._look_at_body, self._arrived)

    def _look_at_body(self, before: int) -> None:
        self._timer = None
        if self._arrived - before >= self._limits().body_timeout * _LEAST_RATE:
            self._watch_time()
        else:
            self._late()

    def _late(self) -> None:
        self._timer = None
        self._turn_away(408, "The request did not arrive in time.")

    def _stop_timer(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def _turn_away(self, status: int, message: str) -> None:
        """Answer and close; close only, where another answer is under way."""
        self._stop_timer()
        self._turned_away = True
        _log.debug("a connection was turned away: %s", message)
        if self.transport.is_closing():
            return
        cycle: RequestResponseCycle | None = self.cycle
        if cycle is not None and not cycle.response_complete:
            if not self._in_body or self.pipeline or cycle.response_started:
                self.transport.close()
                return
            cycle.disconnected = True  # it waits for the body
            cycle.message_event.set()
        self.flow.resume_reading()
        self.transport.write(self._answer(status, message))
        self.transport.write_eof()
        self._timer = self.loop.call_later(_LINGER_S, self.transport.abort)

    def _answer(self, status: int, message: str) -> bytes:
        asked = getattr(self, "url", b"").partition(b"?")[0]
        spoken = DialectName.ANTHROPIC_MESSAGES if asked.endswith(_OF_ANTHROPIC) else DialectName.OPENAI_CHAT
        _, headers, body = dialect(spoken).encode_error(InvalidRequest(message))
        told = [*headers, ("content-length", str(len(body))), ("connection", "close")]
        lines = b"".join(f"{name}: {value}\r\n".encode("latin-1") for name, value in told)
        return STATUS_LINE[status] + lines + b"\r\n" + body
