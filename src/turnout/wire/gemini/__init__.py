"""Google's Gemini API, in which a provider can be called; no caller speaks it to turnout."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from turnout.types.chat import Answer, Chat
from turnout.types.dialect import DialectName
from turnout.types.failure import Failure
from turnout.wire.gemini.answer import decode_answer
from turnout.wire.gemini.assembler import Assembler
from turnout.wire.gemini.decoder import Decoder
from turnout.wire.gemini.errors import decode_failure
from turnout.wire.gemini.limits import LACKS
from turnout.wire.gemini.read_answer import read_answer
from turnout.wire.gemini.reader import Reader
from turnout.wire.gemini.request import encode_request
from turnout.wire.unary_facts import UnaryFacts


class Gemini:
    """The dialect; see `turnout.wire.dialect.ProviderDialect` for what each method promises."""

    name = DialectName.GEMINI
    path = "/v1beta/models/{model}:generateContent"
    stream_path = "/v1beta/models/{model}:streamGenerateContent?alt=sse"
    lacks: frozenset[str] = frozenset(LACKS)

    def encode_request(self, chat: Chat, model: str, *, ask_usage: bool) -> dict[str, Any]:
        """See `turnout.wire.gemini.request`."""
        return encode_request(chat, model, ask_usage=ask_usage)

    def read_answer(self, body: bytes) -> UnaryFacts:
        """See `turnout.wire.gemini.read_answer`."""
        return read_answer(body)

    def decode_answer(self, body: dict[str, Any]) -> Answer:
        """See `turnout.wire.gemini.answer`."""
        return decode_answer(body)

    def can_assemble(self, body: dict[str, Any]) -> bool:
        """A stream of this dialect is made of pieces of its unary answer."""
        del body
        return True

    def reader(self, body: dict[str, Any] | None) -> Reader:
        """No event of this dialect is there only because turnout asked for it."""
        del body
        return Reader()

    def decoder(self) -> Decoder:
        """See `turnout.wire.gemini.decoder`."""
        return Decoder()

    def assembler(self) -> Assembler:
        """See `turnout.wire.gemini.assembler`."""
        return Assembler()

    def decode_failure(self, status: int, headers: Mapping[str, str], body: bytes) -> Failure:
        """See `turnout.wire.gemini.errors`."""
        return decode_failure(status, headers, body)
