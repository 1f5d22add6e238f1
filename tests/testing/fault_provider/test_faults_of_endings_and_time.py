"""Each verb that ends or delays an answer, as a client sees it that looks at every byte."""

from __future__ import annotations

import json
import time

import pytest

from tests.testing.fault_provider.wires import (
    DIALECTS,
    DONE,
    FINISH,
    OPENING,
    PATHS,
    TOKENS,
    Wires,
    body_for,
    first,
    read_all,
    request_bytes,
    spoken,
    until,
)
from turnout.testing import HEALTHY_TEXT, FaultProvider


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
