"""What a dialect can say, it says such that reading it gives the same again."""

from __future__ import annotations

import base64
from itertools import chain
from typing import Any

import msgspec
import pytest
from anthropic.types import Message as AnthropicMessage
from hypothesis import given
from hypothesis import strategies as st
from openai.types.chat import ChatCompletion
from openai.types.responses import Response

from turnout.types.chat import (
    Answer,
    Chat,
    Document,
    Finish,
    Image,
    Message,
    OutputFormat,
    Reasoning,
    Refusal,
    Text,
    Thinking,
    TokenLogprob,
    Tool,
    ToolCall,
    ToolChoice,
    ToolResult,
)
from turnout.types.dialect import DialectName
from turnout.types.usage import Usage
from turnout.wire.registry import DIALECTS, dialect

OPENAI, ANTHROPIC = dialect(DialectName.OPENAI_CHAT), dialect(DialectName.ANTHROPIC_MESSAGES)
RESPONSES = dialect(DialectName.OPENAI_RESPONSES)

WORD = st.text(st.characters(codec="utf-8", exclude_characters="\x00"), min_size=1, max_size=12)
IDS = st.from_regex(r"[a-zA-Z0-9_-]{1,12}", fullmatch=True)
DATA = st.binary(max_size=6).map(lambda raw: base64.b64encode(raw).decode())
ARGUMENTS = st.dictionaries(WORD, st.none() | st.booleans() | WORD, max_size=3).map(
    lambda told: msgspec.json.encode(told).decode()
)
SCHEMAS = st.dictionaries(WORD, st.just({"type": "string"}), max_size=2).map(
    lambda properties: {"type": "object", "properties": properties}
)
TEXTS = WORD.map(Text)
IMAGES = st.builds(Image, media_type=st.sampled_from(["image/png", "image/jpeg"]), data=DATA) | st.builds(
    Image, url=st.just("https://example.org/a.png")
)
PDFS = st.builds(Document, media_type=st.just("application/pdf"), data=DATA, name=WORD)
SAID = st.lists(TEXTS | IMAGES | PDFS, min_size=1, max_size=3).map(tuple)
CALLS = st.lists(st.builds(ToolCall, IDS, IDS, ARGUMENTS), min_size=1, max_size=2, unique_by=lambda call: call.id)


@st.composite
def turns(draw: st.DrawFn, *, thinking: st.SearchStrategy[list[Thinking]]) -> tuple[Message, ...]:
    """A conversation that begins and ends with what somebody asks, its calls answered."""
    told = [Message("user", draw(SAID))]
    for _ in range(draw(st.integers(0, 3))):
        parts: list[Any] = [*draw(thinking), draw(TEXTS)]
        if draw(st.booleans()):
            calls = draw(CALLS)
            told.append(Message("assistant", (*parts, *calls)))
            results = draw(st.lists(st.lists(TEXTS, max_size=2), min_size=len(calls), max_size=len(calls)))
            pairs = zip(calls, results, strict=True)
            told.append(Message("user", tuple(ToolResult(call.id, tuple(said)) for call, said in pairs)))
        else:
            told += [Message("assistant", tuple(parts)), Message("user", draw(SAID))]
    return tuple(told)


def chats(**own: st.SearchStrategy[Any]) -> st.SearchStrategy[Chat]:
    thinking = own.pop("thinking", st.just([]))
    tools = st.lists(st.builds(Tool, name=IDS, description=st.none() | WORD, schema=SCHEMAS), min_size=1, max_size=2)
    choice = st.builds(
        ToolChoice, mode=st.sampled_from(["auto", "required"]), parallel=st.none() | st.booleans()
    ) | st.builds(ToolChoice, mode=st.just("tool"), name=IDS)
    shared: dict[str, st.SearchStrategy[Any]] = {
        "messages": turns(thinking=thinking),
        "system": st.lists(TEXTS, max_size=2).map(tuple),
        "tools": tools.map(tuple),
        "tool_choice": st.none() | choice,
        "max_tokens": st.integers(1, 9000),
        "temperature": st.none() | st.floats(0, 1),
        "top_p": st.none() | st.floats(0, 1),
        "stop": st.lists(st.sampled_from(["END", "\n\nQ:", "x"]), max_size=4, unique=True).map(tuple),
        "user": st.none() | IDS,
        "stream": st.booleans(),
    }
    return st.builds(Chat, **(shared | own))


