"""What is sent to Gemini, and what stands for its answers in these tests, is what Google's own SDK's types allow."""

from __future__ import annotations

from typing import Any

import pytest
from google.genai import types
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from tests.wire.asking import HI
from tests.wire.gemini.speaking import from_anthropic, from_openai
from tests.wire.gemini.test_request import BUDGETS, FROM_ANTHROPIC, FROM_OPENAI, THINKING, history
from tests.wire.gemini.test_stream import answers
from tests.wire.test_round_trips import SCHEMAS, chats
from turnout.types.chat import Chat, OutputFormat, Reasoning
from turnout.wire.gemini.finish import BROKEN, FINISH
from turnout.wire.gemini.request import encode_request

FIELDS: dict[str, Any] = {
    "contents": types.Content,
    "systemInstruction": types.Content,
    "tools": types.Tool,
    "toolConfig": types.ToolConfig,
    "generationConfig": types.GenerationConfig,
}


def check(body: dict[str, Any]) -> None:
    """Validate each field; the types forbid what they do not know."""
    for field, value in body.items():
        for each in value if isinstance(value, list) else [value]:
            FIELDS[field].model_validate(each)


GOLDEN = {
    **{f"{name} (openai)": body for name, (_, body) in FROM_OPENAI.items()},
    **{f"{name} (anthropic)": body for name, (_, body) in FROM_ANTHROPIC.items()},
    "signed calls": from_openai(history("c2ln"), "gemini-3-flash-preview"),
    "unsigned calls": from_openai(history(None), "gemini-3-flash-preview"),
}


@pytest.mark.parametrize("body", GOLDEN.values(), ids=GOLDEN)
def test_a_request(body: dict[str, Any]) -> None:
    check(body)


def test_every_way_of_thinking() -> None:
    for asked, model, _ in THINKING:
        check(from_openai({"messages": HI, **asked}, model))
    for thinking, model, _ in BUDGETS:
        check(from_anthropic({"messages": HI, "thinking": thinking, "max_tokens": 64_000}, model))


MODELS = st.sampled_from(["gemini-2.0-flash", "gemini-2.5-pro", "gemini-2.5-flash", "gemini-3-pro", "gemini-3-flash"])
EFFORTS = st.builds(Reasoning, effort=st.sampled_from(["minimal", "low", "medium", "high", "xhigh", "max"]))
BUDGETED = st.builds(Reasoning, budget_tokens=st.integers(1, 99_999) | st.none(), enabled=st.booleans())
FORMS = st.just(OutputFormat(kind="json_object")) | st.builds(OutputFormat, kind=st.just("json_schema"), schema=SCHEMAS)


@given(
    chat=chats(
        top_k=st.none() | st.integers(1, 50),
        seed=st.none() | st.integers(0, 99),
        presence_penalty=st.none() | st.floats(-2, 2),
        frequency_penalty=st.none() | st.floats(-2, 2),
        logprobs=st.booleans(),
        top_logprobs=st.none() | st.integers(0, 20),
        reasoning=st.none() | EFFORTS | BUDGETED,
        format=st.none() | FORMS,
    ),
    model=MODELS,
)
def test_any_request(chat: Chat, model: str) -> None:
    check(encode_request(chat, model, ask_usage=True))


def test_the_types_would_find_a_wrong_field() -> None:
    for wrong in ({"contents": [{"role": "user", "parts": [{"txt": "x"}]}]}, {"generationConfig": {"max_tokens_": 1}}):
        with pytest.raises(ValidationError):
            check(wrong)


@given(body=answers())
def test_an_answer(body: dict[str, Any]) -> None:
    types.GenerateContentResponse.model_validate(body)


def test_every_finish_reason_of_the_sdk_has_a_meaning() -> None:
    of_images = {"IMAGE_OTHER", "NO_IMAGE"}  # which nobody can ask for
    told = {reason.name for reason in types.FinishReason} - {"FINISH_REASON_UNSPECIFIED"} - of_images
    assert told == set(FINISH) | BROKEN
