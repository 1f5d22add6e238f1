"""A wire format without a counterpart: one question and one whole answer, each passed on as it came."""

from __future__ import annotations

from typing import Any, NoReturn

from turnout.errors import InvalidRequest
from turnout.types.chat import Answer, Chat
from turnout.wire.dialect import Assembler, StreamDecoder, StreamEncoder, StreamReader


class Untranslated:
    """What such a dialect answers where a conversation's would translate or stream.

    The filters let only targets of the caller's own dialect be called, and nothing of it is streamed, so these are
    never reached; each raises `InvalidRequest`.
    """

    stream_end = b""

    def can_assemble(self, body: dict[str, Any]) -> bool:
        """There is no stream to put an answer together from."""
        del body
        return False

    def decode_request(self, body: dict[str, Any]) -> Chat:
        """It is no conversation."""
        _refuse(body)

    def encode_request(self, chat: Chat, model: str, *, ask_usage: bool) -> dict[str, Any]:
        """It is no conversation."""
        _refuse(chat, model, ask_usage)

    def decode_answer(self, body: dict[str, Any]) -> Answer:
        """It is no conversation."""
        _refuse(body)

    def ask_logprobs(self, raw: bytes, alternatives: int) -> bytes:
        """There are no tokens."""
        del alternatives
        return raw

    def hide_logprobs(self, told: dict[str, Any]) -> None:
        """There are none."""

    def encode_answer(self, answer: Answer, body: dict[str, Any] | None = None) -> dict[str, Any]:
        """It is no conversation."""
        _refuse(answer, body)

    def encoder(self, body: dict[str, Any], model: str) -> StreamEncoder:
        """Nothing is streamed."""
        _refuse(body, model)

    def reader(self, body: dict[str, Any] | None) -> StreamReader:
        """Nothing is streamed."""
        _refuse(body)

    def decoder(self) -> StreamDecoder:
        """Nothing is streamed."""
        _refuse()

    def assembler(self) -> Assembler:
        """Nothing is streamed."""
        _refuse()


def _refuse(*_given: object) -> NoReturn:
    raise InvalidRequest("This kind of request is neither translated nor streamed.")
