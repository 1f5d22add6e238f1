"""The events of a streamed answer, free of any dialect; what a decoder yields and an encoder takes."""

from __future__ import annotations

from enum import Flag, auto

import msgspec

from turnout.types.chat import Finish, TokenLogprob
from turnout.types.usage import Usage


class Started(msgspec.Struct, frozen=True, tag=True):
    """The provider has begun an answer; nothing of it is there yet. `usage` may hold the input's tokens."""

    id: str
    model: str
    usage: Usage | None = None
    created: int | None = None


class TextDelta(msgspec.Struct, frozen=True, tag=True):
    """More of the answer's text."""

    text: str
    logprobs: tuple[TokenLogprob, ...] = ()


class ThinkingDelta(msgspec.Struct, frozen=True, tag=True):
    """More of the model's reasoning, or the signature (or opaque form) that closes it."""

    text: str = ""
    signature: str | None = None
    redacted: str | None = None


class RefusalDelta(msgspec.Struct, frozen=True, tag=True):
    """More of a refusal."""

    text: str


class ToolCallStarted(msgspec.Struct, frozen=True, tag=True):
    """A tool call begins. `index` counts the answer's calls from 0; `signature` is as in `ToolCall`."""

    index: int
    id: str
    name: str
    signature: str | None = None


class ToolCallDelta(msgspec.Struct, frozen=True, tag=True):
    """More of the arguments of call `index`: JSON text as the model wrote it."""

    index: int
    arguments: str


class Finished(msgspec.Struct, frozen=True, tag=True):
    """The provider says that the answer is complete, and why it ended."""

    finish: Finish
    stop_sequence: str | None = None


class UsageReported(msgspec.Struct, frozen=True, tag=True):
    """The tokens so far; a later report replaces an earlier one."""

    usage: Usage


class Ended(msgspec.Struct, frozen=True, tag=True):
    """The protocol's own end (`[DONE]`, `message_stop`): nothing may follow."""


Delta = (
    Started
    | TextDelta
    | ThinkingDelta
    | RefusalDelta
    | ToolCallStarted
    | ToolCallDelta
    | Finished
    | UsageReported
    | Ended
)


class Mark(Flag):
    """What a streamed event is, as far as executing it matters; an event may be several at once.

    An event without a mark (a role chunk, `message_start`, a ping, a comment, an empty delta) is preamble before
    the commit, and is passed on unchanged after it.
    """

    NONE = 0
    TOKEN = auto()
    """It carries something meaningful: text, reasoning, a refusal, a tool call."""
    FINISH = auto()
    """It carries the provider's own finish signal."""
    USAGE_ONLY = auto()
    """It carries usage and nothing else, and is there only because we asked for it."""
    END = auto()
    """It is the protocol's end (`[DONE]`, `message_stop`)."""
    ERROR = auto()
    """It is the provider's error event; the reader holds the failure."""
