"""What a request asks for that not every target has."""

from __future__ import annotations

from typing import Any

import pytest

from tests.wire.asking import ANTHROPIC, HI, OPENAI, RESPONSES, TOOL, TOOL_BLOCK, TOOL_FLAT
from turnout.errors import InvalidRequest
from turnout.types.dialect import Need


def shown(value: Any) -> str:
    """A parameter in a test's id: a set in an order that does not change between processes."""
    return str(sorted(value) if isinstance(value, set) else value)[:60]


PNG = {"type": "image_url", "image_url": {"url": "data:image/png;base64,AA=="}}
NEEDS_OF_OPENAI: list[tuple[dict[str, Any], set[str]]] = [
    ({}, set()),
    ({"temperature": 1}, set()),
    ({"temperature": 1.5}, {Need.HIGH_TEMPERATURE}),
    ({"n": 1}, set()),
    ({"n": 2}, {Need.MANY_CHOICES}),
    ({"seed": 0}, {Need.SEED}),
    ({"presence_penalty": 0}, set()),
    ({"presence_penalty": 0.1}, {Need.PENALTIES}),
    ({"frequency_penalty": -1}, {Need.PENALTIES}),
    ({"logit_bias": {}}, set()),
    ({"logit_bias": {"50256": -100}}, {Need.LOGIT_BIAS}),
    ({"logprobs": False}, set()),
    ({"logprobs": True, "top_logprobs": 3}, {Need.LOGPROBS}),
    ({"stop": []}, set()),
    ({"stop": "END"}, {Need.STOP}),
    ({"stop": "\n"}, {Need.STOP, "field:stop"}),
    ({"stop": ["END", "\n\n"]}, {Need.STOP, "field:stop"}),
    ({"tools": []}, set()),
    ({"tools": [TOOL]}, {Need.TOOLS}),
    ({"tools": [{"type": "custom", "custom": {"name": "x"}}]}, {Need.TOOLS, "field:tools"}),
    ({"tool_choice": {"type": "allowed_tools", "allowed_tools": {}}}, {"field:tool_choice"}),
    ({"parallel_tool_calls": True}, set()),
    ({"parallel_tool_calls": False}, {Need.ONE_CALL}),
    ({"reasoning_effort": "low"}, {Need.REASONING}),
    ({"reasoning_effort": "none"}, set()),
    ({"reasoning_effort": "low", "temperature": 1}, {Need.REASONING}),
    ({"reasoning_effort": "low", "temperature": 0}, {Need.REASONING, "field:temperature"}),
    ({"reasoning_effort": "low", "tool_choice": "required"}, {Need.REASONING, "field:tool_choice"}),
    ({"response_format": {"type": "text"}}, set()),
    ({"response_format": {"type": "json_object"}}, {Need.JSON_OBJECT}),
    ({"response_format": {"type": "json_schema", "json_schema": {"name": "x"}}}, {Need.JSON_SCHEMA}),
    ({"response_format": {"type": "grammar"}}, {"field:response_format"}),
    ({"modalities": ["text"]}, set()),
    ({"modalities": ["text", "audio"], "audio": {"voice": "ash", "format": "wav"}}, {Need.AUDIO}),
    ({"store": True}, {"field:store"}),
    ({"service_tier": "flex"}, {"field:service_tier"}),
    ({"verbosity": "low"}, {"field:verbosity"}),
    ({"web_search_options": {}}, {"field:web_search_options"}),
    ({"functions": [], "function_call": "auto"}, {"field:functions", "field:function_call"}),
    ({"top_k": 5}, {"field:top_k"}),
    ({"never_heard_of": 1}, {"field:never_heard_of"}),
    ({"messages": [{"role": "user", "content": [PNG]}]}, {Need.IMAGES}),
    (
        {"messages": [{"role": "user", "content": [{"type": "image_url", "image_url": {"url": "https://x.org/a"}}]}]},
        {Need.IMAGES, Need.IMAGE_URLS},
    ),
    ({"messages": [{"role": "user", "content": [{"type": "input_audio", "input_audio": {}}]}]}, {Need.AUDIO}),
    (
        {"messages": [{"role": "user", "content": [{"type": "file", "file": {"file_id": "f"}}]}]},
        {Need.DOCUMENTS, "field:file_id"},
    ),
    ({"messages": [{"role": "user", "content": [{"type": "video_url", "video_url": {}}]}]}, {"field:video_url"}),
    ({"messages": [{"role": "user", "content": "Hi", "name": "ann"}]}, {"field:name"}),
    ({"messages": [*HI, {"role": "assistant", "content": "Hello"}]}, {"field:last_message"}),
    ({"messages": [{"role": "assistant", "content": "Hello"}, *HI]}, {"field:first_message"}),
    ({"messages": [{"role": "system", "content": "S"}]}, {"field:first_message", "field:last_message"}),
    ({"messages": [{"role": "function", "name": "f", "content": "1"}, *HI]}, {"field:role", "field:name"}),
]


