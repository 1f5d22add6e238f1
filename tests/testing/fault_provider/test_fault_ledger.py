"""The provider's own books: what it received, what it sent, when the client left, and what it bills."""

from __future__ import annotations

import asyncio
import json
import subprocess
import sys
import time
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from tests.testing.fault_provider.wires import PATHS, QUESTION, Wires, body_for, request_bytes
from turnout.testing import FaultProvider
from turnout.testing.fault_provider import Ledger
from turnout.testing.fault_provider.ask import prompt_tokens

PROMPT = 1 + len(QUESTION) // 4
PHASES = {
    "before the head": "hang_headers",
    "before the first token": "delay_first_token(30)",
    "after the opening event": "stall_after(0)",
    "amid the tokens": "stall_after(5)",
    "between slow tokens": "drip(20)",
}


async def ended(provider: FaultProvider, count: int = 1) -> list[dict[str, Any]]:
    async with asyncio.timeout(2):
        while len(lines := [line for line in provider.log if line["event"] == "ended"]) < count:
            await asyncio.sleep(0.005)
    return lines


@pytest.mark.parametrize("dialect", list(PATHS))
@pytest.mark.parametrize("stream", [True, False])
async def test_a_whole_answer_is_booked_as_it_is_told(
    wires: Wires, provider: FaultProvider, dialect: str, stream: bool
) -> None:
    await wires.ask("healthy", dialect, stream=stream)
    (end,) = await ended(provider)
    received = provider.log[0]
    assert received["number"] == end["number"] == 1
    assert received["id"] == end["id"]
    assert (received["stream"], received["model"]) == (stream, "fault:healthy")
    assert received["bytes"] == len(
        request_bytes(PATHS[dialect], body_for(dialect, "fault:healthy", stream=stream), "connection: close")
    )
    assert (end["status"], end["tokens"], end["completed"], end["aborted"]) == (200, 30, True, None)
    assert end["billed"] == {"input_tokens": PROMPT, "cached_tokens": 0, "output_tokens": 30}


@pytest.mark.parametrize("stream", [True, False])
@pytest.mark.parametrize("phase", list(PHASES))
async def test_a_client_that_leaves_is_noticed_at_once_in_every_phase(
    wires: Wires, provider: FaultProvider, phase: str, stream: bool
) -> None:
    _, writer = await wires.connect()
    writer.write(request_bytes(PATHS["chat"], body_for("chat", f"fault:{PHASES[phase]}", stream=stream)))
    await asyncio.sleep(0.1)
    assert [line["event"] for line in provider.log] == ["received"]
    left = datetime.now(UTC)
    writer.close()
    (end,) = await ended(provider)
    assert 0 <= (datetime.fromisoformat(end["aborted"]) - left).total_seconds() < 2
    assert not end["completed"]
    assert end["tokens"] == end["billed"]["output_tokens"] < 30
    assert end["billed"]["input_tokens"] == PROMPT
    await asyncio.sleep(0.01)
    assert provider.open_connections == 0


async def test_a_client_that_reads_slowly_and_leaves_is_noticed_too(wires: Wires, provider: FaultProvider) -> None:
    _, writer = await wires.connect()
    writer.write(request_bytes(PATHS["chat"], body_for("chat", "fault:big_event(30)", stream=True)))
    await asyncio.sleep(0.2)
    assert [line["event"] for line in provider.log] == ["received"]
    writer.transport.abort()
    (end,) = await ended(provider)
    assert end["aborted"] is not None
    assert not end["completed"]


@pytest.mark.parametrize(
    ("fault", "input_tokens", "output_tokens"),
    [
        ("status(500)", 0, 0),
        ("json_error_200", 0, 0),
        ("rst_after_request", 0, 0),
        ("redirect(127.0.0.1:1)", 0, 0),
        ("cut_after(5)", PROMPT, 5),
        ("rst_after_n_tokens(7)", PROMPT, 7),
        ("sse_error_at(5)", PROMPT, 5),
        ("no_finish", PROMPT, 30),
        ("usage(absent)", PROMPT, 30),
        ("tokens(50)", PROMPT, 50),
    ],
)
async def test_what_was_not_served_is_not_billed(
    wires: Wires, provider: FaultProvider, fault: str, input_tokens: int, output_tokens: int
) -> None:
    await wires.ask(fault)
    (end,) = await ended(provider)
    assert end["billed"] == {"input_tokens": input_tokens, "cached_tokens": 0, "output_tokens": output_tokens}
    assert end["completed"] == (fault in {"usage(absent)", "tokens(50)"})
    assert end["aborted"] is None


