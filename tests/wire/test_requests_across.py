"""A request of one dialect, as a provider of the other gets it: golden pairs."""

from __future__ import annotations

from typing import Any

import pytest

from tests.wire.asking import (
    ANTHROPIC,
    HI,
    HI_BLOCKS,
    OPENAI,
    SCHEMA,
    TOOL,
    TOOL_BLOCK,
    call,
    to_anthropic,
    to_openai,
    use,
)

BOTH_WAYS: dict[str, tuple[dict[str, Any], dict[str, Any]]] = {
    "a system prompt": (
        {"messages": [{"role": "system", "content": "Be brief."}, *HI]},
        {"system": [{"type": "text", "text": "Be brief."}], "messages": HI_BLOCKS},
    ),
    "several turns": (
        {"messages": [*HI, {"role": "assistant", "content": "Hello"}, {"role": "user", "content": "Bye"}]},
        {
            "messages": [
                *HI_BLOCKS,
                {"role": "assistant", "content": [{"type": "text", "text": "Hello"}]},
                {"role": "user", "content": [{"type": "text", "text": "Bye"}]},
            ]
        },
    ),
    "sampling": (
        {"messages": HI, "temperature": 0.5, "top_p": 0.9, "stop": ["END", "\n\nQ"]},
        {"messages": HI_BLOCKS, "temperature": 0.5, "top_p": 0.9, "stop_sequences": ["END", "\n\nQ"]},
    ),
    "an image as data": (
        {
            "messages": [
                {
                    "role": "user",
                    "content": [
                        {"type": "text", "text": "What is it?"},
                        {"type": "image_url", "image_url": {"url": "data:image/png;base64,iVBORw=="}},
                    ],
                }
            ]
        },
        {
            "messages": [
                {
                    "role": "user",
                    "content": [
                        {"type": "text", "text": "What is it?"},
                        {
                            "type": "image",
                            "source": {"type": "base64", "media_type": "image/png", "data": "iVBORw=="},
                        },
                    ],
                }
            ]
        },
    ),
    "an image by address": (
        {
            "messages": [
                {"role": "user", "content": [{"type": "image_url", "image_url": {"url": "https://example.org/a.png"}}]}
            ]
        },
        {
            "messages": [
                {
                    "role": "user",
                    "content": [{"type": "image", "source": {"type": "url", "url": "https://example.org/a.png"}}],
                }
            ]
        },
    ),
    "a PDF": (
        {
            "messages": [
                {
                    "role": "user",
                    "content": [
                        {
                            "type": "file",
                            "file": {"filename": "a.pdf", "file_data": "data:application/pdf;base64,JVBERi0="},
                        }
                    ],
                }
            ]
        },
        {
            "messages": [
                {
                    "role": "user",
                    "content": [
                        {
                            "type": "document",
                            "source": {"type": "base64", "media_type": "application/pdf", "data": "JVBERi0="},
                            "title": "a.pdf",
                        }
                    ],
                }
            ]
        },
    ),
    "tools": ({"messages": HI, "tools": [TOOL]}, {"messages": HI_BLOCKS, "tools": [TOOL_BLOCK]}),
    "a strict tool": (
        {"messages": HI, "tools": [{"type": "function", "function": {**TOOL["function"], "strict": True}}]},  # type: ignore[dict-item]
        {"messages": HI_BLOCKS, "tools": [{**TOOL_BLOCK, "strict": True}]},
    ),
    "any tool": (
        {"messages": HI, "tools": [TOOL], "tool_choice": "required"},
        {"messages": HI_BLOCKS, "tools": [TOOL_BLOCK], "tool_choice": {"type": "any"}},
    ),
    "no tool": (
        {"messages": HI, "tools": [TOOL], "tool_choice": "none"},
        {"messages": HI_BLOCKS, "tools": [TOOL_BLOCK], "tool_choice": {"type": "none"}},
    ),
    "this tool, and only one call": (
        {
            "messages": HI,
            "tools": [TOOL],
            "tool_choice": {"type": "function", "function": {"name": "weather"}},
            "parallel_tool_calls": False,
        },
        {
            "messages": HI_BLOCKS,
            "tools": [TOOL_BLOCK],
            "tool_choice": {"type": "tool", "name": "weather", "disable_parallel_tool_use": True},
        },
    ),
    "one call at a time": (
        {"messages": HI, "tools": [TOOL], "parallel_tool_calls": False},
        {
            "messages": HI_BLOCKS,
            "tools": [TOOL_BLOCK],
            "tool_choice": {"type": "auto", "disable_parallel_tool_use": True},
        },
    ),
    "parallel calls and their results": (
        {
            "messages": [
                *HI,
                {"role": "assistant", "content": "Looking", "tool_calls": [call("a"), call("b")]},
                {"role": "tool", "tool_call_id": "a", "content": "4 C"},
                {"role": "tool", "tool_call_id": "b", "content": "5 C"},
                {"role": "user", "content": "So?"},
            ]
        },
        {
            "messages": [
                *HI_BLOCKS,
                {"role": "assistant", "content": [{"type": "text", "text": "Looking"}, use("a"), use("b")]},
                {
                    "role": "user",
                    "content": [
                        {"type": "tool_result", "tool_use_id": "a", "content": [{"type": "text", "text": "4 C"}]},
                        {"type": "tool_result", "tool_use_id": "b", "content": [{"type": "text", "text": "5 C"}]},
                        {"type": "text", "text": "So?"},
                    ],
                },
            ]
        },
    ),
    "the end user": (
        {"messages": HI, "user": "u-7"},
        {"messages": HI_BLOCKS, "metadata": {"user_id": "u-7"}},
    ),
    "a system message within the conversation": (
        {
            "messages": [
                *HI,
                {"role": "assistant", "content": "Hello"},
                {"role": "user", "content": "Go on"},
                {"role": "system", "content": "In French."},
            ]
        },
        {
            "messages": [
                *HI_BLOCKS,
                {"role": "assistant", "content": [{"type": "text", "text": "Hello"}]},
                {"role": "user", "content": [{"type": "text", "text": "Go on"}]},
                {"role": "system", "content": [{"type": "text", "text": "In French."}]},
            ]
        },
    ),
}