@pytest.mark.parametrize(("body", "needs"), NEEDS_OF_OPENAI, ids=shown)
def test_what_an_openai_request_needs(body: dict[str, Any], needs: set[str]) -> None:
    assert OPENAI.outline({"model": "m", "messages": HI, **body}).needs == needs


DOCUMENT = {"type": "document", "source": {"type": "base64", "media_type": "application/pdf", "data": "AA=="}}
NEEDS_OF_ANTHROPIC: list[tuple[dict[str, Any], set[str]]] = [
    ({}, set()),
    ({"top_k": 5}, {Need.TOP_K}),
    ({"stop_sequences": []}, set()),
    ({"stop_sequences": ["a", "b", "c", "d"]}, {Need.STOP}),
    ({"stop_sequences": ["a", "b", "c", "d", "e"]}, {Need.STOP, "field:stop_sequences"}),
    ({"tools": [TOOL_BLOCK]}, {Need.TOOLS}),
    ({"tools": [{"type": "web_search_20250305", "name": "web_search"}]}, {Need.TOOLS, Need.SERVER_TOOLS}),
    ({"tools": [{**TOOL_BLOCK, "name": "n" * 65}]}, {Need.TOOLS, "field:tools.name"}),
    ({"tools": [{**TOOL_BLOCK, "defer_loading": True}]}, {Need.TOOLS, "field:tools.defer_loading"}),
    ({"tool_choice": {"disable_parallel_tool_use": True, "type": "auto"}}, {Need.ONE_CALL}),
    ({"tool_choice": {"disable_parallel_tool_use": False, "type": "any"}}, set()),
    ({"thinking": {"type": "disabled"}}, set()),
    ({"thinking": {"type": "adaptive", "display": "omitted"}}, {Need.REASONING}),
    ({"thinking": {"type": "between_tools"}}, {Need.REASONING, "field:thinking"}),
    ({"output_config": {"effort": "low"}}, {Need.REASONING}),
    ({"output_config": {"task_budget": {}}}, {"field:output_config.task_budget"}),
    ({"output_config": {"format": {"type": "json_schema", "schema": {}}}}, {Need.JSON_SCHEMA}),
    ({"metadata": {"user_id": "u"}}, set()),
    ({"metadata": {"other": "u"}}, {"field:metadata.other"}),
    ({"service_tier": "standard_only", "cache_control": {"type": "ephemeral"}, "speed": "standard"}, set()),
    ({"speed": "fast"}, {"field:speed"}),
    ({"container": "c"}, {"field:container"}),
    ({"mcp_servers": [{}]}, {"field:mcp_servers"}),
    ({"messages": [*HI, {"role": "assistant", "content": "The answer is ("}]}, {"field:last_message"}),
    ({"messages": [{"role": "user", "content": [DOCUMENT]}]}, {Need.DOCUMENTS}),
    (
        {"messages": [{"role": "user", "content": [{**DOCUMENT, "citations": {"enabled": True}}]}]},
        {Need.DOCUMENTS, "field:citations"},
    ),
    (
        {
            "messages": [
                {
                    "role": "user",
                    "content": [{"type": "document", "source": {"type": "url", "url": "https://x.org/a.pdf"}}],
                }
            ]
        },
        {Need.DOCUMENTS, "field:document.source"},
    ),
    (
        {"messages": [{"role": "user", "content": [{"type": "image", "source": {"type": "file", "file_id": "f"}}]}]},
        {Need.IMAGES, "field:file_id"},
    ),
    ({"messages": [{"role": "user", "content": [{"type": "search_result"}]}]}, {"field:search_result"}),
    (
        {"messages": [*HI, {"role": "assistant", "content": [{"type": "server_tool_use"}]}, *HI]},
        {Need.SERVER_TOOLS},
    ),
]


