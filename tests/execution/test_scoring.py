"""Scores by code of the user's: over real sockets and real threads."""

from __future__ import annotations

import asyncio
import json
import logging
import sys
import threading
from collections.abc import AsyncIterator, Iterator, Mapping
from contextlib import asynccontextmanager, suppress
from pathlib import Path
from typing import Any

import pytest

from tests.confidence.signals.holding import answer, held
from tests.execution.services import listening, service
from turnout.confidence.signal import Score
from turnout.confidence.signals.scored import HttpScore, PythonScore
from turnout.confidence.signals.table import signal_named
from turnout.errors import ConfigError
from turnout.execution import scoring
from turnout.execution.scoring import HttpScorer, PythonScorer, scorers_of
from turnout.providers.aiohttp_transport import AiohttpTransport

CASE = {"answer": "42", "target": "small"}


@asynccontextmanager
async def scorer_at(url: str, **settings: Any) -> AsyncIterator[HttpScorer]:
    transport = AiohttpTransport()
    signal = signal_named("ours", {"signal": "http", "url": url, "timeout": "30s", **settings})
    assert isinstance(signal, HttpScore)
    yield HttpScorer(signal, transport)
    await transport.close()


async def test_a_service_is_sent_the_case_and_gives_its_score() -> None:
    heard: list[str] = []
    said: list[dict[str, Any]] = []

    def reply(case: dict[str, Any]) -> tuple[int, bytes]:
        said.append(case)
        return 200, b'{"score": 0.8, "why": "short"}'

    async with service(reply, heard=heard) as url, scorer_at(url, headers={"x-key": "k-1"}) as scorer:
        assert await scorer.score(CASE) == 0.8
    assert said == [CASE]
    assert heard[0].startswith("POST /score HTTP/1.1")
    assert "x-key: k-1" in heard[0].lower()


@pytest.mark.parametrize(
    ("status", "body", "score"),
    [
        (200, b"0.25", 0.25),
        (201, b'{"score": 1}', 1.0),
        (200, b'{"score": null}', None),
        (200, b'{"score": "high"}', None),
        (200, b'{"score": NaN}', None),
        (200, b"{}", None),
        (200, b"<html>", None),
        (200, b"x" * (scoring.MAX_REPLY + 1), None),
        (404, b'{"score": 1}', None),
        (500, b"", None),
    ],
)
async def test_what_is_no_score_is_none(status: int, body: bytes, score: float | None) -> None:
    async with service(lambda _: (status, body)) as url, scorer_at(url) as scorer:
        assert await scorer.score(CASE) == score


async def test_a_redirect_is_not_followed() -> None:
    elsewhere: list[dict[str, Any]] = []

    def reply(case: dict[str, Any]) -> tuple[int, bytes]:
        elsewhere.append(case)
        return 200, b"1"

    async with (
        service(reply) as other,
        service(lambda _: (307, b""), headers=f"location: {other}\r\n") as url,
        scorer_at(url) as scorer,
    ):
        assert await scorer.score(CASE) is None
    assert elsewhere == []


async def test_a_service_that_is_away_or_silent_gives_none_and_is_reported_once(
    caplog: pytest.LogCaptureFixture,
) -> None:
    caplog.set_level(logging.WARNING)
    works = False
    async with service(lambda _: (200, b"0.5") if works else (503, b"")) as url, scorer_at(url) as scorer:
        assert [await scorer.score(CASE) for _ in range(3)] == [None, None, None]
        works = True
        assert [await scorer.score(CASE) for _ in range(2)] == [0.5, 0.5]
    told = [record.message for record in caplog.records if "scorer" in record.message]
    assert [line.split(",")[0] for line in told] == ["the scorer ours fails", "the scorer ours works again"]
    assert "status 503" in told[0]
    async with scorer_at(url) as scorer:
        assert await scorer.score(CASE) is None

    async def silent(reader: asyncio.StreamReader, _: asyncio.StreamWriter) -> None:
        with suppress(OSError):
            await reader.read()

    async with listening(silent) as url, scorer_at(url, timeout="50ms") as scorer:
        assert await scorer.score(CASE) is None
    assert "no score within 0.05 s" in caplog.text


