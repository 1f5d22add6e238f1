from __future__ import annotations

from typing import Any

import pytest

from tests.wire.following import DONE, assembled
from tests.wire.following import openai_chunk as chunk
from turnout.wire.openai_chat.assembler import Assembler

ROLE = chunk({"role": "assistant", "content": "", "refusal": None})
STOP = chunk({}, "stop")


def body(*stream: bytes) -> dict[str, Any]:
    return assembled(Assembler(), *stream)


def message(*deltas: dict[str, Any]) -> dict[str, Any]:
    answer = body(*map(chunk, deltas), STOP, DONE)
    told: dict[str, Any] = answer["choices"][0]["message"]
    return told


def test_a_stream_becomes_the_unary_answer() -> None:
    usage: dict[str, Any] = {"prompt_tokens": 9, "completion_tokens": 2, "total_tokens": 11, "a_new_count": {"x": 1}}
    fields: dict[str, Any] = {
        "service_tier": "default",
        "system_fingerprint": "fp_1",
        "usage": None,
        "obfuscation": "abc",
    }
    stream = [
        chunk({"role": "assistant", "content": "", "refusal": None}, **fields),
        chunk({"content": "Hello"}, **fields),
        chunk({"content": " world"}, **fields),
        chunk({}, "stop", **fields),
        chunk(**fields | {"usage": usage}),
        DONE,
    ]
    assert body(*stream) == {
        "id": "chatcmpl-1",
        "object": "chat.completion",
        "created": 1700000000,
        "model": "gpt-4o-2024-11-20",
        "service_tier": "default",
        "system_fingerprint": "fp_1",
        "usage": usage,
        "choices": [
            {
                "index": 0,
                "message": {"role": "assistant", "content": "Hello world", "refusal": None},
                "logprobs": None,
                "finish_reason": "stop",
            }
        ],
    }


def test_a_stream_without_usage_becomes_an_answer_without() -> None:
    assert "usage" not in body(chunk({"content": "x"}, usage=None), STOP)


def test_a_field_that_nobody_knows_is_kept() -> None:
    stream = [chunk({"content": "x", "mood": "calm"}, citations=["a"]), chunk({}, "stop", citations=["a", "b"])]
    answer = body(*stream)
    assert answer["citations"] == ["a", "b"]
    assert answer["choices"][0]["message"]["mood"] == "calm"


def test_parallel_tool_calls_keep_their_arguments_apart() -> None:
    def call(index: int, **fields: Any) -> dict[str, Any]:
        return {"tool_calls": [{"index": index, **fields}]}

    told = message(
        {"role": "assistant", "content": None},
        call(0, id="a", type="function", function={"name": "f", "arguments": ""}),
        call(1, id="b", type="function", function={"name": "g", "arguments": ""}),
        call(0, function={"arguments": '{"x"'}),
        call(1, function={"arguments": "{}"}),
        call(0, function={"arguments": ":1}"}),
    )
    assert told == {
        "role": "assistant",
        "content": None,
        "tool_calls": [
            {"id": "a", "type": "function", "function": {"name": "f", "arguments": '{"x":1}'}},
            {"id": "b", "type": "function", "function": {"name": "g", "arguments": "{}"}},
        ],
    }


def test_several_pieces_of_a_call_may_share_a_chunk() -> None:
    pieces = [
        {"index": 0, "id": "a", "function": {"name": "f", "arguments": "{"}},
        {"index": 0, "function": {"arguments": "}"}},
    ]
    assert message({"tool_calls": pieces})["tool_calls"] == [{"id": "a", "function": {"name": "f", "arguments": "{}"}}]


@pytest.mark.parametrize("field", ["content", "refusal", "reasoning_content", "reasoning"])
def test_texts_grow(field: str) -> None:
    assert message({field: "a"}, {field: None}, {field: "b"}, {field: ""})[field] == "ab"


def test_a_name_told_twice_is_one_name() -> None:
    call = {"index": 0, "id": "a", "type": "function", "function": {"name": "f", "arguments": "{}"}}
    again = {"index": 0, "id": "a", "type": "function", "function": {"name": "f", "arguments": ""}}
    assert message({"tool_calls": [call]}, {"tool_calls": [again]})["tool_calls"][0]["function"]["name"] == "f"


def test_numbered_items_of_a_list_merge_and_others_follow_each_other() -> None:
    first = {"type": "reasoning.text", "index": 0, "text": "a"}
    told = message(
        {"reasoning_details": [first]},
        {"reasoning_details": [{"type": "reasoning.text", "index": 0, "text": "b", "signature": "s"}]},
        {"annotations": [{"url": 1}]},
        {"annotations": [{"url": 2}]},
    )
    assert told["reasoning_details"] == [{"type": "reasoning.text", "index": 0, "text": "ab", "signature": "s"}]
    assert told["annotations"] == [{"url": 1}, {"url": 2}]


def test_logprobs_are_those_of_all_chunks() -> None:
    def token(text: str, told: dict[str, Any] | None) -> bytes:
        return chunk(choices=[{"index": 0, "delta": {"content": text}, "logprobs": told, "finish_reason": None}])

    a, b = ({"token": text, "logprob": -1, "top_logprobs": list[Any]()} for text in "ab")
    stream = [token("a", {"content": [a], "refusal": None}), token("b", {"content": [b], "refusal": None}), STOP]
    assert body(*stream)["choices"][0]["logprobs"] == {"content": [a, b], "refusal": None}


def test_choices_are_told_apart() -> None:
    def of(index: int, delta: dict[str, Any], finish: str | None = None) -> bytes:
        return chunk(choices=[{"index": index, "delta": delta, "finish_reason": finish}])

    stream = [of(1, {"content": "b"}), of(0, {"content": "a"}), of(1, {}, "length"), of(0, {}, "stop")]
    told = body(*stream)["choices"]
    assert [(one["index"], one["message"]["content"], one["finish_reason"]) for one in told] == [
        (0, "a", "stop"),
        (1, "b", "length"),
    ]
    with pytest.raises(ValueError, match="without a finish reason"):
        body(*stream[:3])


@pytest.mark.parametrize(
    "stream",
    [
        [],
        [DONE],
        [ROLE, chunk({"content": "x"})],
        [ROLE, chunk({"content": "x"}), DONE],
        [chunk({"content": "x"}), b'data: {"error":{"message":"x"}}\n\n'],
        [chunk({"content": "x"}), b"data: {\n\n"],
        [chunk({"content": "x"}), b'data: {"choices":[{"index":0,"delta":[]}],"x":1}\n\n'],
    ],
)
def test_a_stream_that_is_not_a_whole_answer_never_becomes_one(stream: list[bytes]) -> None:
    with pytest.raises(ValueError):  # noqa: PT011 - any wording; that none becomes an answer is what matters
        body(*stream)
