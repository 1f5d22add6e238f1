"""Each verb that says something else, as a client sees it that looks at every byte."""

from __future__ import annotations

import json
import time
from email.utils import parsedate_to_datetime

import pytest

from tests.testing.fault_provider.wires import (
    DIALECTS,
    DONE,
    OPENING,
    TOKENS,
    Wires,
    first,
    is_json,
    spoken,
)
from turnout.testing import HEALTHY_TEXT


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