@pytest.mark.parametrize(("body", "needs"), NEEDS_OF_ANTHROPIC, ids=shown)
def test_what_an_anthropic_request_needs(body: dict[str, Any], needs: set[str]) -> None:
    assert ANTHROPIC.outline({"model": "m", "max_tokens": 10, "messages": HI, **body}).needs == needs


CALL = {"type": "function_call", "call_id": "c", "name": "f", "arguments": "{}"}


def asked(part: dict[str, Any]) -> dict[str, Any]:
    return {"input": [{"role": "user", "content": [part]}]}


NEEDS_OF_RESPONSES: list[tuple[dict[str, Any], set[str]]] = [
    ({}, set()),
    ({"instructions": "S", "user": "u", "safety_identifier": "u", "max_output_tokens": 9, "top_p": 1}, set()),
    ({"temperature": 1}, set()),
    ({"temperature": 1.5}, {Need.HIGH_TEMPERATURE}),
    ({"tools": [TOOL_FLAT]}, {Need.TOOLS}),
    ({"tools": [{**TOOL_FLAT, "defer_loading": True}]}, {Need.TOOLS, "field:tools.defer_loading"}),
    ({"tools": [{"type": "custom", "name": "x"}]}, {Need.TOOLS, "field:tools"}),
    ({"tools": [{"type": "web_search"}]}, {Need.TOOLS, Need.SERVER_TOOLS}),
    ({"tools": [{"type": "mcp", "server_label": "x"}, TOOL_FLAT]}, {Need.TOOLS, Need.SERVER_TOOLS}),
    ({"tool_choice": "required", "parallel_tool_calls": False}, set()),
    ({"tool_choice": {"type": "function", "name": "f"}}, set()),
    ({"tool_choice": {"type": "web_search_preview"}}, {"field:tool_choice"}),
    ({"tool_choice": {"type": "allowed_tools", "mode": "auto", "tools": []}}, {"field:tool_choice"}),
    ({"text": {"format": {"type": "text"}, "verbosity": "medium"}}, set()),
    ({"text": {"format": {"type": "json_object"}}}, {Need.JSON_OBJECT}),
    ({"text": {"format": {"type": "json_schema", "name": "x", "schema": {}}}}, {Need.JSON_SCHEMA}),
    ({"text": {"format": {"type": "grammar"}, "verbosity": "low"}}, {"field:text.format", "field:text.verbosity"}),
    ({"reasoning": {"effort": "low", "summary": "auto"}}, {Need.REASONING}),
    ({"reasoning": {"effort": "none"}}, set()),
    ({"reasoning": {"summary": "detailed", "context": "auto", "mode": "standard"}}, set()),
    ({"reasoning": {"context": "all_turns", "mode": "pro"}}, {"field:reasoning.context", "field:reasoning.mode"}),
    ({"reasoning": {"effort": "low"}, "temperature": 0}, {Need.REASONING, "field:temperature"}),
    ({"reasoning": {"effort": "low"}, "tool_choice": "required"}, {Need.REASONING, "field:tool_choice"}),
    ({"include": ["reasoning.encrypted_content"]}, set()),
    ({"include": ["message.output_text.logprobs"], "top_logprobs": 2}, {Need.LOGPROBS}),
    ({"include": ["file_search_call.results"]}, {"field:include"}),
    ({"top_logprobs": 0}, set()),
    ({"store": False, "background": False, "truncation": "disabled", "service_tier": "auto"}, set()),
    ({"metadata": {"a": "b"}, "prompt_cache_key": "k", "max_tool_calls": 3}, set()),
    ({"store": True}, {"field:store"}),
    ({"truncation": "auto"}, {"field:truncation"}),
    ({"service_tier": "flex"}, {"field:service_tier"}),
    ({"previous_response_id": "resp_1"}, {"field:previous_response_id"}),
    ({"conversation": "conv_1", "prompt": {"id": "p"}}, {"field:conversation", "field:prompt"}),
    ({"stop": ["x"], "seed": 1}, {"field:stop", "field:seed"}),
    ({"never_heard_of": 1}, {"field:never_heard_of"}),
    ({"input": None}, {"field:first_message", "field:last_message"}),
    ({"input": []}, {"field:first_message", "field:last_message"}),
    ({"input": [{"role": "user", "content": "Hi"}, {"role": "assistant", "content": "Hello"}]}, {"field:last_message"}),
    ({"input": [CALL, {"type": "function_call_output", "call_id": "c", "output": "4"}]}, {"field:first_message"}),
    ({"input": [{"type": "function_call_output", "call_id": "c", "output": "4"}]}, set()),
    (
        {"input": [*HI, {**CALL, "namespace": "n", "caller": {"type": "program"}}, *HI]},
        {"field:namespace", "field:caller"},
    ),
    ({"input": [*HI, {"type": "reasoning", "id": "r", "summary": []}, CALL, *HI]}, set()),
    ({"input": [*HI, {"type": "item_reference", "id": "msg_1"}, *HI]}, {"field:item_reference"}),
    ({"input": [*HI, {"type": "web_search_call", "id": "ws_1"}, *HI]}, {"field:web_search_call"}),
    (asked({"type": "input_image", "image_url": "data:image/png;base64,AA=="}), {Need.IMAGES}),
    (asked({"type": "input_image", "image_url": "https://x.org/a"}), {Need.IMAGES, Need.IMAGE_URLS}),
    (asked({"type": "input_image", "file_id": "f"}), {Need.IMAGES, "field:file_id"}),
    (asked({"type": "input_file", "file_data": "data:application/pdf;base64,AA=="}), {Need.DOCUMENTS}),
    (asked({"type": "input_file", "file_data": "data:video/mp4;base64,AA=="}), {Need.DOCUMENTS, "field:file"}),
    (asked({"type": "input_file", "file_url": "https://x.org/a"}), {Need.DOCUMENTS, "field:file_url"}),
    (asked({"type": "input_file", "file_id": "f"}), {Need.DOCUMENTS, "field:file_id"}),
    (asked({"type": "input_audio", "input_audio": {}}), {Need.AUDIO}),
    (asked({"type": "input_video"}), {"field:input_video"}),
]


@pytest.mark.parametrize(
    ("body", "needs"),
    NEEDS_OF_RESPONSES,
    ids=lambda value: str(sorted(value) if isinstance(value, set) else value)[:60],
)
def test_what_a_responses_request_needs(body: dict[str, Any], needs: set[str]) -> None:
    assert RESPONSES.outline({"model": "m", "input": "Hi", **body}).needs == needs


def test_an_answer_that_would_have_to_be_fetched_later_is_refused() -> None:
    with pytest.raises(InvalidRequest, match="background"):
        RESPONSES.outline({"model": "m", "input": "Hi", "background": True})
