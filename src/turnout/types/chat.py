"""A conversation and its answer, free of any dialect: what one dialect is translated through into another.

Only a request whose caller and provider speak different dialects is ever turned into these.
"""

from __future__ import annotations

from enum import StrEnum
from typing import Any, Literal

import msgspec

from turnout.types.usage import Usage

Role = Literal["user", "assistant", "system"]


class Text(msgspec.Struct, frozen=True, tag="text"):
    """A piece of text. `cache` marks a cache breakpoint after it (Anthropic's `cache_control`, verbatim)."""

    text: str
    cache: dict[str, Any] | None = None


class Image(msgspec.Struct, frozen=True, tag="image"):
    """An image: either base64 `data` with its `media_type`, or a `url`."""

    media_type: str | None = None
    data: str | None = None
    url: str | None = None
    detail: str | None = None
    cache: dict[str, Any] | None = None


class Document(msgspec.Struct, frozen=True, tag="document"):
    """A file (a PDF, mostly): base64 `data` with its `media_type`, plain `text`, or a `url`."""

    media_type: str | None = None
    data: str | None = None
    url: str | None = None
    text: str | None = None
    name: str | None = None
    cache: dict[str, Any] | None = None


class Thinking(msgspec.Struct, frozen=True, tag="thinking"):
    """Reasoning that the model showed. `signature` lets its own provider verify it; `redacted` is its opaque form."""

    text: str = ""
    signature: str | None = None
    redacted: str | None = None


class Refusal(msgspec.Struct, frozen=True, tag="refusal"):
    """The model's own words for not answering."""

    text: str


class ToolCall(msgspec.Struct, frozen=True, tag="tool_call"):
    """A call the model asks for. `arguments` is JSON text, kept as the model wrote it, valid or not.

    `signature` stands for the reasoning that led to it (Gemini's `thoughtSignature`); only its own provider reads it.
    """

    id: str
    name: str
    arguments: str
    cache: dict[str, Any] | None = None
    signature: str | None = None


class ToolResult(msgspec.Struct, frozen=True, tag="tool_result"):
    """What a called tool gave back."""

    call_id: str
    content: tuple[Text | Image | Document, ...] = ()
    is_error: bool = False
    cache: dict[str, Any] | None = None


Part = Text | Image | Document | Thinking | Refusal | ToolCall | ToolResult


class Message(msgspec.Struct, frozen=True):
    """One turn. A `system` message within the conversation keeps its place; leading ones are `Chat.system`."""

    role: Role
    parts: tuple[Part, ...]
    name: str | None = None


class Tool(msgspec.Struct, frozen=True, kw_only=True):
    """A function that the model may call; `schema` is the JSON Schema of its arguments."""

    name: str
    description: str | None = None
    schema: dict[str, Any] | None = None
    strict: bool | None = None
    cache: dict[str, Any] | None = None


class ToolChoice(msgspec.Struct, frozen=True, kw_only=True):
    """Which tool must be called, and whether several may be at once (None: the dialect's default)."""

    mode: Literal["auto", "none", "required", "tool"] = "auto"
    name: str | None = None
    parallel: bool | None = None


class OutputFormat(msgspec.Struct, frozen=True, kw_only=True):
    """The form the answer must have; `schema` where `kind` is `json_schema`."""

    kind: Literal["json_object", "json_schema"]
    name: str | None = None
    schema: dict[str, Any] | None = None
    strict: bool | None = None
    description: str | None = None


class Reasoning(msgspec.Struct, frozen=True, kw_only=True):
    """How much the model should think first: an `effort`, a `budget_tokens`, or neither (on, by default amount)."""

    effort: str | None = None
    budget_tokens: int | None = None
    adaptive: bool = False
    enabled: bool = True


class Chat(msgspec.Struct, frozen=True, kw_only=True):
    """A whole request, free of any dialect.

    `foreign` names the caller's fields that this value does not hold; they are also in the outline's `needs` as
    `field:<name>`, so that a target of another dialect is dropped rather than the field lost.
    """

    messages: tuple[Message, ...]
    system: tuple[Text, ...] = ()
    tools: tuple[Tool, ...] = ()
    tool_choice: ToolChoice | None = None
    max_tokens: int | None = None
    temperature: float | None = None
    top_p: float | None = None
    top_k: int | None = None
    stop: tuple[str, ...] = ()
    seed: int | None = None
    presence_penalty: float | None = None
    frequency_penalty: float | None = None
    logit_bias: dict[str, float] | None = None
    logprobs: bool = False
    top_logprobs: int | None = None
    format: OutputFormat | None = None
    reasoning: Reasoning | None = None
    user: str | None = None
    stream: bool = False
    foreign: tuple[str, ...] = ()


class Finish(StrEnum):
    """Why an answer ended."""

    STOP = "stop"
    STOP_SEQUENCE = "stop_sequence"
    LENGTH = "length"
    TOOL_CALLS = "tool_calls"
    CONTENT_FILTER = "content_filter"
    REFUSAL = "refusal"
    PAUSE = "pause"
    CONTEXT_FULL = "context_full"
    OTHER = "other"


class TokenLogprob(msgspec.Struct, frozen=True):
    """The log-probability of one generated token, and of the likeliest ones in its place."""

    token: str
    logprob: float
    top: tuple[tuple[str, float], ...] = ()


class Answer(msgspec.Struct, frozen=True, kw_only=True):
    """A complete answer, free of any dialect."""

    id: str
    model: str
    parts: tuple[Part, ...]
    finish: Finish
    usage: Usage | None
    stop_sequence: str | None = None
    logprobs: tuple[TokenLogprob, ...] = ()
    created: int | None = None

    @property
    def text(self) -> str:
        """The answer's text, without thinking, refusals and tool calls."""
        return "".join(part.text for part in self.parts if isinstance(part, Text))
