"""What a dialect must be able to do. Each lives in a package of its name; `turnout.wire.registry` lists them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Final, Protocol

from turnout.errors import RequestFailed
from turnout.types.chat import Answer, Chat, Finish
from turnout.types.dialect import DialectName
from turnout.types.failure import Failure
from turnout.types.rate import Standing
from turnout.types.request import Outline
from turnout.types.stream import Delta, Mark
from turnout.types.usage import Usage
from turnout.wire.sse import SseEvent

MODEL_IN_PATH: Final = "{model}"
"""What stands for the model in a path."""


class StreamReader(Protocol):
    """Follows a provider's stream without translating it, and knows what executing it needs."""

    usage: Usage | None
    """The tokens as last reported."""
    finish: Finish | None
    """The provider's finish signal, once seen."""
    model: str | None
    """The model that the provider says answers."""
    failure: Failure | None
    """Set by an event that is marked `ERROR`, or one that is not of the dialect (`MALFORMED`)."""
    ended: bool
    """The protocol's own end was seen."""
    output_chars: int
    """Characters of generated content so far: what an estimate of the tokens is made from."""

    def read(self, event: SseEvent) -> Mark:
        """Take the next event and say what it is. After `failure` is set nothing more is read."""


class StreamDecoder(Protocol):
    """Turns a provider's events into deltas."""

    def decode(self, event: SseEvent) -> Sequence[Delta]:
        """Raises `ValueError` for an event that is not of the dialect."""


class StreamEncoder(Protocol):
    """Turns deltas into the caller's stream."""

    def encode(self, delta: Delta) -> bytes:
        """The bytes to send, possibly none (a `Finished` may wait for the usage, for example)."""


class Assembler(Protocol):
    """Puts a whole unary answer together from a stream, field by field as the provider would have sent it."""

    def add(self, event: SseEvent) -> None:
        """Take the next event."""

    def body(self) -> dict[str, Any]:
        """The whole answer, once the stream has finished; `ValueError` if it has not."""


class AnswerFacts(Protocol):
    """What executing needs to know of a unary answer."""

    usage: Usage | None
    finish: Finish | None
    model: str | None
    output_chars: int


class CallerDialect(Protocol):
    """What callers need of a wire format. Pure: bytes and dicts in, bytes and dicts out."""

    name: DialectName
    stream_end: bytes
    """The event that ends a complete stream, for a provider that finished its answer and left it out."""

    def outline(self, body: dict[str, Any]) -> Outline:
        """Read what deciding needs. Raises `InvalidRequest` where the body is not a request of this dialect."""

    def decode_request(self, body: dict[str, Any]) -> Chat:
        """The request free of its dialect. Raises `InvalidRequest`."""

    def prepare(self, raw: bytes, model: str | None, *, stream: bool, ask_usage: bool) -> bytes:
        """The caller's own body for a provider of this dialect: every field verbatim, known or not, but for three.

        `model` is swapped (None leaves it), `stream` is set, and usage is asked for as in `encode_request`.
        """

    def ask_logprobs(self, raw: bytes, alternatives: int) -> bytes:
        """A body as `prepare` made it, asking for the log-probabilities of the answer's tokens as well.

        The very same bytes where it asks for them already, or the dialect has no words for it.
        """

    def hide_logprobs(self, told: dict[str, Any]) -> None:
        """Take the log-probabilities out of an answer, or of one event of a stream."""

    def encode_answer(self, answer: Answer, body: dict[str, Any] | None = None) -> dict[str, Any]:
        """The answer in this dialect. `body` is the caller's request, a part of which some dialects repeat."""

    def encoder(self, body: dict[str, Any], model: str) -> StreamEncoder:
        """`body` is the caller's request (does it want usage?), `model` what to report until the provider says."""

    def encode_error(self, error: RequestFailed) -> tuple[int, list[tuple[str, str]], bytes]:
        """Status, headers and body of an error before the first byte."""

    def encode_stream_error(self, error: RequestFailed) -> bytes:
        """The event that ends a committed stream; nothing follows it."""

    def rate_headers(self, standing: Standing) -> list[tuple[str, str]]:
        """The headers that tell the caller what is left of its rate limits."""


class ProviderDialect(Protocol):
    """What calling a provider needs of a wire format. Pure as well."""

    name: DialectName
    path: str
    """The path after the base URL that an SDK would be given (`/chat/completions`, `/v1/messages`).
    `MODEL_IN_PATH` stands for the model, in a dialect that names it there and not in the body."""
    stream_path: str
    """The same for an answer that is to be streamed."""
    lacks: frozenset[str]
    """Members of `Need` that the dialect has no words for."""

    def encode_request(self, chat: Chat, model: str, *, ask_usage: bool) -> dict[str, Any]:
        """The request in this dialect, streamed if `chat.stream`. Only called when the target lacks none of its needs.

        `ask_usage`: a stream is to report usage, where the dialect must be asked for it.
        """

    def read_answer(self, body: bytes) -> AnswerFacts:
        """Read a unary answer. Raises `ValueError` where it is not a complete answer of this dialect."""

    def decode_answer(self, body: dict[str, Any]) -> Answer:
        """The answer free of its dialect. Raises `ValueError`."""

    def can_assemble(self, body: dict[str, Any]) -> bool:
        """Whether a unary answer to this request can be put together from a stream without losing anything."""

    def reader(self, body: dict[str, Any] | None) -> StreamReader:
        """Follows a stream.

        `body` is the request of a caller who gets the stream as it is, or None: it tells whether an event that only
        carries usage is the caller's, or there because we asked for it.
        """

    def decoder(self) -> StreamDecoder:
        """From this dialect's events to deltas."""

    def assembler(self) -> Assembler:
        """From this dialect's events to a whole answer."""

    def decode_failure(self, status: int, headers: Mapping[str, str], body: bytes) -> Failure:
        """What an answer with an error status means."""


class Dialect(CallerDialect, ProviderDialect, Protocol):
    """A wire format that callers and providers speak."""
