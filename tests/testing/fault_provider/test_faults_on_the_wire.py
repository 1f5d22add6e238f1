"""Each verb, as a client sees it that looks at every byte."""

from __future__ import annotations

import asyncio
import gzip
import json
import time
import zlib
from email.utils import parsedate_to_datetime
from itertools import pairwise
from typing import Any

import pytest

from tests.testing.fault_provider.wires import PATHS, QUESTION, Wires, body_for, read_all, request_bytes
from turnout.testing import HEALTHY_TEXT, FaultProvider
from turnout.testing.fault_provider.answer import tokens_of

TOKENS = tokens_of(HEALTHY_TEXT)
DIALECTS = pytest.mark.parametrize("dialect", list(PATHS))
DONE = {"chat": b"[DONE]", "responses": b'"response.completed"', "messages": b'"message_stop"'}
FINISH = {"chat": b'"finish_reason":"stop"', "responses": b'"response.completed"', "messages": b'"end_turn"'}
OPENING = {"chat": b'"role":"assistant"', "responses": b'"response.created"', "messages": b'"message_start"'}


def spoken(events: list[dict[str, Any]]) -> str:
    """The text of a stream, in whatever dialect."""
    text = ""
    for event in events:
        choices = event.get("choices") or [{}]
        delta = event.get("delta", choices[0].get("delta", {}))
        text += delta if isinstance(delta, str) else delta.get("content") or delta.get("text") or ""
    return text


def first(count: int) -> str:
    return "".join(TOKENS[:count])


# --- the healthy baseline that every fault differs from


@DIALECTS
async def test_healthy_is_complete(wires: Wires, dialect: str) -> None:
    streamed = await wires.ask("healthy", dialect)
    whole = await wires.ask("healthy", dialect, stream=False)
    assert spoken(streamed.events) == HEALTHY_TEXT
    assert streamed.headers["content-type"].startswith("text/event-stream")
    assert streamed.ends_its_chunks
    assert streamed.body.count(DONE[dialect]) == 1
    assert HEALTHY_TEXT in json.dumps(json.loads(whole.body), ensure_ascii=False)
    assert int(whole.headers["content-length"]) == len(whole.body)


# --- how a stream ends


@DIALECTS
async def test_eof_after_ends_in_order_and_says_nothing_of_an_end(wires: Wires, dialect: str) -> None:
    wire = await wires.ask("eof_after(5)", dialect)
    assert spoken(wire.events) == first(5)
    assert wire.ends_its_chunks
    assert DONE[dialect] not in wire.body
    assert FINISH[dialect] not in wire.body


@DIALECTS
async def test_cut_after_leaves_out_the_last_chunk(wires: Wires, dialect: str) -> None:
    wire = await wires.ask("cut_after(5)", dialect)
    assert spoken(wire.events) == first(5)
    assert not wire.ends_its_chunks
    assert not wire.was_reset


@pytest.mark.parametrize(("verb", "announced"), [("eof_after", False), ("cut_after", True)])
async def test_a_document_is_cut_with_or_without_its_length(wires: Wires, verb: str, announced: bool) -> None:
    wire = await wires.ask(f"{verb}(5)", stream=False)
    assert 0 < len(wire.body) < 300
    assert (int(wire.headers["content-length"]) > len(wire.body)) == announced
    with pytest.raises(ValueError, match=r"Unterminated|Expecting"):
        json.loads(wire.body)


@DIALECTS
async def test_rst_after_n_tokens_resets_when_they_have_arrived(wires: Wires, dialect: str) -> None:
    wire = await wires.ask("rst_after_n_tokens(5)", dialect)
    assert wire.was_reset
    assert spoken(wire.events) == first(5)


@DIALECTS
async def test_no_done_leaves_out_the_last_event_only(wires: Wires, dialect: str) -> None:
    wire = await wires.ask("no_done", dialect)
    assert spoken(wire.events) == HEALTHY_TEXT
    assert DONE[dialect] not in wire.body
    assert wire.ends_its_chunks


@DIALECTS
async def test_no_finish_leaves_out_the_finish_signal(wires: Wires, dialect: str) -> None:
    wire = await wires.ask("no_finish", dialect)
    assert spoken(wire.events) == HEALTHY_TEXT
    assert FINISH[dialect] not in wire.body
    assert (DONE[dialect] in wire.body) == (dialect != "responses")


