"""What the provider says, before it is put into a dialect."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass, field
from enum import Enum, auto
from typing import Any

from turnout.testing.fault_provider.ask import Ask, Tool, UnreadableRequestError
from turnout.testing.fault_provider.example import example
from turnout.types.dialect import DialectName

HEALTHY_TEXT = (
    "The café keeps its lights on until the last train leaves, 漢字 on the board, steam on the glass 🚂, "
    "and every traveller finds the right platform without asking twice."
)
"""The answer of a healthy provider to everything that asks for prose: always this, so that a cut is always seen."""

THINKING_TEXT = "The board knows each platform, so look there first."
"""The reasoning of a healthy provider that is asked to reason."""

CALL_ONE = "call the tool"
CALL_BOTH = "both tools"
_TOKEN = re.compile(r"\s*\S+(?:\s+\Z)?")


class Finish(Enum):
    """Why an answer ends."""

    STOP = auto()
    STOP_SEQUENCE = auto()
    LENGTH = auto()
    TOOLS = auto()
    FILTERED = auto()


@dataclass(slots=True)
class ToolCall:
    """A call of a tool, with its arguments as the text that the model wrote."""

    id: str
    name: str
    arguments: str

    @property
    def tokens(self) -> list[str]:
        """The arguments, cut as they are streamed."""
        return tokens_of(self.arguments)


@dataclass(slots=True)
class Answer:
    """One answer. A verb may change it before it is sent.

    Attributes:
        ask: what it answers.
        id: hexadecimal digits that its ids in each dialect are made of.
        created: seconds since 1970.
        thinking: tokens of reasoning, before the answer.
        tokens: tokens of the answer's text.
        calls: tools called, instead of any text.
        finish: why it ends.
        stop: the stop sequence that ended it.
        usage: `own` (as the dialect has it), `absent`, `end` (asked for or not), `each` (the final figures in every
            event) or `cumulative` (the figures so far in every event).
        thinks_aloud: OpenAI chat: reasoning is sent as `reasoning_content`.
        unlimited: `max_tokens` is ignored.
    """

    ask: Ask
    id: str
    created: int
    thinking: list[str] = field(default_factory=list)
    tokens: list[str] = field(default_factory=list)
    calls: list[ToolCall] = field(default_factory=list)
    finish: Finish = Finish.STOP
    stop: str | None = None
    usage: str = "own"
    thinks_aloud: bool = False
    unlimited: bool = False

    @property
    def streamed(self) -> bool:
        """Whether it is sent as events."""
        return self.ask.stream

    @property
    def text(self) -> str:
        """The answer's text."""
        return "".join(self.tokens)

    @property
    def output_tokens(self) -> int:
        """What is billed for it: a token per word of reasoning, text and arguments, for each choice."""
        spoken = len(self.thinking) + len(self.tokens) + sum(len(call.tokens) for call in self.calls)
        return spoken * self.ask.choices

    def keep_to_limits(self) -> None:
        """Stop at a stop sequence, and at `max_tokens`, as a provider must."""
        if self.calls or self.finish is Finish.FILTERED:
            return
        self._stop_at_sequence()
        limit = self.ask.max_tokens
        if limit is not None and not self.unlimited and len(self.thinking) + len(self.tokens) > limit:
            self.thinking = self.thinking[:limit]
            self.tokens = self.tokens[: limit - len(self.thinking)]
            self.finish, self.stop = Finish.LENGTH, None

    def _stop_at_sequence(self) -> None:
        found = [(self.text.find(stop), stop) for stop in self.ask.stops if stop and stop in self.text]
        if found:
            place, self.stop = min(found)
            self.tokens = tokens_of(self.text[:place])
            self.finish = Finish.STOP_SEQUENCE


def compose(ask: Ask, identity: str, created: int) -> Answer:
    """The answer of a healthy provider.

    Raises:
        UnreadableRequestError: a schema to fill in is none.
    """
    answer = Answer(ask, identity, created)
    if ask.dialect is DialectName.OPENAI_EMBEDDINGS:
        return answer
    if ask.thinking:
        answer.thinking = tokens_of(THINKING_TEXT)
    tools = _tools_to_call(ask)
    if tools:
        answer.calls = [
            ToolCall(f"{identity}{index:02x}", tool.name, _filled(tool.schema)) for index, tool in enumerate(tools)
        ]
        answer.finish = Finish.TOOLS
    elif ask.schema is not None:
        answer.tokens = tokens_of(_filled(ask.schema))
    else:
        answer.tokens = tokens_of(HEALTHY_TEXT)
    return answer


def _tools_to_call(ask: Ask) -> tuple[Tool, ...]:
    if ask.answers_tool:
        return ()
    if len(ask.tools) > 1 and CALL_BOTH in ask.text:
        return ask.tools[:2]
    if ask.called not in {None, "any"}:
        return tuple(tool for tool in ask.tools if tool.name == ask.called)[:1]
    return ask.tools[:1] if ask.called or CALL_ONE in ask.text else ()


def tokens_of(text: str) -> list[str]:
    """The text cut into tokens: a word each, with the space before it."""
    return _TOKEN.findall(text) or ([text] if text else [])


def _filled(schema: Any) -> str:
    try:
        return _json(example(schema))
    except (TypeError, ValueError, AttributeError, LookupError, ArithmeticError) as error:
        raise UnreadableRequestError("Invalid schema.") from error


def _json(value: object) -> str:
    return json.dumps(value, ensure_ascii=False)