@pytest.mark.parametrize(("openai", "anthropic"), BOTH_WAYS.values(), ids=BOTH_WAYS)
def test_openai_to_anthropic(openai: dict[str, Any], anthropic: dict[str, Any]) -> None:
    assert to_anthropic({**openai, "max_tokens": 10}) == {"model": "claude-opus-5", "max_tokens": 10, **anthropic}
    needs = OPENAI.outline({"model": "m", **openai}).needs
    assert not any(need in ANTHROPIC.lacks or need.startswith("field:") for need in needs)


@pytest.mark.parametrize(("openai", "anthropic"), BOTH_WAYS.values(), ids=BOTH_WAYS)
def test_anthropic_to_openai(openai: dict[str, Any], anthropic: dict[str, Any]) -> None:
    assert to_openai(anthropic) == {"model": "gpt-4o", "max_tokens": 10, **openai}
    needs = ANTHROPIC.outline({"model": "m", "max_tokens": 10, **anthropic}).needs
    assert not any(need in OPENAI.lacks or need.startswith("field:") for need in needs)


TO_ANTHROPIC: dict[str, tuple[dict[str, Any], dict[str, Any]]] = {
    "a developer's message is the system prompt": (
        {"messages": [{"role": "developer", "content": "One."}, {"role": "system", "content": "Two."}, *HI]},
        {"system": [{"type": "text", "text": "One."}, {"type": "text", "text": "Two."}], "messages": HI_BLOCKS},
    ),
    "turns of one role in a row become one": (
        {"messages": [*HI, *HI]},
        {"messages": [{"role": "user", "content": [{"type": "text", "text": "Hi"}, {"type": "text", "text": "Hi"}]}]},
    ),
    "a stop sequence alone": ({"messages": HI, "stop": "END"}, {"messages": HI_BLOCKS, "stop_sequences": ["END"]}),
    "a schema of the answer": (
        {
            "messages": HI,
            "response_format": {"type": "json_schema", "json_schema": {"name": "w", "strict": True, "schema": SCHEMA}},
        },
        {"messages": HI_BLOCKS, "output_config": {"format": {"type": "json_schema", "schema": SCHEMA}}},
    ),
    "an effort": (
        {"messages": HI, "reasoning_effort": "high"},
        {"messages": HI_BLOCKS, "thinking": {"type": "adaptive"}, "output_config": {"effort": "high"}},
    ),
    "the least effort": (
        {"messages": HI, "reasoning_effort": "minimal"},
        {"messages": HI_BLOCKS, "thinking": {"type": "adaptive"}, "output_config": {"effort": "low"}},
    ),
    "no effort": (
        {"messages": HI, "reasoning_effort": "none"},
        {"messages": HI_BLOCKS, "thinking": {"type": "disabled"}},
    ),
    "a refusal is a text": (
        {"messages": [*HI, {"role": "assistant", "content": None, "refusal": "No."}, *HI]},
        {"messages": [*HI_BLOCKS, {"role": "assistant", "content": [{"type": "text", "text": "No."}]}, *HI_BLOCKS]},
    ),
    "reasoning comes back with its signature": (
        {
            "messages": [
                *HI,
                {
                    "role": "assistant",
                    "content": "Hello",
                    "reasoning_content": "Greet.",
                    "reasoning_details": [
                        {
                            "type": "reasoning.text",
                            "text": "Greet.",
                            "signature": "c2ln",
                            "format": "anthropic-claude-v1",
                        },
                        {"type": "reasoning.encrypted", "data": "b3BhcXVl", "format": "anthropic-claude-v1"},
                    ],
                },
                *HI,
            ]
        },
        {
            "messages": [
                *HI_BLOCKS,
                {
                    "role": "assistant",
                    "content": [
                        {"type": "thinking", "thinking": "Greet.", "signature": "c2ln"},
                        {"type": "redacted_thinking", "data": "b3BhcXVl"},
                        {"type": "text", "text": "Hello"},
                    ],
                },
                *HI_BLOCKS,
            ]
        },
    ),
    "reasoning that nobody signed stays behind": (
        {"messages": [*HI, {"role": "assistant", "content": "Hello", "reasoning_content": "Greet."}, *HI]},
        {"messages": [*HI_BLOCKS, {"role": "assistant", "content": [{"type": "text", "text": "Hello"}]}, *HI_BLOCKS]},
    ),
    "a plain text file": (
        {
            "messages": [
                {
                    "role": "user",
                    "content": [
                        {
                            "type": "file",
                            "file": {"filename": "a.txt", "file_data": "data:text/plain;base64,aGVsbG8="},
                        }
                    ],
                }
            ]
        },
        {
            "messages": [
                {
                    "role": "user",
                    "content": [
                        {
                            "type": "document",
                            "source": {"type": "text", "media_type": "text/plain", "data": "hello"},
                            "title": "a.txt",
                        }
                    ],
                }
            ]
        },
    ),
    "a tool without parameters": (
        {"messages": HI, "tools": [{"type": "function", "function": {"name": "now"}}]},
        {"messages": HI_BLOCKS, "tools": [{"name": "now", "input_schema": {"type": "object", "properties": {}}}]},
    ),
    "null means absent": (
        {"messages": HI, "temperature": None, "tools": None, "stop": None, "user": None, "seed": None, "n": None},
        {"messages": HI_BLOCKS},
    ),
    "what only advises stays behind": (
        {"messages": HI, "store": False, "prompt_cache_key": "k", "metadata": {"a": "b"}, "service_tier": "auto"},
        {"messages": HI_BLOCKS},
    ),
}