@DIALECTS
async def test_double_done_and_data_after_done(wires: Wires, dialect: str) -> None:
    healthy = await wires.ask("healthy", dialect)
    doubled = await wires.ask("double_done", dialect)
    followed = await wires.ask("data_after_done", dialect)
    assert (healthy.body.count(DONE[dialect]), doubled.body.count(DONE[dialect])) == (1, 2)
    assert spoken(followed.events) == HEALTHY_TEXT + TOKENS[0]
    assert TOKENS[0].encode() in followed.body.rpartition(DONE[dialect])[2]


async def test_half_close_ends_our_side_and_keeps_the_connection(wires: Wires, provider: FaultProvider) -> None:
    reader, writer = await wires.connect()
    writer.write(request_bytes(PATHS["chat"], body_for("chat", "fault:half_close(5)", stream=True)))
    wire = await read_all(reader, 1)
    assert spoken(wire.events) == first(5)
    assert not wire.ends_its_chunks
    assert provider.open_connections == 1
    writer.close()
    await until(lambda: provider.open_connections == 0)


# --- when it comes


async def test_hang_headers_never_says_anything(wires: Wires) -> None:
    assert (await wires.ask("hang_headers", within=0.15)).raw == b""


async def test_delay_headers_delays_everything(wires: Wires) -> None:
    assert (await wires.ask("delay_headers(0.3)", within=0.15)).raw == b""
    assert spoken((await wires.ask("delay_headers(0.1)")).events) == HEALTHY_TEXT


async def test_delay_first_token_sends_the_head_at_once(wires: Wires) -> None:
    waiting = await wires.ask("delay_first_token(9)", within=0.15)
    assert waiting.status == 200
    assert waiting.body == b""
    assert spoken((await wires.ask("delay_first_token(0.1)")).events) == HEALTHY_TEXT


@DIALECTS
@pytest.mark.parametrize("count", [0, 5])
async def test_stall_after_is_silent_after_so_many_tokens(wires: Wires, dialect: str, count: int) -> None:
    wire = await wires.ask(f"stall_after({count})", dialect, within=0.15)
    assert spoken(wire.events) == first(count)
    assert OPENING[dialect] in wire.body
    assert len(wire.events) == 1 or count


async def test_stall_after_goes_on_after_its_time(wires: Wires) -> None:
    started = time.monotonic()
    wire = await wires.ask("stall_after(5, 0.1)")
    assert spoken(wire.events) == HEALTHY_TEXT
    assert time.monotonic() - started >= 0.1


async def test_drip_is_slow_and_complete(wires: Wires) -> None:
    started = time.monotonic()
    wire = await wires.ask("drip(5)")
    assert spoken(wire.events) == HEALTHY_TEXT
    assert time.monotonic() - started >= 0.005 * len(TOKENS)
    assert wire.writes > len(TOKENS) / 2


async def test_a_document_stalls_and_drips_as_well(wires: Wires) -> None:
    stalled = await wires.ask("stall_after(5)", stream=False, within=0.15)
    assert 0 < len(stalled.body) < int(stalled.headers["content-length"])
    dripped = await wires.ask("drip(2)", stream=False)
    assert len(dripped.body) == int(dripped.headers["content-length"])


async def test_slow_header_bytes_arrive_one_by_one(wires: Wires) -> None:
    partly = await wires.ask("slow_header_bytes(10)", within=0.2)
    assert b"HTTP/1.1 200".startswith(partly.raw[:8])
    assert b"\r\n\r\n" not in partly.raw
    assert spoken((await wires.ask("slow_header_bytes(0)")).events) == HEALTHY_TEXT


# --- what is said instead


@DIALECTS
@pytest.mark.parametrize("stream", [True, False])
async def test_status_refuses_in_the_envelope_of_the_dialect(wires: Wires, dialect: str, stream: bool) -> None:
    wire = await wires.ask("status(429, retry_after=2)", dialect, stream=stream)
    error = json.loads(wire.body)
    assert wire.status == 429
    assert wire.headers["retry-after"] == "2"
    if dialect == "messages":
        assert error["type"] == "error"
        assert error["error"]["type"] == "rate_limit_error"
        assert error["request_id"] == wire.headers["request-id"]
    else:
        assert set(error["error"]) == {"message", "type", "param", "code"}
        assert error["error"]["code"] == "rate_limit_exceeded"


@pytest.mark.parametrize("form", ["2", "-5", "1e9", "junk", "nan"])
async def test_retry_after_is_sent_as_written(wires: Wires, form: str) -> None:
    assert (await wires.ask(f"status(429, {form})")).headers["retry-after"] == form


