"""Answers and the streams that say them, drawn at random."""

from __future__ import annotations

from itertools import pairwise

from hypothesis import strategies as st

from turnout.types.chat import Answer, Finish, Part, Text, Thinking, TokenLogprob, ToolCall
from turnout.types.stream import (
    Delta,
    Ended,
    Finished,
    Started,
    TextDelta,
    ThinkingDelta,
    ToolCallDelta,
    ToolCallStarted,
    UsageReported,
)
from turnout.types.usage import Usage

words = st.text(st.characters(exclude_categories=["Cs"]), min_size=1, max_size=12) | st.sampled_from(
    ["Hello", " world", "\n\n", '"', "\\", "é🚂", "\r", "data: [DONE]", "\x00", "\u2028"]
)
names = st.from_regex(r"[a-z]{1,8}", fullmatch=True)
counts = st.integers(0, 5000)
usages = st.builds(
    lambda fresh, read, written, spoken, thought: Usage(
        input_tokens=fresh + read + written,
        cached_tokens=read,
        cache_write_tokens=written,
        output_tokens=spoken + thought,
        reasoning_tokens=thought,
    ),
    counts,
    counts,
    counts,
    counts,
    counts,
)
arguments = st.sampled_from(["{}", '{"city":"Paris"}', '{"a":{"b":[1,2.5,null,"é}{"]}}'])


def tool_calls(max_size: int = 3) -> st.SearchStrategy[list[ToolCall]]:
    calls = st.lists(st.tuples(names, arguments), max_size=max_size)
    return calls.map(lambda drawn: [ToolCall(f"toolu_{n}", name, told) for n, (name, told) in enumerate(drawn)])


@st.composite
def answers(draw: st.DrawFn, *, signed: bool) -> Answer:
    """An answer. `signed`: with the thinking that only Anthropic can express."""
    parts: list[Part] = []
    if draw(st.booleans()):
        parts.append(Thinking(draw(words), "sig==" if signed else None))
        if signed and draw(st.booleans()):
            parts.append(Thinking(redacted="opaque=="))
    if draw(st.booleans()):
        parts.append(Text(draw(words)))
    calls = draw(tool_calls())
    finishes = [Finish.TOOL_CALLS] if calls else [Finish.STOP, Finish.LENGTH]
    return Answer(
        id="answer_1",
        model="model-1",
        created=1700000000,
        parts=(*parts, *calls),
        finish=draw(st.sampled_from(finishes)),
        usage=draw(usages),
    )


def cut(draw: st.DrawFn, text: str) -> list[str]:
    bounds = sorted({0, len(text), *draw(st.lists(st.integers(0, len(text)), max_size=3))})
    return [text[start:stop] for start, stop in pairwise(bounds)]


@st.composite
def told(draw: st.DrawFn, answer: Answer, *, interleaved: bool = False) -> list[Delta]:
    """The answer as deltas, cut at random; with `interleaved`, its tool calls all at once."""
    deltas: list[Delta] = [Started(answer.id, answer.model, created=answer.created)]
    calls: list[list[Delta]] = []
    for part in answer.parts:
        match part:
            case Text(text):
                deltas += [TextDelta(piece) for piece in cut(draw, text)]
            case Thinking(text, signature, redacted):
                deltas += [ThinkingDelta(piece) for piece in cut(draw, text)]
                if signature or redacted:
                    deltas.append(ThinkingDelta(signature=signature, redacted=redacted))
            case ToolCall(id, name, text):
                index = len(calls)
                pieces = [ToolCallDelta(index, piece) for piece in cut(draw, text)]
                calls.append([ToolCallStarted(index, id, name), *pieces])
    deltas += draw(interleaving(calls)) if interleaved else [delta for call in calls for delta in call]
    deltas.append(Finished(answer.finish, answer.stop_sequence))
    if answer.usage is not None:
        deltas.append(UsageReported(answer.usage))
    return [*deltas, Ended()]


@st.composite
def interleaving(draw: st.DrawFn, calls: list[list[Delta]]) -> list[Delta]:
    """The calls' deltas in any order that keeps each call's own, and starts them in theirs."""
    queues = [list(call) for call in calls]
    deltas = []
    started = 0
    while any(queues):
        ready = [n for n, queue in enumerate(queues) if queue and n <= started]
        chosen = draw(st.sampled_from(ready))
        started = max(started, chosen + 1)
        deltas.append(queues[chosen].pop(0))
    return deltas


logprobs = st.lists(
    st.builds(
        TokenLogprob,
        token=words,
        logprob=st.floats(-20, 0),
        top=st.lists(st.tuples(words, st.floats(-20, 0)), max_size=2).map(tuple),
    ),
    max_size=3,
).map(tuple)
