"""The transport over aiohttp. One is built per provider, so that a stalled provider exhausts only its own pool."""

from __future__ import annotations

import asyncio
import io
import os
from collections.abc import AsyncIterator, Mapping
from contextvars import ContextVar
from typing import Any, Final

import aiohttp
from yarl import URL

from turnout.providers.transport import HttpCall, TransportFailed
from turnout.types.failure import FailureKind

_KEEPALIVE_S: Final = 30.0
_DNS_TTL_S: Final = 30
_MOST_URLS: Final = 256
_READ_BUFFER: Final = 64 * 1024
"""aiohttp pauses the connection at twice this many unread bytes; the read that goes over it may bring 256 KB."""
_AT_ONCE: Final = 2**20
"""A body up to so many bytes is handed to the connection whole; a larger one in pieces, between which others run."""

_STALE_S: Final = 1.0
"""A connection that the provider had closed while it was idle shows at once; one that breaks later had been read."""
_BROKEN: Final = (aiohttp.ClientError, OSError, ValueError, RuntimeError)
"""What aiohttp raises where a call breaks; `RuntimeError` where the session was closed under it."""

_connecting: ContextVar[bool] = ContextVar("connecting", default=False)


class _Connector(aiohttp.TCPConnector):
    """A pool that notes in the calling task when a connection was made for it, and gives out none with bytes on it.

    An answer that nobody asked for, sent while a connection was idle, would be taken for the next caller's.
    """

    async def connect(self, *args: Any, **options: Any) -> Any:
        while True:
            connection = await super().connect(*args, **options)
            if connection.protocol is None or not connection.protocol.should_close:
                return connection
            connection.close()

    async def _create_connection(self, *args: Any, **options: Any) -> Any:
        _connecting.set(True)
        return await super()._create_connection(*args, **options)


class AiohttpTransport:
    """Calls over pooled HTTP/1.1 connections.

    A call whose pooled connection turns out to have been closed by the provider is sent once more, on a new one.
    """

    def __init__(self) -> None:
        self._pooled: aiohttp.ClientSession | None = None
        self._single: aiohttp.ClientSession | None = None
        self._urls: dict[str, URL] = {}
        self._timeouts: dict[float, aiohttp.ClientTimeout] = {}

    async def open(self, call: HttpCall, *, connect_timeout: float) -> AiohttpExchange:
        """See `Transport.open`."""
        if self._pooled is None:
            self._pooled = _session(pooled=True)
        began = asyncio.get_running_loop().time()
        _connecting.set(False)
        try:
            return await self._post(self._pooled, call, connect_timeout)
        except (aiohttp.ServerDisconnectedError, aiohttp.ClientOSError) as error:
            if _connecting.get() or asyncio.get_running_loop().time() - began > _STALE_S:
                raise _told(error) from error
        except _BROKEN as error:
            raise _told(error) from error
        if self._single is None:
            self._single = _session(pooled=False)
        try:
            return await self._post(self._single, call, connect_timeout)
        except _BROKEN as error:
            raise _told(error) from error

    async def close(self) -> None:
        """See `Transport.close`."""
        for session in (self._pooled, self._single):
            if session is not None:
                await session.close()

    async def _post(self, session: aiohttp.ClientSession, call: HttpCall, connect_timeout: float) -> AiohttpExchange:
        response = await session.post(
            self._url(call.url),
            data=call.body if len(call.body) <= _AT_ONCE else io.BytesIO(call.body),
            headers=call.headers,
            allow_redirects=False,
            timeout=self._timeout(connect_timeout),
        )
        return AiohttpExchange(response)

    def _url(self, text: str) -> URL:
        """Parsing a URL costs as much as a small request; a provider has only a handful, unless callers name models."""
        url = self._urls.get(text)
        if url is None:
            url = URL(text, encoded=True)
            if len(self._urls) < _MOST_URLS:
                self._urls[text] = url
        return url

    def _timeout(self, connect: float) -> aiohttp.ClientTimeout:
        """Only connecting is timed here: the phases after it are execution's, which knows what a token is."""
        timeout = self._timeouts.get(connect)
        if timeout is None:
            timeout = self._timeouts[connect] = aiohttp.ClientTimeout(total=None, connect=connect)
        return timeout


