"""A client on a raw socket, which sees every byte and how the connection ends."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import pytest

from turnout.testing import HEALTHY_TEXT, FaultProvider
from turnout.testing.fault_provider.answer import tokens_of

PATHS = {
    "chat": "/v1/chat/completions",
    "responses": "/v1/responses",
    "messages": "/v1/messages",
}
QUESTION = "Where does my train leave?"
TOKENS = tokens_of(HEALTHY_TEXT)
DIALECTS = pytest.mark.parametrize("dialect", list(PATHS))
DONE = {"chat": b"[DONE]", "responses": b'"response.completed"', "messages": b'"message_stop"'}
FINISH = {"chat": b'"finish_reason":"stop"', "responses": b'"response.completed"', "messages": b'"end_turn"'}
OPENING = {"chat": b'"role":"assistant"', "responses": b'"response.created"', "messages": b'"message_start"'}


@dataclass
class Wire:
    """What a raw client read: every byte until the provider ended the connection, and how it ended it."""

    raw: bytes
    was_reset: bool
    writes: int

    @property
    def head(self) -> str:
        return self.raw.partition(b"\r\n\r\n")[0].decode("latin-1")

    @property
    def status(self) -> int:
        return int(self.head.split()[1])

    @property
    def headers(self) -> dict[str, str]:
        lines = (line.partition(": ") for line in self.head.split("\r\n")[1:])
        return {name: value for name, _, value in lines}

    @property
    def payload(self) -> bytes:
        """The bytes after the head, framing included."""
        return self.raw.partition(b"\r\n\r\n")[2]

    @property
    def body(self) -> bytes:
        return unchunked(self.payload)[0] if self.headers.get("transfer-encoding") else self.payload

    @property
    def ends_its_chunks(self) -> bool:
        return unchunked(self.payload)[1]

    @property
    def events(self) -> list[dict[str, Any]]:
        """The data of each event that is JSON."""
        data = [line[6:] for line in self.body.split(b"\n") if line.startswith(b"data: {")]
        return [json.loads(each) for each in data]


def unchunked(payload: bytes) -> tuple[bytes, bool]:
    body, rest = b"", payload
    while rest:
        size, _, rest = rest.partition(b"\r\n")
        if int(size, 16) == 0:
            return body, True
        body, rest = body + rest[: int(size, 16)], rest[int(size, 16) + 2 :]
    return body, False


def body_for(dialect: str, model: str = "m", *, stream: bool = False, text: str = QUESTION) -> dict[str, Any]:
    body: dict[str, Any] = {"model": model}
    if dialect == "responses":
        body["input"] = text
    else:
        body["messages"] = [{"role": "user", "content": text}]
    if dialect == "messages":
        body["max_tokens"] = 1000
    return body | ({"stream": True} if stream else {})


def request_bytes(path: str, body: dict[str, Any], *headers: str) -> bytes:
    content = json.dumps(body).encode()
    lines = [f"POST {path} HTTP/1.1", "host: provider", f"content-length: {len(content)}", *headers]
    return "\r\n".join([*lines, "", ""]).encode() + content


class Wires:
    """Raw clients of one provider."""

    def __init__(self, provider: FaultProvider) -> None:
        self.provider = provider

    async def connect(self) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
        return await asyncio.open_connection("127.0.0.1", int(self.provider.url.rpartition(":")[2]))

    async def ask(
        self, fault: str, dialect: str = "chat", *, stream: bool = True, within: float = 1.0, **changes: Any
    ) -> Wire:
        """Send one request for a fault, and read until the end of the connection or until `within` seconds."""
        body = body_for(dialect, f"fault:{fault}", stream=stream) | changes
        reader, writer = await self.connect()
        try:
            writer.write(request_bytes(PATHS[dialect], body, "connection: close"))
            return await read_all(reader, within)
        finally:
            writer.close()


async def read_all(reader: asyncio.StreamReader, within: float) -> Wire:
    wire = Wire(b"", was_reset=False, writes=0)
    try:
        async with asyncio.timeout(within):
            while data := await reader.read(1 << 20):
                wire.raw += data
                wire.writes += 1
    except TimeoutError:
        pass
    except ConnectionResetError:
        wire.was_reset = True
    return wire


async def until(is_so: Callable[[], bool], within: float = 1.0) -> None:
    async with asyncio.timeout(within):
        while not is_so():
            await asyncio.sleep(0.005)


def spoken(events: list[dict[str, Any]]) -> str:
    """The text of a stream, in whatever dialect."""
    text = ""
    for event in events:
        choices = event.get("choices") or [{}]
        delta = event.get("delta", choices[0].get("delta", {}))
        text += delta if isinstance(delta, str) else delta.get("content") or delta.get("text") or ""
    return text


def first(count: int) -> str:
    return "".join(TOKENS[:count])


def is_json(text: str) -> bool:
    try:
        json.loads(text)
    except ValueError:
        return False
    return True