@pytest.mark.parametrize(("openai", "anthropic"), TO_ANTHROPIC.values(), ids=TO_ANTHROPIC)
def test_only_openai_to_anthropic(openai: dict[str, Any], anthropic: dict[str, Any]) -> None:
    assert to_anthropic({**openai, "max_completion_tokens": 10}) == {
        "model": "claude-opus-5",
        "max_tokens": 10,
        **anthropic,
    }
    needs = OPENAI.outline({"model": "m", **openai}).needs
    assert not any(need in ANTHROPIC.lacks or need.startswith("field:") for need in needs)


TO_OPENAI: dict[str, tuple[dict[str, Any], dict[str, Any]]] = {
    "a failed tool says so": (
        {
            "messages": [
                *HI,
                {"role": "assistant", "content": [use("a")]},
                {
                    "role": "user",
                    "content": [{"type": "tool_result", "tool_use_id": "a", "content": "no city", "is_error": True}],
                },
            ]
        },
        {
            "messages": [
                *HI,
                {"role": "assistant", "content": None, "tool_calls": [call("a")]},
                {"role": "tool", "tool_call_id": "a", "content": "Error: no city"},
            ]
        },
    ),
    "what a tool shows follows its text": (
        {
            "messages": [
                *HI,
                {"role": "assistant", "content": [use("a"), use("b")]},
                {
                    "role": "user",
                    "content": [
                        {
                            "type": "tool_result",
                            "tool_use_id": "a",
                            "content": [
                                {"type": "text", "text": "a map"},
                                {
                                    "type": "image",
                                    "source": {"type": "base64", "media_type": "image/png", "data": "AA=="},
                                },
                            ],
                        },
                        {"type": "tool_result", "tool_use_id": "b"},
                    ],
                },
            ]
        },
        {
            "messages": [
                *HI,
                {"role": "assistant", "content": None, "tool_calls": [call("a"), call("b")]},
                {"role": "tool", "tool_call_id": "a", "content": "a map"},
                {"role": "tool", "tool_call_id": "b", "content": ""},
                {
                    "role": "user",
                    "content": [
                        {"type": "text", "text": "Shown by the tool call a:"},
                        {"type": "image_url", "image_url": {"url": "data:image/png;base64,AA=="}},
                    ],
                },
            ]
        },
    ),
    "a schema of the answer": (
        {"messages": HI, "output_config": {"format": {"type": "json_schema", "schema": SCHEMA}}},
        {
            "messages": HI,
            "response_format": {
                "type": "json_schema",
                "json_schema": {"name": "answer", "schema": SCHEMA, "strict": True},
            },
        },
    ),
    "a schema that strict mode would refuse": (
        {"messages": HI, "output_format": {"type": "json_schema", "schema": {**SCHEMA, "required": []}}},
        {
            "messages": HI,
            "response_format": {
                "type": "json_schema",
                "json_schema": {"name": "answer", "schema": {**SCHEMA, "required": []}},
            },
        },
    ),
    "thinking within a budget": (
        {"messages": HI, "thinking": {"type": "enabled", "budget_tokens": 8000}},
        {"messages": HI, "reasoning_effort": "medium"},
    ),
    "thinking as it likes": ({"messages": HI, "thinking": {"type": "adaptive"}}, {"messages": HI}),
    "an effort": (
        {"messages": HI, "thinking": {"type": "adaptive"}, "output_config": {"effort": "xhigh"}},
        {"messages": HI, "reasoning_effort": "xhigh"},
    ),
    "past thinking stays behind": (
        {
            "messages": [
                *HI,
                {
                    "role": "assistant",
                    "content": [
                        {"type": "thinking", "thinking": "Greet.", "signature": "c2ln"},
                        {"type": "text", "text": "Hello"},
                    ],
                },
                *HI,
            ]
        },
        {"messages": [*HI, {"role": "assistant", "content": "Hello"}, *HI]},
    ),
    "a plain text document is a text": (
        {
            "messages": [
                {
                    "role": "user",
                    "content": [
                        {
                            "type": "document",
                            "title": "a.txt",
                            "source": {"type": "text", "media_type": "text/plain", "data": "hello"},
                        }
                    ],
                }
            ]
        },
        {"messages": [{"role": "user", "content": [{"type": "text", "text": "a.txt\n\nhello"}]}]},
    ),
    "cache marks stay behind": (
        {
            "system": [{"type": "text", "text": "Be brief.", "cache_control": {"type": "ephemeral"}}],
            "messages": HI,
            "tools": [{**TOOL_BLOCK, "cache_control": {"type": "ephemeral"}}],
        },
        {"messages": [{"role": "system", "content": "Be brief."}, *HI], "tools": [TOOL]},
    ),
    "a stream is asked for its usage": (
        {"messages": HI, "stream": True},
        {"messages": HI, "stream": True, "stream_options": {"include_usage": True}},
    ),
}


@pytest.mark.parametrize(("anthropic", "openai"), TO_OPENAI.values(), ids=TO_OPENAI)
def test_only_anthropic_to_openai(anthropic: dict[str, Any], openai: dict[str, Any]) -> None:
    assert to_openai(anthropic) == {"model": "gpt-4o", "max_tokens": 10, **openai}
    needs = ANTHROPIC.outline({"model": "m", "max_tokens": 10, **anthropic}).needs
    assert not any(need in OPENAI.lacks or need.startswith("field:") for need in needs)