FUNCTIONS = """
import asyncio, threading

gate = threading.Event()
seen = []

def length(case):
    seen.append(threading.current_thread().name)
    return len(case["answer"])

async def later(case):
    await asyncio.sleep(0)
    return 0.5

def nothing(case):
    return None

def words(case):
    return "good"

def breaks(case):
    raise KeyError("weights")

def stops(case):
    raise StopIteration

def leaves(case):
    raise SystemExit(1)

def hangs(case):
    gate.wait()

class Scores:
    @staticmethod
    def good(case):
        return case["answer"] == "42"

number = 7
"""


@pytest.fixture
def shop(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    """A module of the user's, importable."""
    (tmp_path / "shop_quality.py").write_text(FUNCTIONS)
    (tmp_path / "shop_broken.py").write_text("def score(:")
    monkeypatch.syspath_prepend(str(tmp_path))
    yield "shop_quality"
    if (module := sys.modules.pop("shop_quality", None)) is not None:
        module.gate.set()


def scorer_of(call: str, timeout: str = "30s") -> PythonScorer:
    signal = signal_named("mine", {"signal": "python", "call": call, "timeout": timeout})
    assert isinstance(signal, PythonScore)
    return PythonScorer(signal)


@pytest.mark.parametrize(
    ("name", "score"),
    [
        ("length", 2.0),
        ("later", 0.5),
        ("nothing", None),
        ("words", None),
        ("breaks", None),
        ("stops", None),
        ("Scores.good", 1.0),
    ],
)
async def test_a_function_gives_its_score_or_none(shop: str, name: str, score: float | None) -> None:
    assert await scorer_of(f"{shop}:{name}").score(CASE) == score


async def test_what_a_function_raises_is_told(shop: str, caplog: pytest.LogCaptureFixture) -> None:
    await scorer_of(f"{shop}:breaks").score(CASE)
    assert "the scorer mine fails" in caplog.text
    assert "KeyError: 'weights'" in caplog.text


async def test_a_function_runs_beside_the_event_loop(shop: str) -> None:
    await scorer_of(f"{shop}:length").score(CASE)
    assert sys.modules[shop].seen == ["turnout-mine"]


async def test_a_function_that_leaves_takes_nobody_with_it(shop: str) -> None:
    assert await scorer_of(f"{shop}:leaves", "200ms").score(CASE) is None


async def test_a_function_that_hangs_is_given_up_and_holds_only_so_many_threads(shop: str) -> None:
    before = threading.active_count()
    scorer = scorer_of(f"{shop}:hangs", "50ms")
    scores = await asyncio.gather(*(scorer.score(CASE) for _ in range(2 * scoring.MAX_RUNNING)))
    assert scores == [None] * len(scores)
    assert threading.active_count() - before <= scoring.MAX_RUNNING


@pytest.mark.parametrize(
    ("call", "told"),
    [
        ("shop_missing:score", "shop_missing:score is not there: No module named 'shop_missing'. Write it as package"),
        ("shop_quality:missing", "shop_quality:missing is not there: .*no attribute 'missing'"),
        ("shop_broken:score", "shop_broken:score is not there"),
        ("shop_quality:number", "shop_quality:number is no function"),
    ],
)
def test_a_function_that_is_not_there_is_told(shop: str, call: str, told: str) -> None:
    assert shop
    with pytest.raises(ConfigError, match=f"the signal mine cannot be made: {told}"):
        scorer_of(call)


async def test_scorers_are_found_by_the_names_of_their_signals(shop: str) -> None:
    signals = [
        signal_named("mine", {"signal": "python", "call": f"{shop}:length"}),
        signal_named("http", {"url": "http://127.0.0.1:9/"}),
        signal_named("empty"),
    ]
    transport = AiohttpTransport()
    scorers = scorers_of(signals, transport)
    assert sorted(scorers) == ["http", "mine"]
    reading = signals[0].read(held(answer("four")))
    asked = next(reading)
    assert isinstance(asked, Score)
    score: float | None = await scorers[asked.scorer].score(_as_json(asked.case))
    with pytest.raises(StopIteration) as stopped:
        reading.send(score)
    assert stopped.value.value == 4.0
    await transport.close()


def _as_json(case: Mapping[str, Any]) -> dict[str, Any]:
    told: dict[str, Any] = json.loads(json.dumps(case))
    return told
