"""What a request asks for that not every target has."""

from __future__ import annotations

from typing import Any

import pytest

from tests.wire.asking import ANTHROPIC, HI, OPENAI, TOOL, TOOL_BLOCK
from turnout.types.dialect import Need


def shown(value: Any) -> str:
    """A parameter in a test's id: a set in an order that does not change between processes."""
    return str(sorted(value) if isinstance(value, set) else value)[:60]


PNG = {"type": "image_url", "image_url": {"url": "data:image/png;base64,AA=="}}
NEEDS_OF_OPENAI: list[tuple[dict[str, Any], set[str]]] = [
    ({}, set()),
    ({"temperature": 1}, set()),
    ({"temperature": 1.5}, {"field:temperature"}),
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
    ({"stop": "\n"}, {"field:stop"}),
    ({"stop": ["END", "\n\n"]}, {"field:stop"}),
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
    ({"stop_sequences": ["a", "b", "c", "d"]}, set()),
    ({"stop_sequences": ["a", "b", "c", "d", "e"]}, {"field:stop_sequences"}),
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
