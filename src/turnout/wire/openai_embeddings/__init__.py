"""OpenAI's Embeddings, which most servers of open models speak as well."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from turnout.errors import RequestFailed
from turnout.types.dialect import DialectName
from turnout.types.failure import Failure
from turnout.types.rate import Standing
from turnout.types.request import Outline
from turnout.wire.event_json import encode_json
from turnout.wire.openai_chat.errors import decode_failure, encode_error, encode_stream_error
from turnout.wire.openai_chat.rate_headers import rate_headers
from turnout.wire.openai_embeddings.outline import outline
from turnout.wire.openai_embeddings.read_answer import read_answer
from turnout.wire.raw_body import raw_body
from turnout.wire.unary_facts import UnaryFacts
from turnout.wire.untranslated import Untranslated


class OpenAIEmbeddings(Untranslated):
    """The dialect; see `turnout.wire.dialect.Dialect` for what each method promises."""

    name = DialectName.OPENAI_EMBEDDINGS
    path = stream_path = "/embeddings"
    lacks: frozenset[str] = frozenset()

    def outline(self, body: dict[str, Any]) -> Outline:
        """See `turnout.wire.openai_embeddings.outline`."""
        return outline(body)

    def prepare(self, raw: bytes, model: str | None, *, stream: bool, ask_usage: bool) -> bytes:
        """Swap the model; every other field stays byte for byte."""
        del stream, ask_usage
        return raw if model is None else encode_json(raw_body(raw) | {"model": model})

    def read_answer(self, body: bytes) -> UnaryFacts:
        """See `turnout.wire.openai_embeddings.read_answer`."""
        return read_answer(body)

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
