"""Each verb of the bytes, of the head and of the answer itself, as a client sees it that looks at every byte."""

from __future__ import annotations

import gzip
import json
import zlib
from typing import Any

import pytest

from tests.testing.fault_provider.wires import (
    DIALECTS,
    FINISH,
    TOKENS,
    Wires,
    first,
    is_json,
    spoken,
)
from turnout.testing import HEALTHY_TEXT


@pytest.mark.parametrize("stream", [True, False])
async def test_gzip_is_flushed_at_each_event(wires: Wires, stream: bool) -> None:
    wire = await wires.ask("gzip", stream=stream)
    stalled = await wires.ask("gzip+stall_after(5)", within=0.15)
    assert wire.headers["content-encoding"] == "gzip"
    assert HEALTHY_TEXT.split()[1] in gzip.decompress(wire.body).decode()
    partly = zlib.decompressobj(16 + zlib.MAX_WBITS).decompress(stalled.body).decode()
    assert TOKENS[4] in partly
    assert TOKENS[5] not in partly


async def test_gzip_bomb_is_small_until_it_is_unpacked(wires: Wires) -> None:
    wire = await wires.ask("gzip_bomb(20)", within=5)
    assert len(wire.body) < 50_000
    assert len(gzip.decompress(wire.body)) > 20_000_000


async def test_bad_gzip_is_not_gzip(wires: Wires) -> None:
    wire = await wires.ask("bad_gzip", stream=False)
    assert wire.headers["content-encoding"] == "gzip"
    with pytest.raises(gzip.BadGzipFile):
        gzip.decompress(wire.body)


@pytest.mark.parametrize("stream", [True, False])
@pytest.mark.parametrize("delta", [7, -7])
async def test_wrong_content_length_is_wrong_by_so_much(wires: Wires, delta: int, stream: bool) -> None:
    wire = await wires.ask(f"wrong_content_length({delta})", stream=stream)
    assert int(wire.headers["content-length"]) == len(wire.payload) + delta
    assert "transfer-encoding" not in wire.headers


@pytest.mark.parametrize("stream", [True, False])
async def test_cl_and_te_are_announced_both(wires: Wires, stream: bool) -> None:
    wire = await wires.ask("cl_and_te", stream=stream)
    assert wire.headers["transfer-encoding"] == "chunked"
    assert int(wire.headers["content-length"]) == len(wire.body)


async def test_many_headers_are_so_many_kilobytes(wires: Wires) -> None:
    assert len((await wires.ask("many_headers(100)")).head) > 100_000


@pytest.mark.parametrize(("count", "text"), [(3, "The café keeps"), (31, f"{HEALTHY_TEXT} The")])
async def test_tokens_are_so_many(wires: Wires, count: int, text: str) -> None:
    wire = await wires.ask(f"tokens({count})")
    assert spoken(wire.events) == text


@DIALECTS
async def test_over_max_tokens_says_more_than_was_allowed(wires: Wires, dialect: str) -> None:
    limit: dict[str, Any] = {"max_output_tokens" if dialect == "responses" else "max_tokens": 40}
    kept = await wires.ask("healthy", dialect, **limit)
    broken = await wires.ask("over_max_tokens(10)", dialect, **limit)
    assert len(spoken(kept.events).split()) == 30
    assert len(spoken(broken.events).split()) == 50
    assert FINISH[dialect] in broken.body


@pytest.mark.parametrize(
    ("how", "name", "is_good"), [("truncated", "f", False), ("not_json", "f", False), ("unknown", "no_such_tool", True)]
)
async def test_tool_args_are_wrong_in_the_way_asked_for(wires: Wires, how: str, name: str, is_good: bool) -> None:
    tool = {"type": "function", "function": {"name": "f", "parameters": {"type": "object", "properties": {"city": {}}}}}
    whole = await wires.ask(f"tool_args({how})", stream=False, tools=[tool])
    streamed = await wires.ask(f"tool_args({how})", tools=[tool])
    (call,) = json.loads(whole.body)["choices"][0]["message"]["tool_calls"]
    deltas = [event["choices"][0]["delta"] for event in streamed.events]
    pieces = [delta["tool_calls"][0]["function"] for delta in deltas if "tool_calls" in delta]
    assert call["function"]["name"] == pieces[0]["name"] == name
    assert call["function"]["arguments"] == "".join(piece["arguments"] for piece in pieces)
    assert is_json(call["function"]["arguments"]) == is_good


@DIALECTS
async def test_content_filter_stops_and_says_so(wires: Wires, dialect: str) -> None:
    said = {
        "chat": b'"finish_reason":"content_filter"',
        "responses": b'"reason":"content_filter"',
        "messages": b'"stop_reason":"refusal"',
    }
    for stream in (True, False):
        assert said[dialect] in (await wires.ask("content_filter", dialect, stream=stream)).body
    assert spoken((await wires.ask("content_filter", dialect)).events) == first(3)


async def test_usage_of_chat_comes_when_it_is_told_to(wires: Wires) -> None:
    async def told(when: str, **changes: Any) -> list[int | None]:
        events = (await wires.ask(f"usage({when})", **changes)).events
        return [(event.get("usage") or {}).get("completion_tokens") for event in events]

    count = len(TOKENS)
    assert set(await told("absent", stream_options={"include_usage": True})) == {None}
    assert await told("end") == [None] * (count + 2) + [count]
    assert set(await told("each")) == {count}
    assert await told("cumulative") == [0, *range(1, count + 1), count, count]
    assert b'"usage":' not in (await wires.ask("usage(absent)", stream=False)).body


@pytest.mark.parametrize("dialect", ["responses", "messages"])
async def test_usage_elsewhere_is_left_out_or_told_so_far(wires: Wires, dialect: str) -> None:
    absent = await wires.ask("usage(absent)", dialect)
    running = await wires.ask("usage(cumulative)", dialect)
    deltas = [event for event in running.events if str(event["type"]).endswith("delta") and "delta" in event]
    told = [event["usage"]["output_tokens"] for event in deltas if event["type"] != "message_delta"]
    assert b"output_tokens" not in absent.body.replace(b"max_output_tokens", b"")
    assert told == list(range(1, len(TOKENS) + 1))


async def test_reasoning_content_is_shown_before_the_answer(wires: Wires) -> None:
    shown = await wires.ask("reasoning_content", reasoning_effort="low")
    hidden = await wires.ask("healthy", reasoning_effort="low")
    thought = [event["choices"][0]["delta"].get("reasoning_content") for event in shown.events]
    assert "".join(token or "" for token in thought).startswith("The board knows")
    assert b"reasoning_content" not in hidden.body


async def test_verbs_add_up(wires: Wires) -> None:
    wire = await wires.ask("tokens(8)+crlf+comments+cut_after(6)+gzip", "messages")
    text = zlib.decompressobj(16 + zlib.MAX_WBITS).decompress(wire.body).decode()
    assert text.count(": keep-alive\r\n\r\n") > 6
    assert text.count("text_delta") == 6
    assert not wire.ends_its_chunks
