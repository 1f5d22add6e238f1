"""The mock provider, the relay and the load generator, as real processes on real sockets."""

from __future__ import annotations

import asyncio
import json
import sys
from typing import TYPE_CHECKING

import pytest

from bench import load, nginx
from bench.contestants import DIRECT, RELAY, body, start_all, start_mock
from bench.exchange import complete
from bench.machine import BenchError, Cores, Stage
from bench.payloads import STREAM_EVENTS, chat_answer, chat_events, chat_request, phrase_lists, prompt
from tests.ports import lasting_port

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

UNPINNED = Cores(frozenset(), frozenset(), frozenset())


@pytest.fixture
def stage(tmp_path: Path) -> Iterator[Stage]:
    stage = Stage(tmp_path, UNPINNED)
    yield stage
    stage.close()


def test_the_payloads_are_what_the_report_says_they_are() -> None:
    lists = phrase_lists()
    assert [len(set(phrases)) for phrases in lists.values()] == [200, 200, 200]
    assert len(set().union(*lists.values())) == 600
    letter = prompt(2000)
    assert len(letter) == 2000
    assert not any(phrase in letter.lower() for phrases in lists.values() for phrase in phrases)
    assert 900 < len(chat_request("unary", stream=False)) < 1100
    assert 500 < len(chat_answer()) < 700
    assert len(chat_events()) == STREAM_EVENTS


@pytest.mark.parametrize(
    ("received", "whole"),
    [
        (b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok", True),
        (b"HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\nok", False),
        (b"HTTP/1.1 200 OK\r\nContent-Le", False),
        (b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nok\r\n", False),
        (b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nok\r\n0\r\n\r\n", True),
    ],
)
def test_an_answer_is_complete_when_its_framing_says_so(received: bytes, whole: bool) -> None:
    assert (complete(received) is not None) is whole


def test_every_contestant_relays_the_providers_answer_and_its_stream(stage: Stage) -> None:
    contestants = start_all(stage, start_mock(stage), turnout=None)
    assert {DIRECT, RELAY} <= {contestant.name for contestant in contestants}
    for contestant in contestants:
        for workload in ("unary", "stream"):
            seen = asyncio.run(load.generate(contestant.url(workload), body(workload), 4, 0.2))
            assert seen.requests > 0
            assert seen.failures == 0


def test_paced_streams_come_one_event_at_a_time_and_whole(stage: Stage) -> None:
    upstream = start_mock(stage)["paced"]
    sizes = asyncio.run(load.once(f"{upstream}/v1/chat/completions", body("paced"), 2))
    assert sizes > 2 * sum(len(event) for event in chat_events())


def test_the_load_generator_reports_what_wrk_reports(stage: Stage) -> None:
    port = lasting_port()
    server = stage.start("mock", (sys.executable, "-m", "bench.mock", str(port)), port, mock=True)
    url = f"{server.url}/unary/v1/chat/completions"
    seen = load.drive(url, body("unary"), stage.directory, connections=2, seconds=1)
    assert seen.requests > 100
    assert 0.9 < seen.seconds < 2
    assert server.cpu_seconds() > 0
    assert server.rss_mb() > 5


def test_a_server_that_does_not_start_is_reported_with_its_log(stage: Stage) -> None:
    with pytest.raises(BenchError, match="unhappy start"):
        stage.start("broken", (sys.executable, "-c", "raise SystemExit('unhappy start')"), lasting_port())


def test_stopping_leaves_no_process(stage: Stage) -> None:
    start_mock(stage)
    processes = [server.process for server in stage.servers]
    stage.close()
    assert all(process.poll() is not None for process in processes)


def test_the_nginx_proxy_has_a_location_for_each_workload(tmp_path: Path) -> None:
    config = nginx.proxy_config(tmp_path, 8000, {"unary": "http://127.0.0.1:1/unary", "stream": "http://127.0.0.1:2/s"})
    assert "upstream unary { server 127.0.0.1:1;" in config
    assert "location /stream/ { proxy_pass http://stream; }" in config
    assert json.loads(nginx.mock_config(tmp_path, 1).partition("return 200 '")[2].partition("'")[0])
