"""OpenAI Embeddings, as the provider speaks it."""

from __future__ import annotations

import hashlib
import math
import struct
from base64 import b64encode
from collections.abc import Iterator, Mapping
from typing import Any, Final

import msgspec

from turnout.testing.fault_provider.answer import Answer
from turnout.testing.fault_provider.ask import Ask, UnreadableRequestError, required, whole_number
from turnout.testing.fault_provider.complaint import Complaint
from turnout.testing.fault_provider.script import Mark, Send
from turnout.testing.fault_provider.speech import event
from turnout.types.dialect import DialectName

_DIMENSIONS: Final = 8


class OpenAIEmbeddings:
    """`POST /v1/embeddings`."""

    def read(self, body: Mapping[str, Any]) -> Ask:
        """Understand a request.

        Raises:
            UnreadableRequestError: `model` or `input` is missing.
        """
        inputs = _inputs(body)
        return Ask(
            dialect=DialectName.OPENAI_EMBEDDINGS,
            model=required(body, "model", str, "you must provide a model parameter"),
            body=body,
            text=next((each for each in reversed(inputs) if isinstance(each, str)), ""),
        )

    def document(self, answer: Answer) -> dict[str, Any]:
        """A list of vectors, one for each input and always the same for it."""
        ask = answer.ask
        size = whole_number(ask.body, "dimensions") or _DIMENSIONS
        encoded = ask.body.get("encoding_format") == "base64"
        vectors = [unit_vector(ask.model, each, size) for each in _inputs(ask.body)]
        data = [
            {"object": "embedding", "index": index, "embedding": _packed(vector) if encoded else vector}
            for index, vector in enumerate(vectors)
        ]
        document: dict[str, Any] = {"object": "list", "data": data, "model": ask.model}
        if answer.usage != "absent":
            document["usage"] = {"prompt_tokens": ask.input_tokens, "total_tokens": ask.input_tokens}
        return document

    def events(self, answer: Answer) -> Iterator[Send]:
        """There is no stream: the document, whoever asked for one."""
        yield Send(msgspec.json.encode(self.document(answer)), mark=Mark.FINISH)

    def error(self, complaint: Complaint, _request_id: str, /) -> dict[str, Any]:
        """`{"error": {...}}`."""
        return complaint.openai

    def error_event(self, complaint: Complaint, _answer: Answer, _place: int, /) -> bytes:
        """The envelope as an event without a name."""
        return event(complaint.openai, named=False)


def unit_vector(model: str, given: str | list[int], size: int) -> list[float]:
    """The vector of an input: of length 1, and another one for every model and every input."""
    seed = hashlib.shake_256(msgspec.json.encode([model, given])).digest(4 * size)
    numbers = [number / 2**31 - 1 for (number,) in struct.iter_unpack("<I", seed)]
    length = math.hypot(*numbers) or 1.0
    return [round(number / length, 8) for number in numbers]


def _packed(vector: list[float]) -> str:
    return b64encode(struct.pack(f"<{len(vector)}f", *vector)).decode("ascii")


def _inputs(body: Mapping[str, Any]) -> list[Any]:
    given = body.get("input")
    if isinstance(given, str) or (isinstance(given, list) and given and isinstance(given[0], int)):
        return [given]
    if not isinstance(given, list) or not given:
        raise UnreadableRequestError("'$.input' is invalid.", "input")
    return given
