"""The transport over aiohttp. One is built per provider, so that a stalled provider exhausts only its own pool."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping
from typing import Final

import aiohttp
from yarl import URL

from turnout.providers.transport import HttpCall, TransportFailed
from turnout.types.failure import FailureKind

_KEEPALIVE_S: Final = 30.0
_DNS_TTL_S: Final = 30
_READ_BUFFER: Final = 64 * 1024
"""aiohttp pauses the connection at twice this many unread bytes."""


class AiohttpTransport:
    """Calls over pooled HTTP/1.1 connections. Built inside a running event loop."""

    def __init__(self) -> None:
        self._urls: dict[str, URL] = {}
        connector = aiohttp.TCPConnector(
            limit=0, ttl_dns_cache=_DNS_TTL_S, keepalive_timeout=_KEEPALIVE_S, happy_eyeballs_delay=0.25
        )
        self._session = aiohttp.ClientSession(
            connector=connector,
            cookie_jar=aiohttp.DummyCookieJar(),
            skip_auto_headers=("User-Agent", "Accept", "Content-Type"),
            read_bufsize=_READ_BUFFER,
            max_line_size=32 * 1024,
            max_field_size=32 * 1024,
        )
        self._timeouts: dict[float, aiohttp.ClientTimeout] = {}

    async def open(self, call: HttpCall, *, connect_timeout: float) -> AiohttpExchange:
        """See `Transport.open`."""
        try:
            response = await self._session.post(
                self._url(call.url),
                data=call.body,
                headers=call.headers,
                allow_redirects=False,
                timeout=self._timeout(connect_timeout),
            )
        except (aiohttp.ClientError, OSError, ValueError) as error:
            raise _told(error) from error
        return AiohttpExchange(response)

    async def close(self) -> None:
        """See `Transport.close`."""
        await self._session.close()

    def _url(self, text: str) -> URL:
        """Parsing a URL costs as much as a small request; a provider has only a handful."""
        url = self._urls.get(text)
        if url is None:
            url = self._urls[text] = URL(text, encoded=True)
        return url

    def _timeout(self, connect: float) -> aiohttp.ClientTimeout:
        """Only connecting is timed here: the phases after it are execution's, which knows what a token is."""
        timeout = self._timeouts.get(connect)
        if timeout is None:
            timeout = self._timeouts[connect] = aiohttp.ClientTimeout(total=None, sock_connect=connect)
        return timeout


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
        except (aiohttp.ClientError, OSError, ValueError) as error:
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
        except (aiohttp.ClientError, OSError, ValueError) as error:
            raise _told(error) from error
        return parts[0] if len(parts) == 1 else b"".join(parts)

    def abort(self) -> None:
        """See `Exchange.abort`."""
        self._response.close()


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
        case _:
            return TransportFailed(FailureKind.NOT_AN_ANSWER, f"the answer cannot be read ({type(error).__name__})")


def _errno(error: OSError) -> str:
    return error.strerror or type(error).__name__