def _session(*, pooled: bool) -> aiohttp.ClientSession:
    """A session, made within the event loop that will use it."""
    pooling: dict[str, Any] = {"keepalive_timeout": _KEEPALIVE_S} if pooled else {"force_close": True}
    return aiohttp.ClientSession(
        connector=_Connector(limit=0, ttl_dns_cache=_DNS_TTL_S, happy_eyeballs_delay=0.25, **pooling),
        cookie_jar=aiohttp.DummyCookieJar(),
        skip_auto_headers=("User-Agent", "Accept", "Content-Type"),
        read_bufsize=_READ_BUFFER,
        max_line_size=32 * 1024,
        max_field_size=32 * 1024,
    )


class AiohttpExchange:
    """See `Exchange`."""

    __slots__ = ("_response", "headers", "status")

    def __init__(self, response: aiohttp.ClientResponse) -> None:
        self._response = response
        self.status: int = response.status
        self.headers: Mapping[str, str] = response.headers

    async def chunks(self) -> AsyncIterator[bytes]:
        """See `Exchange.chunks`."""
        content = self._response.content
        try:
            while chunk := await content.readany():
                yield chunk
        except _BROKEN as error:
            if unread := _unread(content):
                yield unread
            raise _told(error) from error

    async def read(self, limit: int) -> bytes:
        """See `Exchange.read`."""
        content = self._response.content
        parts: list[bytes] = []
        size = 0
        try:
            while chunk := await content.readany():
                size += len(chunk)
                if size > limit:
                    raise TransportFailed(FailureKind.NOT_AN_ANSWER, f"the answer is longer than {limit} bytes")
                parts.append(chunk)
        except _BROKEN as error:
            raise _told(error) from error
        return parts[0] if len(parts) == 1 else b"".join(parts)

    def abort(self) -> None:
        """See `Exchange.abort`."""
        self._response.close()


def _unread(content: aiohttp.StreamReader) -> bytes:
    """What had come before the connection broke: aiohttp raises before it gives that away."""
    return content._read_nowait(-1)  # noqa: SLF001 - it offers no other way; the contract's tests watch this one


def _told(error: Exception) -> TransportFailed:
    """The one seam at which aiohttp's errors become ours; messages name neither URL nor header."""
    match error:
        case aiohttp.ServerTimeoutError():
            return TransportFailed(FailureKind.CONNECT_TIMEOUT, "the connection was not made in time")
        case aiohttp.ClientConnectorDNSError():
            return TransportFailed(FailureKind.CONNECT_FAILED, "the provider's host name cannot be resolved")
        case aiohttp.ClientSSLError():
            return TransportFailed(FailureKind.CONNECT_FAILED, "the TLS handshake failed")
        case aiohttp.ClientConnectorError():
            return TransportFailed(FailureKind.CONNECT_FAILED, f"the connection failed: {_errno(error.os_error)}")
        case aiohttp.ServerDisconnectedError():
            return TransportFailed(FailureKind.CONNECTION_LOST, "the provider closed the connection without an answer")
        case aiohttp.ClientPayloadError():
            return TransportFailed(FailureKind.CONNECTION_LOST, "the connection ended in the middle of the answer")
        case aiohttp.ClientResponseError():
            return TransportFailed(FailureKind.NOT_AN_ANSWER, "the answer is not valid HTTP")
        case OSError():
            return TransportFailed(FailureKind.CONNECTION_LOST, f"the connection was lost: {_errno(error)}")
        case RuntimeError():
            return TransportFailed(FailureKind.CONNECTION_LOST, "the connection was closed")
        case _:
            return TransportFailed(FailureKind.NOT_AN_ANSWER, f"the answer cannot be read ({type(error).__name__})")


def _errno(error: OSError) -> str:
    """Not `strerror`: event loops write addresses into it."""
    return os.strerror(error.errno) if error.errno else type(error).__name__