async def test_retry_after_in_milliseconds_and_as_a_date(wires: Wires) -> None:
    milliseconds = (await wires.ask("status(429, 500ms)")).headers
    date = (await wires.ask("status(503, date:30)")).headers["retry-after"]
    assert milliseconds["retry-after-ms"] == "500"
    assert "retry-after" not in milliseconds
    assert 25 < parsedate_to_datetime(date).timestamp() - time.time() <= 30


@pytest.mark.parametrize("code", [400, 401, 402, 403, 404, 408, 409, 413, 418, 422, 500, 502, 503, 504, 529])
async def test_every_status_has_an_error_of_both_kinds(wires: Wires, code: int) -> None:
    for dialect in ("chat", "messages"):
        wire = await wires.ask(f"status({code})", dialect)
        assert wire.status == code
        assert json.loads(wire.body)["error"]["message"]


async def test_status_may_name_the_error(wires: Wires) -> None:
    error = json.loads((await wires.ask("status(429, error=insufficient_quota)")).body)["error"]
    assert (error["code"], error["type"]) == ("insufficient_quota", "insufficient_quota")


async def test_context_length_names_itself_as_each_provider_does(wires: Wires) -> None:
    ours = json.loads((await wires.ask("context_length")).body)["error"]
    theirs = json.loads((await wires.ask("context_length", "messages")).body)["error"]
    assert ours["code"] == "context_length_exceeded"
    assert theirs["type"] == "invalid_request_error"
    assert theirs["message"].startswith("prompt is too long")


@DIALECTS
@pytest.mark.parametrize("stream", [True, False])
async def test_success_without_an_answer(wires: Wires, dialect: str, stream: bool) -> None:
    error = await wires.ask("json_error_200", dialect, stream=stream)
    page = await wires.ask("html_200", dialect, stream=stream)
    empty = await wires.ask("sse_empty", dialect, stream=stream)
    assert (error.status, page.status, empty.status) == (200, 200, 200)
    assert "error" in json.loads(error.body)
    assert error.headers["content-type"] == "application/json"
    assert page.body.startswith(b"<!doctype html>")
    assert page.headers["content-type"].startswith("text/html")
    assert empty.body == b""


async def test_wrong_ctype_changes_the_name_and_not_the_body(wires: Wires) -> None:
    wire = await wires.ask("wrong_ctype(text/plain)")
    assert wire.headers["content-type"] == "text/plain"
    assert spoken(wire.events) == HEALTHY_TEXT


async def test_redirect_points_to_the_same_path_elsewhere(wires: Wires) -> None:
    wire = await wires.ask("redirect(127.0.0.1:9)")
    assert wire.status == 307
    assert wire.headers["location"] == "http://127.0.0.1:9/v1/chat/completions"


# --- what the events are


@DIALECTS
@pytest.mark.parametrize("count", [-1, 0, 5])
async def test_sse_error_at_fails_as_the_dialect_does(wires: Wires, dialect: str, count: int) -> None:
    wire = await wires.ask(f"sse_error_at({count}, overloaded)", dialect)
    events, last = wire.events, wire.events[-1]
    assert wire.status == 200
    assert spoken(events) == first(max(count, 0))
    assert len(events) == {-1: 1, 0: 2}.get(count, len(events))
    assert (OPENING[dialect] in wire.body) == (count >= 0)
    assert DONE[dialect] not in wire.body
    assert wire.ends_its_chunks
    if dialect == "chat":
        assert last["error"]["type"] == "server_error"
    elif dialect == "messages":
        assert last["error"]["type"] == "overloaded_error"
        assert b"event: error\n" in wire.body
    else:
        assert last["type"] == "response.failed"
        assert last["response"]["error"]["code"] == "server_error"


@DIALECTS
async def test_bad_json_at_breaks_one_event(wires: Wires, dialect: str) -> None:
    wire = await wires.ask("bad_json_at(5)", dialect)
    lines = [line[6:] for line in wire.body.decode().splitlines() if line.startswith("data: {")]
    broken = [line for line in lines if not is_json(line)]
    assert len(broken) == 1
    assert not is_json((await wires.ask("bad_json_at(5)", dialect, stream=False)).body.decode())


def is_json(text: str) -> bool:
    try:
        json.loads(text)
    except ValueError:
        return False
    return True


