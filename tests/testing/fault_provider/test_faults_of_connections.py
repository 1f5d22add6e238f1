"""Each verb of the port and of the connection, as a client sees it that looks at every byte."""

from __future__ import annotations

import asyncio
import json
import time
from itertools import pairwise

import pytest

from tests.testing.fault_provider.wires import (
    PATHS,
    QUESTION,
    Wires,
    body_for,
    read_all,
    request_bytes,
    spoken,
    until,
)
from turnout.testing import HEALTHY_TEXT, FaultProvider


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
        except (ConnectionRefusedError, ConnectionResetError):  # the latter: caught by the closing
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
        async with asyncio.timeout(1):
            text += await reader.read(1 << 16)
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


async def test_what_is_no_http_ends_the_connection(wires: Wires, provider: FaultProvider) -> None:
    reader, writer = await wires.connect()
    writer.write(b"this is no request\r\n\r\n")
    assert (await read_all(reader, 1)).raw == b""
    writer.close()
    await until(lambda: provider.open_connections == 0)


async def test_a_slow_reader_gets_everything(wires: Wires) -> None:
    reader, writer = await wires.connect()
    writer.write(
        request_bytes(PATHS["chat"], body_for("chat", "fault:big_event(20)", stream=True), "connection: close")
    )
    await asyncio.sleep(0.1)
    wire = await read_all(reader, 5)
    assert len(wire.body) > 20_000_000
    assert spoken(wire.events) == HEALTHY_TEXT
    writer.close()
