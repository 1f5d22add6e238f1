"""The facts of a list of embeddings, read without taking a vector apart."""

from __future__ import annotations

from typing import Any, Final

import msgspec

from turnout.types.chat import Finish
from turnout.wire.openai_chat.usage import usage_from
from turnout.wire.unary_facts import UnaryFacts, read_leniently


class _Embedding(msgspec.Struct, gc=False):
    embedding: msgspec.Raw


class _Answer(msgspec.Struct, gc=False):
    data: list[_Embedding] | None = None
    model: Any = None
    usage: Any = None
    error: Any = None


class _Lenient(msgspec.Struct, gc=False):
    """The same of a body that only lenient parsers take."""

    data: list[dict[str, Any]] | None = None
    model: Any = None
    usage: Any = None
    error: Any = None


_decode = msgspec.json.Decoder(_Answer).decode
_NO_VECTOR: Final = frozenset({b"null", b"[]", b'""', b"true", b"false", b"{}"})


def read_answer(body: bytes) -> UnaryFacts:
    """Check that a body is a list of embeddings and read its facts.

    Raises:
        ValueError: it is not; the message says why.
    """
    answer = _read(body)
    if answer.error:
        raise ValueError("an error in a body with status 200")
    if not answer.data:
        raise ValueError("an answer without embeddings")
    if not all(map(_has_vector, answer.data)):
        raise ValueError("an embedding without a vector")
    return UnaryFacts(
        usage=usage_from(answer.usage) if isinstance(answer.usage, dict) and answer.usage else None,
        finish=Finish.STOP,
        model=answer.model if isinstance(answer.model, str) else None,
        output_chars=0,
    )


def _read(body: bytes) -> _Answer | _Lenient:
    try:
        return _decode(body)
    except (ValueError, RecursionError):
        return read_leniently(body, _Lenient, "not a list of embeddings")


def _has_vector(each: _Embedding | dict[str, Any]) -> bool:
    """Numbers, or their bytes in base64."""
    if isinstance(each, dict):
        return isinstance(each.get("embedding"), list | str) and bool(each["embedding"])
    return bytes(each.embedding).strip() not in _NO_VECTOR
