"""OpenAI's Responses."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from turnout.errors import RequestFailed
from turnout.types.chat import Answer, Chat
from turnout.types.dialect import DialectName
from turnout.types.failure import Failure
from turnout.types.rate import Standing
from turnout.types.request import Outline
from turnout.wire.openai_chat.rate_headers import rate_headers
from turnout.wire.openai_responses.answer import decode_answer, encode_answer
from turnout.wire.openai_responses.assembler import Assembler
from turnout.wire.openai_responses.decoder import Decoder
from turnout.wire.openai_responses.encoder import Encoder
from turnout.wire.openai_responses.errors import decode_failure, encode_error, encode_stream_error
from turnout.wire.openai_responses.limits import LACKS
from turnout.wire.openai_responses.logprobs import ask_logprobs, hide_logprobs
from turnout.wire.openai_responses.outline import outline
from turnout.wire.openai_responses.prepare import prepare
from turnout.wire.openai_responses.read_answer import read_answer
from turnout.wire.openai_responses.reader import Reader
from turnout.wire.openai_responses.request import decode_request, encode_request
from turnout.wire.unary_facts import UnaryFacts


class OpenAIResponses:
    """The dialect; see `turnout.wire.dialect.Dialect` for what each method promises."""

    name = DialectName.OPENAI_RESPONSES
    path = stream_path = "/responses"
    lacks: frozenset[str] = frozenset(LACKS)
    stream_end = b""

    def outline(self, body: dict[str, Any]) -> Outline:
        """See `turnout.wire.openai_responses.outline`."""
        return outline(body)

    def decode_request(self, body: dict[str, Any]) -> Chat:
        """See `turnout.wire.openai_responses.request`."""
        return decode_request(body)

    def encode_request(self, chat: Chat, model: str, *, ask_usage: bool) -> dict[str, Any]:
        """See `turnout.wire.openai_responses.request`."""
        return encode_request(chat, model, ask_usage=ask_usage)

    def prepare(self, raw: bytes, model: str | None, *, stream: bool, ask_usage: bool) -> bytes:
        """See `turnout.wire.openai_responses.prepare`."""
        return prepare(raw, model, stream=stream, ask_usage=ask_usage)

    def ask_logprobs(self, raw: bytes, alternatives: int) -> bytes:
        """See `turnout.wire.openai_responses.logprobs`."""
        return ask_logprobs(raw, alternatives)

    def hide_logprobs(self, told: dict[str, Any]) -> None:
        """See `turnout.wire.openai_responses.logprobs`."""
        hide_logprobs(told)

    def read_answer(self, body: bytes) -> UnaryFacts:
        """See `turnout.wire.openai_responses.read_answer`."""
        return read_answer(body)

    def decode_answer(self, body: dict[str, Any]) -> Answer:
        """See `turnout.wire.openai_responses.answer`."""
        return decode_answer(body)

    def encode_answer(self, answer: Answer, body: dict[str, Any] | None = None) -> dict[str, Any]:
        """See `turnout.wire.openai_responses.answer`."""
        return encode_answer(answer, body or {})

    def can_assemble(self, body: dict[str, Any]) -> bool:
        """A stream of this dialect ends with the very object that a unary answer is."""
        del body
        return True

    def reader(self, body: dict[str, Any] | None) -> Reader:
        """No event of this dialect is there only because turnout asked for it."""
        del body
        return Reader()

    def decoder(self) -> Decoder:
        """See `turnout.wire.openai_responses.decoder`."""
        return Decoder()

    def encoder(self, body: dict[str, Any], model: str) -> Encoder:
        """See `turnout.wire.openai_responses.encoder`."""
        return Encoder(body, model)

    def assembler(self) -> Assembler:
        """See `turnout.wire.openai_responses.assembler`."""
        return Assembler()

    def decode_failure(self, status: int, headers: Mapping[str, str], body: bytes) -> Failure:
        """See `turnout.wire.openai_responses.errors`."""
        return decode_failure(status, headers, body)

    def encode_error(self, error: RequestFailed) -> tuple[int, list[tuple[str, str]], bytes]:
        """See `turnout.wire.openai_responses.errors`."""
        return encode_error(error)

    def encode_stream_error(self, error: RequestFailed) -> bytes:
        """See `turnout.wire.openai_responses.errors`."""
        return encode_stream_error(error)

    def rate_headers(self, standing: Standing) -> list[tuple[str, str]]:
        """See `turnout.wire.openai_chat.rate_headers`."""
        return rate_headers(standing)