@DIALECTS
@pytest.mark.parametrize("stream", [True, False])
async def test_bad_utf8_at_breaks_the_encoding_and_nothing_else(wires: Wires, dialect: str, stream: bool) -> None:
    wire = await wires.ask("bad_utf8_at(5)", dialect, stream=stream)
    with pytest.raises(UnicodeDecodeError):
        wire.body.decode()
    mended = wire.body.replace(b"\xc3\x28\xff", b"").decode()
    assert all(is_json(line[6:]) for line in mended.splitlines() if line.startswith("data: {"))
    assert stream or is_json(mended)


@pytest.mark.parametrize(
    ("verb", "noise"),
    [
        ("comments", b": keep-alive\n\n"),
        ("data_colon_comment", b"data: : keep-alive\n\n"),
        ("ping_events", b'event: ping\ndata: {"type":"ping"}\n\n'),
    ],
)
async def test_noise_comes_before_each_event(wires: Wires, verb: str, noise: bytes) -> None:
    quiet = await wires.ask("healthy")
    noisy = await wires.ask(verb)
    assert noisy.body.startswith(noise)
    assert noisy.body.count(noise) == quiet.body.count(b"\n\n")
    assert spoken(noisy.events) == HEALTHY_TEXT


@pytest.mark.parametrize(("verb", "end"), [("crlf", b"\r\n"), ("cr", b"\r")])
async def test_lines_end_otherwise(wires: Wires, verb: str, end: bytes) -> None:
    wire = await wires.ask(verb, "messages")
    assert wire.body.count(end * 2) > len(TOKENS)
    plain = wire.body.replace(end, b"\n").decode()
    assert spoken([json.loads(line[6:]) for line in plain.split("\n") if line.startswith("data: ")]) == HEALTHY_TEXT
    assert b"\n" not in wire.body.replace(b"\r\n", b"")


async def test_slice_writes_each_byte_by_itself(wires: Wires) -> None:
    wire = await wires.ask("slice")
    assert wire.payload.startswith(b"1\r\nd\r\n1\r\na\r\n1\r\nt\r\n1\r\na\r\n")
    assert spoken(wire.events) == HEALTHY_TEXT
    assert wire.writes > 100


async def test_big_event_and_big_body_are_big_and_still_right(wires: Wires) -> None:
    stream = await wires.ask("big_event(2)", within=5)
    whole = await wires.ask("big_body(2)", stream=False, within=5)
    assert max(map(len, stream.body.split(b"\n"))) > 2_000_000
    assert spoken(stream.events) == HEALTHY_TEXT
    assert len(whole.body) > 2_000_000
    assert json.loads(whole.body)["choices"][0]["message"]["content"] == HEALTHY_TEXT


async def test_a_verb_for_streams_leaves_a_document_alone(wires: Wires) -> None:
    for verb in ("no_done", "crlf", "comments", "big_event"):
        wire = await wires.ask(verb, stream=False)
        assert json.loads(wire.body)["choices"][0]["message"]["content"] == HEALTHY_TEXT
    assert spoken((await wires.ask("big_body(9)")).events) == HEALTHY_TEXT


# --- bytes and head


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


# --- what the answer is


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


# --- connections


async def test_rst_after_request_resets_without_a_byte(wires: Wires) -> None:
    wire = await wires.ask("rst_after_request")
    assert wire.was_reset
    assert wire.raw == b""


async def test_rst_on_accept_resets_before_any_request(wires: Wires, provider: FaultProvider) -> None:
    provider.use("rst_on_accept")
    reader, writer = await wires.connect()
    assert (await read_all(reader, 1)).was_reset
    writer.close()
    assert not provider.requests
    provider.use(None)
    assert (await wires.ask("healthy")).status == 200


async def test_refuse_closes_the_port_for_its_time(wires: Wires, provider: FaultProvider) -> None:
    reader, writer = await wires.connect()
    provider.use("refuse(0.1)")
    with pytest.raises(ConnectionRefusedError):
        await wires.connect()
    assert (await read_all(reader, 1)).was_reset
    writer.close()
    await asyncio.sleep(0.15)
    assert (await wires.ask("healthy")).status == 200


async def test_refuse_lasts_until_reset(wires: Wires, provider: FaultProvider) -> None:
    provider.use("refuse")
    await asyncio.sleep(0.05)
    with pytest.raises(ConnectionRefusedError):
        await wires.connect()
    provider.reset()
    assert (await wires.ask("healthy")).status == 200


