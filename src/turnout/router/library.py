"""What a program that imports turnout gives and gets: the same journey, in Python values."""

from __future__ import annotations

import struct
from base64 import b64decode
from collections.abc import AsyncGenerator, Mapping, Sequence
from contextlib import aclosing
from dataclasses import dataclass
from decimal import Decimal
from types import TracebackType
from typing import Any, Self

import msgspec

from turnout.errors import Interrupted, InvalidRequest
from turnout.types.decision import Decision
from turnout.types.dialect import DialectName
from turnout.types.reply import Reply
from turnout.types.request import Caller, Request
from turnout.wire.sse import SseEvent, SseSplitter

Inputs = str | Sequence[str] | Sequence[int] | Sequence[Sequence[int]]
"""What is to be embedded: texts, or texts made into tokens."""


def chat_request(
    route: str, messages: list[dict[str, Any]], caller: Caller | None, fields: Mapping[str, Any], *, stream: bool
) -> Request:
    """The request that a Chat Completions caller would send. Raises `InvalidRequest` for what JSON cannot hold."""
    body = {"model": route, "messages": messages, "stream": stream, **fields}
    return _request(DialectName.OPENAI_CHAT, body, caller)


def embeddings_request(route: str, given: Inputs, caller: Caller | None, fields: Mapping[str, Any]) -> Request:
    """The request that a caller of Embeddings would send. Raises `InvalidRequest` for what JSON cannot hold."""
    return _request(DialectName.OPENAI_EMBEDDINGS, {"model": route, "input": given, **fields}, caller)


def _request(dialect: DialectName, body: dict[str, Any], caller: Caller | None) -> Request:
    try:
        raw = msgspec.json.encode(body)
    except (TypeError, ValueError, RecursionError) as error:
        raise InvalidRequest(f"The request cannot be written as JSON: {error}.") from error
    return Request(
        dialect=dialect,
        route=body["model"],
        raw=raw,
        body=msgspec.json.decode(raw),
        stream=bool(body.get("stream")),
        caller=caller or Caller(),
    )


@dataclass(frozen=True, slots=True)
class Embeddings:
    """The vectors of some inputs.

    Attributes:
        body: the answer as OpenAI's Embeddings gives it.
        decision: the record of how it came about.
    """

    body: dict[str, Any]
    decision: Decision

    @classmethod
    def read(cls, reply: Reply) -> Embeddings:
        """The vectors that a whole reply holds."""
        if reply.body is None or reply.decision is None:
            raise ValueError("the reply is a stream")
        return cls(msgspec.json.decode(reply.body), reply.decision)

    @property
    def vectors(self) -> list[list[float]]:
        """A vector for each input, in their order."""
        ordered = sorted(self.body["data"], key=lambda each: each.get("index", 0))
        return [_vector(each["embedding"]) for each in ordered]

    @property
    def cost_usd(self) -> Decimal | None:
        """What it cost, failed attempts included; None if a price is unknown."""
        return self.decision.cost_usd


def _vector(told: list[float] | str) -> list[float]:
    """Numbers, or their bytes (single precision, little-endian) in base64."""
    return told if isinstance(told, list) else [number for (number,) in struct.iter_unpack("<f", b64decode(told))]


@dataclass(frozen=True, slots=True)
class Answer:
    """A complete answer.

    Attributes:
        body: the answer as OpenAI's Chat Completions gives it.
        decision: the record of how it came about.
    """

    body: dict[str, Any]
    decision: Decision

    @classmethod
    def read(cls, reply: Reply) -> Answer:
        """The answer that a whole reply holds."""
        if reply.body is None or reply.decision is None:
            raise ValueError("the reply is a stream")
        return cls(msgspec.json.decode(reply.body), reply.decision)

    @property
    def text(self) -> str:
        """The text of the first choice; empty where the model called a tool instead."""
        return self.body["choices"][0]["message"].get("content") or ""

    @property
    def cost_usd(self) -> Decimal | None:
        """What it cost, failed attempts included; None if a price is unknown."""
        return self.decision.cost_usd


class AnswerStream:
    """An answer as it is written. An async context manager, and an async iterator of Chat Completions chunks.

    Attributes:
        decision_id: the id under which it is recorded when it has ended.
    """

    def __init__(self, reply: Reply) -> None:
        if reply.stream is None:
            raise ValueError("the reply is not a stream")
        self._pieces = reply.stream
        self.decision_id = dict(reply.headers)["x-turnout-decision"]

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        await self.close()

    async def close(self) -> None:
        """Stop: what has not been read yet is cancelled at the provider."""
        await self._pieces.aclose()

    async def __aiter__(self) -> AsyncGenerator[dict[str, Any], None]:
        """Every chunk. Raises `Interrupted` where the answer breaks off."""
        splitter = SseSplitter()
        async with aclosing(self._pieces) as pieces:
            async for piece in pieces:
                for chunk in filter(None, map(self._chunk, splitter.feed(piece))):
                    yield chunk

    def _chunk(self, event: SseEvent) -> dict[str, Any] | None:
        """What an event carries; None for the end."""
        if event.data is None or event.data == b"[DONE]":
            return None
        chunk: dict[str, Any] = msgspec.json.decode(event.data)
        if "error" in chunk:
            raise Interrupted(str(chunk["error"]["message"]), decision_id=self.decision_id)
        return chunk

    async def text(self) -> AsyncGenerator[str, None]:
        """The text of the first choice, piece by piece."""
        async with aclosing(aiter(self)) as chunks:
            async for chunk in chunks:
                if text := _text_of(chunk):
                    yield text


def _text_of(chunk: dict[str, Any]) -> str:
    """What a chunk adds to the first choice's text."""
    choices = chunk["choices"]
    return (choices[0]["delta"].get("content") or "") if choices else ""