@given(
    chat=chats(
        seed=st.none() | st.integers(0, 99),
        presence_penalty=st.none() | st.floats(-2, 2),
        frequency_penalty=st.none() | st.floats(-2, 2),
        logit_bias=st.none() | st.dictionaries(IDS, st.integers(-100, 100), min_size=1, max_size=2),
        logprobs=st.booleans(),
        top_logprobs=st.none() | st.integers(1, 20),
        reasoning=st.none() | st.builds(Reasoning, effort=st.sampled_from(["minimal", "low", "medium", "high", "max"])),
        format=st.none()
        | st.just(OutputFormat(kind="json_object"))
        | st.builds(
            OutputFormat,
            kind=st.just("json_schema"),
            name=IDS,
            schema=SCHEMAS,
            strict=st.booleans(),
            description=st.none() | WORD,
        ),
    )
)
def test_an_openai_request_says_what_the_chat_says(chat: Chat) -> None:
    body = OPENAI.encode_request(chat, "gpt-4o", ask_usage=True)
    again = OPENAI.decode_request(msgspec.json.decode(msgspec.json.encode(body)))
    forced = ["tool_choice"] if chat.tool_choice is not None and chat.tool_choice.mode in ("tool", "required") else []
    cooled = ["temperature"] if chat.temperature not in (None, 1) else []
    foreign = tuple(cooled + forced) if chat.reasoning is not None else ()
    assert again == msgspec.structs.replace(chat, foreign=foreign)


@given(
    chat=chats(
        thinking=st.lists(st.builds(Thinking, WORD, signature=IDS) | st.builds(Thinking, redacted=IDS), max_size=2),
        top_k=st.none() | st.integers(1, 50),
        reasoning=st.none()
        | st.just(Reasoning(enabled=False))
        | st.builds(Reasoning, budget_tokens=st.integers(1024, 9000))
        | st.builds(Reasoning, adaptive=st.just(True), effort=st.none() | st.sampled_from(["low", "high", "max"])),
        format=st.none() | st.builds(OutputFormat, kind=st.just("json_schema"), schema=SCHEMAS),
    )
)
def test_an_anthropic_request_says_what_the_chat_says(chat: Chat) -> None:
    body = ANTHROPIC.encode_request(chat, "claude-opus-5", ask_usage=True)
    assert ANTHROPIC.decode_request(msgspec.json.decode(msgspec.json.encode(body))) == chat


@given(
    chat=chats(
        stop=st.just(()),
        reasoning=st.none() | st.builds(Reasoning, effort=st.sampled_from(["minimal", "low", "medium", "high", "max"])),
        format=st.none()
        | st.just(OutputFormat(kind="json_object"))
        | st.builds(
            OutputFormat,
            kind=st.just("json_schema"),
            name=IDS,
            schema=SCHEMAS,
            strict=st.booleans(),
            description=st.none() | WORD,
        ),
        top_logprobs=st.none() | st.integers(1, 20),
    ),
    logprobs=st.booleans(),
)
def test_a_responses_request_says_what_the_chat_says(chat: Chat, logprobs: bool) -> None:
    chat = msgspec.structs.replace(chat, logprobs=logprobs or chat.top_logprobs is not None)
    body = RESPONSES.encode_request(chat, "gpt-5", ask_usage=True)
    again = RESPONSES.decode_request(msgspec.json.decode(msgspec.json.encode(body)))
    forced = ["tool_choice"] if chat.tool_choice is not None and chat.tool_choice.mode in ("tool", "required") else []
    cooled = ["temperature"] if chat.temperature not in (None, 1) else []
    foreign = tuple(cooled + forced) if chat.reasoning is not None else ()
    assert again == msgspec.structs.replace(chat, foreign=foreign)


@given(chat=chats())
def test_a_chat_that_both_can_say_survives_both(chat: Chat) -> None:
    first = ANTHROPIC.decode_request(ANTHROPIC.encode_request(chat, "claude-opus-5", ask_usage=True))
    assert OPENAI.decode_request(OPENAI.encode_request(first, "gpt-4o", ask_usage=True)) == chat


@given(chat=chats(stop=st.just(())))
def test_a_chat_that_all_can_say_survives_all(chat: Chat) -> None:
    first = ANTHROPIC.decode_request(ANTHROPIC.encode_request(chat, "claude-opus-5", ask_usage=True))
    second = RESPONSES.decode_request(RESPONSES.encode_request(first, "gpt-5", ask_usage=True))
    assert OPENAI.decode_request(OPENAI.encode_request(second, "gpt-4o", ask_usage=True)) == chat


TOOL_USE = st.builds(ToolCall, IDS, IDS, ARGUMENTS)
USAGES = st.builds(
    lambda fresh, read, written, visible, thought: Usage(
        fresh + read + written, read, written, visible + thought, thought
    ),
    *[st.integers(0, 10**6)] * 5,
)


def answers(*parts: st.SearchStrategy[Any], finish: list[Finish], **own: st.SearchStrategy[Any]) -> Any:
    """Answers with these parts in this order, calls last: they decide the finish."""
    said: st.SearchStrategy[list[Any]] = st.tuples(*[st.lists(part, max_size=1) for part in parts]).map(
        lambda told: list(chain.from_iterable(told))
    )
    body = st.one_of(
        st.tuples(said, st.sampled_from(finish)),
        st.tuples(
            st.tuples(said, st.lists(TOOL_USE, min_size=1, max_size=2)).map(lambda both: both[0] + both[1]),
            st.just(Finish.TOOL_CALLS),
        ),
    )
    return st.tuples(body, st.fixed_dictionaries({"id": IDS, "model": IDS, **own})).map(
        lambda drawn: Answer(parts=tuple(drawn[0][0]), finish=drawn[0][1], **drawn[1])
    )


