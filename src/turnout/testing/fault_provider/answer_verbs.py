"""What verbs do to an answer before it is sent."""

from __future__ import annotations

from itertools import cycle, islice

from turnout.testing.fault_provider.answer import HEALTHY_TEXT, Answer, Finish, ToolCall, tokens_of

_UNKNOWN_TOOL = "no_such_tool"
_FILTERED_AFTER = 3


def tokens(answer: Answer, n: int) -> None:
    """Make the text `n` tokens long."""
    if not answer.calls:
        answer.tokens = _long(n)


def over_max_tokens(answer: Answer, extra: int) -> None:
    """Say more than was allowed, and finish as if nothing were wrong."""
    answer.unlimited = True
    if not answer.calls:
        answer.tokens = _long(max(len(answer.tokens), (answer.ask.max_tokens or 0) + extra))


def _long(count: int) -> list[str]:
    said = tokens_of(HEALTHY_TEXT)
    again = [f" {said[0]}", *said[1:]]
    return (said + list(islice(cycle(again), max(0, count - len(said)))))[:count]


def tool_args(answer: Answer, how: str) -> None:
    """Call a tool wrongly."""
    if not answer.calls:
        tool = answer.ask.tools[0].name if answer.ask.tools else _UNKNOWN_TOOL
        answer.calls = [ToolCall(f"{answer.id}00", tool, '{"city": "Paris"}')]
        answer.tokens = []
        answer.finish = Finish.TOOLS
    for call in answer.calls:
        if how == "truncated":
            call.arguments = call.arguments[: max(1, len(call.arguments) // 2)]
        elif how == "not_json":
            call.arguments = "the city is Paris"
        else:
            call.name = _UNKNOWN_TOOL


def content_filter(answer: Answer) -> None:
    """Stop after a few words, as filtered."""
    answer.calls = []
    answer.tokens = answer.tokens[:_FILTERED_AFTER] or tokens_of(HEALTHY_TEXT)[:_FILTERED_AFTER]
    answer.finish = Finish.FILTERED


def usage(answer: Answer, when: str) -> None:
    """Report the usage at other times than usual."""
    answer.usage = when


def reasoning_content(answer: Answer) -> None:
    """Show the reasoning, as DeepSeek and vLLM do."""
    answer.thinks_aloud = True
