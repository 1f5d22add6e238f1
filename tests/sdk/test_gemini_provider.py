"""What only a provider of Gemini's dialect does, as the official OpenAI and Anthropic SDKs see it."""

from __future__ import annotations

import json
from typing import Any

import openai
import pytest

from tests.sdk.conftest import Sides
from tests.sdk.test_openai_caller import CLOCK, WEATHER, ask
from turnout.testing import HEALTHY_TEXT, THINKING_TEXT

STREAMS = pytest.mark.parametrize("stream", [False, True], ids=["whole", "streamed"])


@STREAMS
def test_the_path_names_the_model_and_the_key_is_in_a_header(sides: Sides, *, stream: bool) -> None:
    answer = sides.openai().chat.completions.create(model="of-gemini", messages=ask("Hi"), stream=stream)
    if stream:
        list(answer)
    seen = sides.provider.requests[-1]
    method = "streamGenerateContent" if stream else "generateContent"
    assert seen.path == f"/v1beta/models/gemini-3-flash-preview:{method}"
    assert seen.headers["x-goog-api-key"] == "provider-key"
    assert "authorization" not in seen.headers
    assert not {"model", "stream"} & seen.body.keys()


@pytest.mark.parametrize(
    "model", ["gemini/x-1", "gemini/../../admin", "gemini/a?key=b#c", "gemini/é ü:generateContent"]
)
@STREAMS
def test_a_callers_own_model_stays_within_its_place_in_the_path(sides: Sides, model: str, *, stream: bool) -> None:
    answer: Any = sides.openai().chat.completions.create(model=model, messages=ask("Hi"), stream=stream)
    said = [chunk.choices[0].delta.content or "" for chunk in answer] if stream else [answer.choices[0].message.content]
    assert "".join(said) == HEALTHY_TEXT
    method = "streamGenerateContent" if stream else "generateContent"
    path = sides.provider.requests[-1].path
    assert path.startswith("/v1beta/models/gemini%2F")
    assert path.endswith(f":{method}")
    assert path.count("/") == 3


@STREAMS
def test_thoughts_are_asked_for_and_shown_to_either_caller(sides: Sides, *, stream: bool) -> None:
    request: Any = {"model": "of-gemini", "messages": ask("Think")}
    if stream:
        chunks = list(sides.openai().chat.completions.create(**request, reasoning_effort="high", stream=True))
        deltas = [chunk.choices[0].delta for chunk in chunks]
        shown = "".join((delta.model_extra or {}).get("reasoning_content") or "" for delta in deltas)
    else:
        message = sides.openai().chat.completions.create(**request, reasoning_effort="high").choices[0].message
        shown = (message.model_extra or {})["reasoning_content"]
    assert shown == THINKING_TEXT
    assert sides.provider.requests[-1].body["generationConfig"]["thinkingConfig"] == {
        "includeThoughts": True,
        "thinkingLevel": "HIGH",
    }
    request |= {"max_tokens": 20_000, "thinking": {"type": "enabled", "budget_tokens": 2_000}}
    if stream:
        with sides.anthropic().messages.stream(**request) as events:
            answer: Any = events.get_final_message()
    else:
        answer = sides.anthropic().messages.create(**request)
    assert [(block.type, getattr(block, block.type)) for block in answer.content] == [
        ("thinking", THINKING_TEXT),
        ("text", HEALTHY_TEXT),
    ]
    assert answer.usage.output_tokens_details.thinking_tokens == len(THINKING_TEXT.split())


@STREAMS
def test_log_probabilities_come_for_every_token(sides: Sides, *, stream: bool) -> None:
    request: Any = {"model": "of-gemini", "messages": ask("Go"), "logprobs": True, "top_logprobs": 2}
    if stream:
        chunks = list(sides.openai().chat.completions.create(**request, stream=True))
        told = [
            token
            for chunk in chunks
            for token in (chunk.choices[0].logprobs and chunk.choices[0].logprobs.content) or ()
        ]
    else:
        answer = sides.openai().chat.completions.create(**request)
        assert answer.choices[0].logprobs is not None
        told = answer.choices[0].logprobs.content or []
    assert "".join(token.token for token in told) == HEALTHY_TEXT
    assert all(len(token.top_logprobs) == 2 for token in told)


@STREAMS
def test_a_calls_signature_comes_back_with_its_result(sides: Sides, *, stream: bool) -> None:
    client = sides.openai()
    messages: Any = ask("Use both tools, please")
    request: Any = {"model": "of-gemini", "messages": messages, "tools": [WEATHER, CLOCK]}
    if stream:
        with client.chat.completions.stream(**request) as events:
            message: Any = events.get_final_completion().choices[0].message
    else:
        message = client.chat.completions.create(**request).choices[0].message
    messages.append({"role": "assistant", "tool_calls": [call.model_dump() for call in message.tool_calls]})
    messages += [{"role": "tool", "tool_call_id": call.id, "content": "sunny"} for call in message.tool_calls]
    client.chat.completions.create(**request)
    first, second = sides.provider.requests[-1].body["contents"][1]["parts"]
    assert first["thoughtSignature"] == message.tool_calls[0].extra_content["google"]["thought_signature"]
    assert "thoughtSignature" not in second


def test_json_of_any_form_is_an_object(sides: Sides) -> None:
    answer = sides.openai().chat.completions.create(
        model="of-gemini", messages=ask("Go"), response_format={"type": "json_object"}
    )
    assert isinstance(json.loads(answer.choices[0].message.content or ""), dict)


@pytest.mark.parametrize(
    ("field", "reason"),
    [
        ({"n": 2}, "lacks_many_choices"),
        ({"logit_bias": {"50256": -100}}, "lacks_logit_bias"),
        ({"tools": [WEATHER], "parallel_tool_calls": False}, "lacks_one_call"),
    ],
)
def test_what_the_dialect_cannot_say_is_refused_before_any_call(
    sides: Sides, field: dict[str, Any], reason: str
) -> None:
    with pytest.raises(openai.BadRequestError, match=reason):
        sides.openai().chat.completions.create(model="of-gemini", messages=ask("Go"), **field)
    assert not sides.provider.requests


def test_a_dead_key_that_google_calls_a_bad_request_is_not_the_callers_fault(sides: Sides) -> None:
    sides.provider.use("status(400, error=API_KEY_INVALID)")
    with pytest.raises(openai.InternalServerError):
        sides.openai().chat.completions.create(model="of-gemini", messages=ask("Hi"))


@pytest.mark.parametrize("fault", ["status(400)", "sse_error_at(0)"])
def test_googles_own_words_for_an_error_stay_out_of_the_callers_dialect(sides: Sides, fault: str) -> None:
    sides.provider.use(fault)
    with pytest.raises(openai.APIError) as caught:
        list(sides.openai().chat.completions.create(model="of-gemini", messages=ask("Hi"), stream=True))
    body: Any = caught.value.body
    assert set(body) == {"message", "type", "param", "code"}
    assert isinstance(body["code"], str)