LOGPROB = st.floats(-20, 0)
OPENAI_LOGPROBS = st.lists(
    st.builds(TokenLogprob, WORD, LOGPROB, st.lists(st.tuples(WORD, LOGPROB), max_size=2).map(tuple)), max_size=2
).map(tuple)
OPENAI_ANSWERS = answers(
    st.builds(Thinking, WORD, signature=st.none() | IDS),
    TEXTS,
    WORD.map(Refusal),
    finish=[Finish.STOP, Finish.LENGTH, Finish.CONTENT_FILTER],
    usage=st.none() | USAGES,
    created=st.integers(1, 2**31),
    logprobs=OPENAI_LOGPROBS,
)
ANTHROPIC_ANSWERS = answers(
    st.builds(Thinking, WORD, signature=IDS),
    st.builds(Thinking, redacted=IDS),
    TEXTS,
    finish=[Finish.STOP, Finish.STOP_SEQUENCE, Finish.LENGTH, Finish.REFUSAL, Finish.PAUSE, Finish.CONTEXT_FULL],
    usage=USAGES,
    stop_sequence=st.none() | WORD,
)


RESPONSES_ANSWERS = answers(
    st.builds(Thinking, WORD, signature=st.none() | IDS),
    st.builds(Thinking, redacted=IDS),
    TEXTS,
    WORD.map(Refusal),
    finish=[Finish.STOP, Finish.LENGTH, Finish.CONTENT_FILTER],
    usage=st.none() | USAGES,
    created=st.integers(1, 2**31),
)


@given(answer=RESPONSES_ANSWERS)
def test_a_responses_answer_says_what_the_answer_says(answer: Answer) -> None:
    assert RESPONSES.decode_answer(RESPONSES.encode_answer(answer, {})) == answer


@given(told=OPENAI_LOGPROBS)
def test_the_log_probabilities_of_a_response_are_those_of_the_answer(told: tuple[TokenLogprob, ...]) -> None:
    answer = Answer(id="a", model="m", parts=(Text("Hi"),), finish=Finish.STOP, usage=None, created=1, logprobs=told)
    assert RESPONSES.decode_answer(RESPONSES.encode_answer(answer, {})) == answer


@given(answer=OPENAI_ANSWERS)
def test_an_openai_answer_says_what_the_answer_says(answer: Answer) -> None:
    assert OPENAI.decode_answer(OPENAI.encode_answer(answer)) == answer


@given(answer=ANTHROPIC_ANSWERS)
def test_an_anthropic_answer_says_what_the_answer_says(answer: Answer) -> None:
    assert ANTHROPIC.decode_answer(ANTHROPIC.encode_answer(answer)) == answer


ASKED = """{"instructions": "S", "metadata": {"a": "b"}, "temperature": 0.5, "parallel_tool_calls": false,
"tools": [{"type": "function", "name": "f", "parameters": {"type": "object"}, "strict": true}],
"tool_choice": {"type": "function", "name": "f"}, "reasoning": {"effort": "low"}, "max_output_tokens": 9,
"text": {"format": {"type": "json_schema", "name": "n", "schema": {"type": "object"}}}, "truncation": null}"""
ANY_ANSWER = (
    OPENAI_ANSWERS
    | RESPONSES_ANSWERS
    | ANTHROPIC_ANSWERS
    | st.sampled_from(Finish).map(
        lambda finish: Answer(id="a", model="m", parts=(Text("Hi"),), finish=finish, usage=None)
    )
)


@given(answer=ANY_ANSWER)
def test_the_openai_sdk_takes_every_answer_strictly(answer: Answer) -> None:
    body = msgspec.json.decode(msgspec.json.encode(OPENAI.encode_answer(answer)))
    told = ChatCompletion.model_validate(body, strict=True)
    assert told.choices[0].message.content == (answer.text or None)


@given(answer=ANY_ANSWER, asked=st.sampled_from(["{}", ASKED]).map(msgspec.json.decode))
def test_the_openai_sdk_takes_every_response_strictly(answer: Answer, asked: dict[str, Any]) -> None:
    body = msgspec.json.decode(msgspec.json.encode(RESPONSES.encode_answer(answer, asked)))
    told = Response.model_validate(body, strict=True)
    assert told.output_text == answer.text


@given(answer=ANY_ANSWER)
def test_the_anthropic_sdk_takes_every_answer_strictly(answer: Answer) -> None:
    body = msgspec.json.decode(msgspec.json.encode(ANTHROPIC.encode_answer(answer)))
    told = AnthropicMessage.model_validate(body, strict=True)
    assert told.stop_reason is not None


@pytest.mark.parametrize("name", DIALECTS)
@given(answer=ANY_ANSWER)
def test_the_facts_of_an_answer_are_those_of_its_decoded_form(name: DialectName, answer: Answer) -> None:
    spoken = dialect(name)
    body = spoken.encode_answer(answer)
    facts, decoded = spoken.read_answer(msgspec.json.encode(body)), spoken.decode_answer(body)
    assert (facts.usage, facts.model) == (decoded.usage, decoded.model)
    assert facts.finish == decoded.finish
    assert facts.output_chars >= len(decoded.text)
