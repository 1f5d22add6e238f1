"""Translated requests are what the official SDKs' own types allow."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import pytest
from anthropic.types.message_create_params import MessageCreateParamsNonStreaming
from openai.types.chat.completion_create_params import CompletionCreateParamsNonStreaming
from pydantic import TypeAdapter, ValidationError

from tests.wire.asking import HI
from tests.wire.test_requests_across import BOTH_WAYS, TO_ANTHROPIC, TO_OPENAI

TO_OPENAI_TYPES: TypeAdapter[Any] = TypeAdapter(CompletionCreateParamsNonStreaming)
TO_ANTHROPIC_TYPES: TypeAdapter[Any] = TypeAdapter(MessageCreateParamsNonStreaming)


def check(adapter: TypeAdapter[Any], body: dict[str, Any]) -> None:
    """Validate to the last item: lists are only looked at when they are walked."""
    waiting = [adapter.validate_python({"model": "m", "max_tokens": 1, **body, "stream": False})]
    while waiting:
        value = waiting.pop()
        if isinstance(value, dict):
            waiting += value.values()
        elif isinstance(value, Iterable) and not isinstance(value, str):
            waiting += value


@pytest.mark.parametrize("bodies", [*BOTH_WAYS.values(), *TO_ANTHROPIC.values()], ids=[*BOTH_WAYS, *TO_ANTHROPIC])
def test_a_request_for_anthropic(bodies: tuple[dict[str, Any], dict[str, Any]]) -> None:
    check(TO_ANTHROPIC_TYPES, bodies[1])


OPENAI_BODIES = {name: openai for name, (openai, _) in BOTH_WAYS.items()} | {
    f"{name} (from anthropic)": openai for name, (_, openai) in TO_OPENAI.items()
}


@pytest.mark.parametrize("body", OPENAI_BODIES.values(), ids=OPENAI_BODIES)
def test_a_request_for_openai(body: dict[str, Any]) -> None:
    check(TO_OPENAI_TYPES, body)


def test_the_types_would_find_a_wrong_block() -> None:
    wrong = [*HI, {"role": "user", "content": [{"type": "tool_result"}]}]
    for adapter in (TO_ANTHROPIC_TYPES, TO_OPENAI_TYPES):
        with pytest.raises(ValidationError):
            check(adapter, {"messages": wrong})
