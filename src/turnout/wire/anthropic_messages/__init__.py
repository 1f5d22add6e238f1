"""Anthropic's Messages."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from turnout.errors import RequestFailed
from turnout.types.chat import Answer, Chat
from turnout.types.dialect import DialectName
from turnout.types.failure import Failure
from turnout.types.rate import Standing
from turnout.types.request import Outline
from turnout.wire.anthropic_messages.answer import decode_answer, encode_answer
from turnout.wire.anthropic_messages.assembler import Assembler
from turnout.wire.anthropic_messages.decoder import Decoder
from turnout.wire.anthropic_messages.encoder import Encoder
from turnout.wire.anthropic_messages.errors import decode_failure, encode_error, encode_stream_error
from turnout.wire.anthropic_messages.limits import LACKS
from turnout.wire.anthropic_messages.outline import outline
from turnout.wire.anthropic_messages.prepare import prepare
from turnout.wire.anthropic_messages.rate_headers import rate_headers
from turnout.wire.anthropic_messages.read_answer import read_answer
from turnout.wire.anthropic_messages.reader import Reader
from turnout.wire.anthropic_messages.request import decode_request, encode_request
from turnout.wire.unary_facts import UnaryFacts


class AnthropicMessages:
    """The dialect; see `turnout.wire.dialect.Dialect` for what each method promises."""

    name = DialectName.ANTHROPIC_MESSAGES
    path = stream_path = "/v1/messages"
    lacks: frozenset[str] = frozenset(LACKS)
    stream_end = b'event: message_stop\ndata: {"type":"message_stop"}\n\n'

    def outline(self, body: dict[str, Any]) -> Outline:
        """See `turnout.wire.anthropic_messages.outline`."""
        return outline(body)

    def decode_request(self, body: dict[str, Any]) -> Chat:
        """See `turnout.wire.anthropic_messages.request`."""
        return decode_request(body)

    def encode_request(self, chat: Chat, model: str, *, ask_usage: bool) -> dict[str, Any]:
        """See `turnout.wire.anthropic_messages.request`."""
        return encode_request(chat, model, ask_usage=ask_usage)

    def prepare(self, raw: bytes, model: str | None, *, stream: bool, ask_usage: bool) -> bytes:
        """See `turnout.wire.anthropic_messages.prepare`."""
        return prepare(raw, model, stream=stream, ask_usage=ask_usage)

    def ask_logprobs(self, raw: bytes, alternatives: int) -> bytes:
        """It has no words for them."""
        del alternatives
        return raw

    def hide_logprobs(self, told: dict[str, Any]) -> None:
        """There are none."""

    def read_answer(self, body: bytes) -> UnaryFacts:
        """See `turnout.wire.anthropic_messages.read_answer`."""
        return read_answer(body)

    def decode_answer(self, body: dict[str, Any]) -> Answer:
        """See `turnout.wire.anthropic_messages.answer`."""
        return decode_answer(body)

    def encode_answer(self, answer: Answer, body: dict[str, Any] | None = None) -> dict[str, Any]:
        """See `turnout.wire.anthropic_messages.answer`; this dialect's answers repeat nothing of the request."""
        del body
        return encode_answer(answer)

    def can_assemble(self, body: dict[str, Any]) -> bool:
        """A stream of this dialect says everything that its unary answer does."""
        del body
        return True

    def reader(self, body: dict[str, Any] | None) -> Reader:
        """No event of this dialect is there only because turnout asked for it."""
        del body
        return Reader(usage_requested=True)

    def decoder(self) -> Decoder:
        """See `turnout.wire.anthropic_messages.decoder`."""
        return Decoder()

    def encoder(self, body: dict[str, Any], model: str) -> Encoder:
        """See `turnout.wire.anthropic_messages.encoder`."""
        return Encoder(body, model)

    def assembler(self) -> Assembler:
        """See `turnout.wire.anthropic_messages.assembler`."""
        return Assembler()

    def decode_failure(self, status: int, headers: Mapping[str, str], body: bytes) -> Failure:
        """See `turnout.wire.anthropic_messages.errors`."""
        return decode_failure(status, headers, body)

    def encode_error(self, error: RequestFailed) -> tuple[int, list[tuple[str, str]], bytes]:
        """See `turnout.wire.anthropic_messages.errors`."""
        return encode_error(error)

    def encode_stream_error(self, error: RequestFailed) -> bytes:
        """See `turnout.wire.anthropic_messages.errors`."""
        return encode_stream_error(error)

    def rate_headers(self, standing: Standing) -> list[tuple[str, str]]:
        """See `turnout.wire.anthropic_messages.rate_headers`."""
        return rate_headers(standing)
