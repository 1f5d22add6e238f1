"""Does an answer keep the form that the request asked for?"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from turnout.confidence.signal import Held
from turnout.confidence.signals.canonical import read_strict
from turnout.confidence.signals.json_schema import violates
from turnout.confidence.signals.measure import Measure
from turnout.types.chat import OutputFormat, Tool, ToolCall

_FORCED: Final = frozenset({"required", "tool"})


class SchemaInvalid(Measure, frozen=True, kw_only=True):
    """1 where the answer breaks the JSON Schema that the request gave, or is not the JSON it asked for; else 0.

    0 as well where the request asked for no form, and where the answer only calls tools.
    """

    def measure(self, held: Held) -> float | None:
        """See `Measure.measure`. None where the schema is one that cannot be checked."""
        text, called = held.answer.text, any(isinstance(part, ToolCall) for part in held.answer.parts)
        if held.question.format is None or (called and not text.strip()):
            return 0.0
        broken = _breaks(held.question.format, text)
        return None if broken is None else float(broken)


class ToolsInvalid(Measure, frozen=True, kw_only=True):
    """The share of the answer's tool calls that cannot be made.

    A call cannot be made whose tool was not offered, or whose arguments are not a JSON object or break the tool's
    schema. Where a call was demanded and none came, it is 1; where there is nothing to call, 0.
    """

    def measure(self, held: Held) -> float | None:
        """See `Measure.measure`. None where a schema is one that cannot be checked."""
        calls = [part for part in held.answer.parts if isinstance(part, ToolCall)]
        if not calls:
            choice = held.question.tool_choice
            return float(choice is not None and choice.mode in _FORCED)
        wrong = 0
        for call in calls:
            broken = _cannot_be_made(call, held.question.tools)
            if broken is None:
                return None
            wrong += broken
        return wrong / len(calls)


def _breaks(form: OutputFormat, text: str) -> bool | None:
    try:
        value = read_strict(text)
    except ValueError:
        return True
    if form.kind == "json_object":
        return not isinstance(value, dict)
    return form.schema is not None and violates(form.schema, value)


def _cannot_be_made(call: ToolCall, tools: Sequence[Tool]) -> bool | None:
    tool = next((tool for tool in tools if tool.name == call.name), None)
    try:
        arguments = read_strict(call.arguments or "{}")
    except ValueError:
        return True
    if tool is None or not isinstance(arguments, dict):
        return True
    return tool.schema is not None and violates(tool.schema, arguments)