async def test_a_models_name_can_close_the_port(wires: Wires) -> None:
    assert (await wires.ask("refuse(0.1)")).was_reset
    with pytest.raises(ConnectionRefusedError):
        await wires.connect()
    await asyncio.sleep(0.15)
    assert (await wires.ask("healthy")).status == 200


async def test_flap_alone_opens_and_closes_the_port(wires: Wires, provider: FaultProvider) -> None:
    provider.use("flap(0.15, 0.15)")
    seen = []
    for _ in range(12):
        try:
            _, writer = await wires.connect()
        except ConnectionRefusedError:
            seen.append("down")
        else:
            seen.append("up")
            writer.close()
        await asyncio.sleep(0.05)
    assert seen[0] == "down"
    turns = sum(one != other for one, other in pairwise(seen))
    assert turns >= 2


async def test_flap_with_others_lets_them_come_and_go(wires: Wires, provider: FaultProvider) -> None:
    provider.use("flap(0.2, 30)+status(503)")
    assert await status_of(wires) == 503
    await asyncio.sleep(0.25)
    assert await status_of(wires) == 200


async def status_of(wires: Wires) -> int:
    reader, writer = await wires.connect()
    writer.write(request_bytes(PATHS["chat"], body_for("chat"), "connection: close"))
    wire = await read_all(reader, 1)
    writer.close()
    return wire.status


@pytest.mark.parametrize(("when", "answers", "ends_by_reset"), [("idle", 2, False), ("reuse", 2, True)])
async def test_close_keepalive_after_makes_the_connection_stale(
    wires: Wires, when: str, answers: int, ends_by_reset: bool
) -> None:
    reader, writer = await wires.connect()
    ask = request_bytes(PATHS["chat"], body_for("chat", f"fault:close_keepalive_after(2, {when})"))
    for _ in range(answers):
        writer.write(ask)
        head = await reader.readuntil(b"\r\n\r\n")
        assert b"connection: close" not in head.lower()
        await reader.readexactly(int(head.partition(b"content-length: ")[2].split()[0]))
    if when == "reuse":
        await asyncio.sleep(0.05)
        assert not reader.at_eof()
        writer.write(ask)
    assert (await read_all(reader, 1)).was_reset == ends_by_reset
    writer.close()


async def test_an_answer_does_not_wait_for_an_acknowledgement(wires: Wires) -> None:
    reader, writer = await wires.connect()
    started = time.monotonic()
    for _ in range(20):
        writer.write(request_bytes(PATHS["chat"], body_for("chat", stream=True)))
        await reader.readuntil(b"0\r\n\r\n")
    assert time.monotonic() - started < 20 * 0.03
    writer.close()


async def test_requests_on_one_connection_are_answered_in_turn(wires: Wires) -> None:
    reader, writer = await wires.connect()
    ask = request_bytes(PATHS["chat"], body_for("chat", stream=True))
    writer.write(ask + ask)
    text = b""
    while text.count(b"0\r\n\r\n") < 2:
        text += await asyncio.wait_for(reader.read(1 << 16), 1)
    assert text.count(b"HTTP/1.1 200 OK") == text.count(b"[DONE]") == 2
    writer.close()


async def test_a_body_in_chunks_and_a_client_that_asks_first_are_understood(wires: Wires) -> None:
    reader, writer = await wires.connect()
    body = json.dumps(body_for("chat", text=QUESTION)).encode()
    head = (
        b"POST /v1/chat/completions HTTP/1.1\r\nhost: p\r\ntransfer-encoding: chunked\r\nexpect: 100-continue\r\n\r\n"
    )
    writer.write(head)
    assert await reader.readuntil(b"\r\n\r\n") == b"HTTP/1.1 100 Continue\r\n\r\n"
    writer.write(b"%x\r\n%b\r\n0\r\n\r\n" % (len(body), body))
    assert (await reader.readuntil(b"\r\n\r\n")).startswith(b"HTTP/1.1 200 OK")
    writer.close()


async def test_a_client_of_http_1_0_gets_no_chunks(wires: Wires) -> None:
    reader, writer = await wires.connect()
    ask = request_bytes(PATHS["chat"], body_for("chat", stream=True)).replace(b"HTTP/1.1", b"HTTP/1.0", 1)
    writer.write(ask)
    wire = await read_all(reader, 1)
    assert "transfer-encoding" not in wire.headers
    assert spoken(wire.events) == HEALTHY_TEXT
    writer.close()


async def until(is_so: Any, within: float = 1.0) -> None:
    async with asyncio.timeout(within):
        while not is_so():
            await asyncio.sleep(0.005)
