"""Whether an answer keeps the form that was asked for."""

from __future__ import annotations

from typing import Any

import pytest

from tests.confidence.signals.holding import answer, chat, held, read
from turnout.types.chat import OutputFormat, Tool, ToolCall, ToolChoice

SCHEMA: dict[str, Any] = {
    "type": "object",
    "properties": {"city": {"type": "string"}},
    "required": ["city"],
    "additionalProperties": False,
}
TOOLS = (Tool(name="weather", schema=SCHEMA), Tool(name="time"))


def schema_invalid(text: str, form: OutputFormat | None, *calls: ToolCall) -> float | None:
    return read("schema_invalid", held(answer(text, *calls), chat(format=form)))


def tools_invalid(*calls: ToolCall, **fields: Any) -> float | None:
    return read("tools_invalid", held(answer("", *calls), chat(tools=TOOLS, **fields)))


@pytest.mark.parametrize(
    ("text", "broken"),
    [
        ('{"city": "Oslo"}', 0.0),
        (' \n{"city": "Oslo"}\n', 0.0),
        ('{"city": 7}', 1.0),
        ('{"town": "Oslo"}', 1.0),
        ('{"city": "Os', 1.0),
        ('```json\n{"city": "Oslo"}\n```', 1.0),
        ('{"city": NaN}', 1.0),
        ("", 1.0),
        ("[" * 100_000, 1.0),
    ],
)
def test_an_answer_keeps_its_schema_or_breaks_it(text: str, broken: float) -> None:
    assert schema_invalid(text, OutputFormat(kind="json_schema", schema=SCHEMA)) == broken


def test_where_only_json_was_asked_for_any_object_will_do() -> None:
    form = OutputFormat(kind="json_object")
    assert schema_invalid('{"anything": [1]}', form) == 0.0
    assert schema_invalid("[1]", form) == 1.0
    assert schema_invalid("7", OutputFormat(kind="json_schema")) == 0.0


def test_where_no_form_was_asked_for_none_is_broken() -> None:
    assert schema_invalid("Hello", None) == 0.0
    call = ToolCall("c", "weather", "{}")
    assert schema_invalid("", OutputFormat(kind="json_object"), call) == 0.0


def test_a_schema_that_cannot_be_checked_says_nothing() -> None:
    elsewhere = OutputFormat(kind="json_schema", schema={"$ref": "other.json"})
    assert schema_invalid("{}", elsewhere) is None


@pytest.mark.parametrize(
    ("name", "arguments", "broken"),
    [
        ("weather", '{"city": "Oslo"}', 0.0),
        ("weather", '{"city": 7}', 1.0),
        ("weather", "{}", 1.0),
        ("weather", '{"city": "Os', 1.0),
        ("weather", '["Oslo"]', 1.0),
        ("wether", '{"city": "Oslo"}', 1.0),
        ("time", "", 0.0),
        ("time", '{"anything": 1}', 0.0),
    ],
)
def test_a_call_can_be_made_or_not(name: str, arguments: str, broken: float) -> None:
    assert tools_invalid(ToolCall("c", name, arguments)) == broken


def test_of_several_calls_it_is_the_share() -> None:
    calls = [ToolCall("a", "time", "{}"), ToolCall("b", "weather", "{}")]
    assert tools_invalid(*calls) == 0.5


def test_a_call_that_was_demanded_has_to_come() -> None:
    assert tools_invalid() == 0.0
    assert tools_invalid(tool_choice=ToolChoice(mode="auto")) == 0.0
    assert tools_invalid(tool_choice=ToolChoice(mode="required")) == 1.0


def test_a_tool_whose_schema_cannot_be_checked_says_nothing() -> None:
    odd = Tool(name="odd", schema={"$dynamicRef": "#x"})
    case = held(answer("", ToolCall("c", "odd", "{}")), chat(tools=(odd,)))
    assert read("tools_invalid", case) is None
