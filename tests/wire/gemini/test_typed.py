"""What is sent to Gemini, and what stands for its answers in these tests, is what Google's own SDK's types allow."""

from __future__ import annotations

from typing import Any

import pytest
from google.genai import types
from hypothesis import given
from pydantic import ValidationError

from tests.wire.asking import HI
from tests.wire.gemini.speaking import from_anthropic, from_openai
from tests.wire.gemini.test_request import BUDGETS, FROM_ANTHROPIC, FROM_OPENAI, THINKING, history
from tests.wire.gemini.test_stream import answers
from turnout.wire.gemini.finish import BROKEN, FINISH

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
