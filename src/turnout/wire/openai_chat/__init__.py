"""OpenAI's Chat Completions, which most servers of open models speak as well."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from turnout.errors import RequestFailed
from turnout.types.chat import Answer, Chat
from turnout.types.dialect import DialectName
from turnout.types.failure import Failure
from turnout.types.rate import Standing
from turnout.types.request import Outline
from turnout.wire.openai_chat.answer import decode_answer, encode_answer
from turnout.wire.openai_chat.assembler import Assembler
from turnout.wire.openai_chat.decoder import Decoder
from turnout.wire.openai_chat.encoder import Encoder
from turnout.wire.openai_chat.errors import decode_failure, encode_error, encode_stream_error
from turnout.wire.openai_chat.limits import LACKS
from turnout.wire.openai_chat.logprobs import ask_logprobs, hide_logprobs
from turnout.wire.openai_chat.outline import outline
from turnout.wire.openai_chat.prepare import prepare
from turnout.wire.openai_chat.rate_headers import rate_headers
from turnout.wire.openai_chat.read_answer import read_answer
from turnout.wire.openai_chat.reader import Reader
from turnout.wire.openai_chat.request import decode_request, encode_request
from turnout.wire.unary_facts import UnaryFacts

_ONLY_UNARY: Final = ("audio", "moderation")
"""What a stream answers in another form, or not at all."""


class OpenAIChat:
    """The dialect; see `turnout.wire.dialect.Dialect` for what each method promises."""

    name = DialectName.OPENAI_CHAT
    path = stream_path = "/chat/completions"
    lacks: frozenset[str] = frozenset(LACKS)
    stream_end = b"data: [DONE]\n\n"

    def outline(self, body: dict[str, Any]) -> Outline:
        """See `turnout.wire.openai_chat.outline`."""
        return outline(body)

    def decode_request(self, body: dict[str, Any]) -> Chat:
        """See `turnout.wire.openai_chat.request`."""
        return decode_request(body)

    def encode_request(self, chat: Chat, model: str, *, ask_usage: bool) -> dict[str, Any]:
        """See `turnout.wire.openai_chat.request`."""
        return encode_request(chat, model, ask_usage=ask_usage)

    def prepare(self, raw: bytes, model: str | None, *, stream: bool, ask_usage: bool) -> bytes:
        """See `turnout.wire.openai_chat.prepare`."""
        return prepare(raw, model, stream=stream, ask_usage=ask_usage)

    def ask_logprobs(self, raw: bytes, alternatives: int) -> bytes:
        """See `turnout.wire.openai_chat.logprobs`."""
        return ask_logprobs(raw, alternatives)

    def hide_logprobs(self, told: dict[str, Any]) -> None:
        """See `turnout.wire.openai_chat.logprobs`."""
        hide_logprobs(told)

    def read_answer(self, body: bytes) -> UnaryFacts:
        """See `turnout.wire.openai_chat.read_answer`."""
        return read_answer(body)

    def decode_answer(self, body: dict[str, Any]) -> Answer:
        """See `turnout.wire.openai_chat.answer`."""
        return decode_answer(body)

    def encode_answer(self, answer: Answer, body: dict[str, Any] | None = None) -> dict[str, Any]:
        """See `turnout.wire.openai_chat.answer`; this dialect's answers repeat nothing of the request."""
        del body
        return encode_answer(answer)

    def can_assemble(self, body: dict[str, Any]) -> bool:
        """Not where audio is asked for, nor a stored completion's `metadata`, which only a unary answer tells."""
        return not any(body.get(field) for field in _ONLY_UNARY) and not (body.get("store") and body.get("metadata"))

    def reader(self, body: dict[str, Any] | None) -> Reader:
        """Where nobody gets the events as they are, none has to be held back."""
        options = body.get("stream_options") if body is not None else None
        asked = isinstance(options, dict) and options.get("include_usage") is True
        return Reader(usage_requested=body is None or asked)

    def decoder(self) -> Decoder:
        """See `turnout.wire.openai_chat.decoder`."""
        return Decoder()

    def encoder(self, body: dict[str, Any], model: str) -> Encoder:
        """See `turnout.wire.openai_chat.encoder`."""
        return Encoder(body, model)

    def assembler(self) -> Assembler:
        """See `turnout.wire.openai_chat.assembler`."""
        return Assembler()

    def decode_failure(self, status: int, headers: Mapping[str, str], body: bytes) -> Failure:
        """See `turnout.wire.openai_chat.errors`."""
        return decode_failure(status, headers, body)

    def encode_error(self, error: RequestFailed) -> tuple[int, list[tuple[str, str]], bytes]:
        """See `turnout.wire.openai_chat.errors`."""
        return encode_error(error)

    def encode_stream_error(self, error: RequestFailed) -> bytes:
        """See `turnout.wire.openai_chat.errors`."""
        return encode_stream_error(error)

    def rate_headers(self, standing: Standing) -> list[tuple[str, str]]:
        """See `turnout.wire.openai_chat.rate_headers`."""
        return rate_headers(standing)