async def test_hidden_reasoning_is_billed_with_a_whole_answer(wires: Wires, provider: FaultProvider) -> None:
    await wires.ask("healthy", reasoning_effort="low")
    (end,) = await ended(provider)
    assert (end["tokens"], end["billed"]["output_tokens"]) == (30, 39)


async def test_the_callers_id_is_kept(wires: Wires, provider: FaultProvider) -> None:
    _, writer = await wires.connect()
    for header in ("x-request-id: mine", "x-turnout-decision: decided"):
        writer.write(request_bytes(PATHS["chat"], body_for("chat"), header))
    assert [line["id"] for line in await ended(provider, 2)] == ["mine", "decided"]
    assert {line["connection"] for line in provider.log if "connection" in line} == {1}
    writer.close()


async def test_what_cannot_be_read_is_booked_as_received(wires: Wires, provider: FaultProvider) -> None:
    _, writer = await wires.connect()
    writer.write(b"POST /v1/messages HTTP/1.1\r\nhost: p\r\ncontent-length: 3\r\n\r\n{{{")
    (end,) = await ended(provider)
    assert end["status"] == 400
    assert provider.log[0]["model"] is None
    writer.close()


def test_prompt_tokens_count_prose_and_nothing_else() -> None:
    image = {"type": "image_url", "image_url": {"url": "data:image/png;base64," + "A" * 4000}}
    text = {"type": "text", "text": "é" * 20}
    body = {"model": "m" * 400, "messages": [{"role": "user", "content": [text, image]}], "system": "x" * 8}
    assert prompt_tokens(body) == 1 + (40 + 8) // 4
    assert prompt_tokens({}) == 1


@pytest.mark.parametrize("bodies", [True, False])
async def test_a_file_has_every_line_and_bodies_only_when_asked(tmp_path: Path, bodies: bool) -> None:
    path = tmp_path / "provider.jsonl"
    path.write_text('{"event":"earlier"}\n')
    async with FaultProvider(ledger=Ledger(path, bodies=bodies)) as provider:
        await Wires(provider).ask("healthy")
        in_memory = provider.log
        provider.reset()
        assert provider.log == []
    lines = [json.loads(line) for line in path.read_text().splitlines()]
    assert lines == [{"event": "earlier"}, *json.loads(json.dumps(in_memory))]
    assert (QUESTION in path.read_text()) == bodies
    assert path.stat().st_mode & 0o777 in {0o600, 0o644}


def test_what_was_received_is_on_the_disk_before_the_answer_even_if_the_provider_is_killed(tmp_path: Path) -> None:
    path = tmp_path / "provider.jsonl"
    program = f"""
import asyncio
from turnout.testing import FaultProvider
async def main():
    async with FaultProvider("hang_headers", ledger={str(path)!r}) as provider:
        print(provider.url, flush=True)
        await asyncio.Event().wait()
asyncio.run(main())
"""
    with subprocess.Popen([sys.executable, "-c", program], stdout=subprocess.PIPE, text=True) as child:
        assert child.stdout is not None
        asyncio.run(ask_and_leave(int(child.stdout.readline().rpartition(":")[2]), path))
        child.kill()
    first, *later = (json.loads(line)["event"] for line in path.read_text().splitlines())
    assert first == "received"
    assert len(later) <= 1, "that the caller left, if that was noticed before the end"


async def ask_and_leave(port: int, path: Path) -> None:
    _, writer = await asyncio.open_connection("127.0.0.1", port)
    writer.write(request_bytes(PATHS["chat"], body_for("chat")))
    deadline = time.monotonic() + 5
    while not path.stat().st_size and time.monotonic() < deadline:
        await asyncio.sleep(0.01)
    writer.close()
