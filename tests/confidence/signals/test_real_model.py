"""Every signal, read off answers of a real model that came through the gateway's own code, whole and streamed."""

from __future__ import annotations

import asyncio
import json
import math
from collections.abc import AsyncIterator, Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import msgspec
import pytest

from tests.confidence.judges import calibrated_on
from tests.confidence.signals.holding import held
from tests.execution.services import service
from tests.wiring import OPENAI
from turnout.confidence.calibration import save_calibration
from turnout.confidence.signal import read_free
from turnout.confidence.signals.logprobs import TOP_LOGPROBS
from turnout.confidence.signals.table import SIGNALS, signal_named
from turnout.config.build import ConfiguredRouter
from turnout.errors import MissingExtra
from turnout.ledger.location import database_file
from turnout.ledger.sqlite import SqliteStore
from turnout.providers.aiohttp_transport import AiohttpTransport
from turnout.providers.transport import HttpCall
from turnout.testing.local_model import LOCAL_MODEL, installed_weights, running_local_model
from turnout.types.chat import Chat, Message, Text
from turnout.types.decision import Decision
from turnout.wire.gathered import Gathered
from turnout.wire.registry import dialect
from turnout.wire.sse import SseSplitter

try:
    installed_weights()
except MissingExtra:  # `make test` installs it; a bare development environment may lack it
    pytest.skip("the local model is not installed", allow_module_level=True)

NATS, SHARE, COUNT = (-30.0, 30.0), (0.0, 1.0), (0.0, 10_000.0)
RANGES = {
    "mean_logprob": NATS,
    "min_logprob": NATS,
    "quantile_logprob": NATS,
    "logprob_margin": NATS,
    "token_entropy": NATS,
    "first_token": SHARE,
    "truncated": SHARE,
    "refused": SHARE,
    "hedging": SHARE,
    "empty": SHARE,
    "answer_chars": COUNT,
    "schema_invalid": SHARE,
    "tools_invalid": SHARE,
    "language_differs": SHARE,
    "p_true": SHARE,
    "agreement": SHARE,
    "judge": SHARE,
    "python": COUNT,
    "http": SHARE,
    "tokens": COUNT,
}
"""Every signal, and a feature beside them. How sure it is this model does not say, even when it is asked."""

CONFIG = """
providers:
  local: {{dialect: openai, base_url: "{model}", api_key: none}}
targets:
  small: {{provider: local, model: {name}, price: {{input: 0.1, output: 0.4}}}}
  other: {{provider: local, model: {name}, price: {{input: 1, output: 4}}}}
routes:
  every:
    baseline: other
    policy:
      cascade:
        - use: small
          accept:
            confidence: 0.5
            by: every.json
            signals:
              agreement: {{samples: 1, temperature: 0.2}}
              judge: {{target: other, structured: true, chars: 400}}
              python: {{call: "signals_of_ours:words"}}
              http: {{url: "{scorer}", timeout: 30s}}
        - {{use: other}}
  raw:
    baseline: other
    policy: {{cascade: [{{use: small, accept: {{confidence: 0.01}}}}, {{use: other}}]}}
  stated:
    baseline: other
    policy: {{cascade: [{{use: small, accept: {{confidence: 0.5, by: stated.json}}}}, {{use: other}}]}}
"""
ASKED: list[dict[str, Any]] = [{"role": "user", "content": "What is 7 times 8? Reply with the number only."}]
FIELDS: dict[str, Any] = {"max_tokens": 24, "temperature": 0, "seed": 1}


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    with running_local_model(tmp_path_factory.mktemp("model") / "log") as url:
        yield url


@pytest.fixture
async def router(model: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[ConfiguredRouter]:
    save_calibration(tmp_path / "every.json", calibrated_on(RANGES, offset=1.0))
    save_calibration(tmp_path / "stated.json", calibrated_on({"stated_confidence": SHARE}, offset=1.0))
    (tmp_path / "signals_of_ours.py").write_text("def words(case): return len(case['answer'].split())\n")
    monkeypatch.syspath_prepend(str(tmp_path))
    async with service(lambda case: (200, json.dumps({"score": float("56" in case["answer"])}).encode())) as scorer:
        (tmp_path / "turnout.yaml").write_text(CONFIG.format(model=model, name=LOCAL_MODEL, scorer=scorer))
        async with ConfiguredRouter.from_config(tmp_path / "turnout.yaml", data=tmp_path / "data") as router:
            yield router


async def decided(router: ConfiguredRouter, route: str, *, stream: bool) -> tuple[str, Decision]:
    """What is said, and the record of it."""
    if not stream:
        answer = await router.chat(route=route, messages=ASKED, **FIELDS)
        return answer.text, answer.decision
    said = await router.stream(route=route, messages=ASKED, **FIELDS)
    text = ""
    async for chunk in said:
        for choice in chunk["choices"]:
            assert not choice.get("logprobs")  # only turnout asked for them
            text += choice["delta"].get("content") or ""
    return text, await recorded(router.data, said.decision_id)


async def recorded(data: Path, decision_id: str) -> Decision:
    """The record, once it is in the ledger."""
    with closing(SqliteStore(database_file(data))) as store:
        async with asyncio.timeout(60):
            while (found := store.read(decision_id)) is None:
                await asyncio.sleep(0.02)
        return found


@pytest.mark.parametrize("stream", [False, True], ids=["whole", "streamed"])
async def test_every_signal_is_read_and_recorded_and_what_was_asked_is_paid_for(
    router: ConfiguredRouter, stream: bool
) -> None:
    text, decision = await decided(router, "every", stream=stream)
    signals = decision.signals
    assert text
    assert signals.keys() == SIGNALS.keys() - {"stated_confidence"}
    assert all(map(math.isfinite, signals.values()))
    assert -30 <= signals["min_logprob"] <= signals["quantile_logprob"] <= 0
    assert signals["min_logprob"] <= signals["mean_logprob"] < 0
    assert signals["logprob_margin"] > 0
    assert signals["token_entropy"] > 0
    assert 0 < signals["first_token"] < 1
    assert 0 < signals["p_true"] < 1
    assert signals["answer_chars"] == len(text)
    assert signals["python"] == len(text.split())
    assert signals["http"] == float("56" in text)
    assert signals["judge"] in {grade / 10 for grade in range(11)}
    assert (decision.target, decision.artefact is not None) == ("small", True)
    assert decision.confidence == pytest.approx(1 / (1 + math.exp(-1)), abs=1e-6)
    asked = [(each.target, each.purpose) for each in decision.attempts]
    assert asked == [("small", "answer"), ("small", "judge"), ("small", "judge"), ("other", "judge")]
    judging = sum(each.cost_usd or 0 for each in decision.attempts[1:])
    assert decision.router_cost_usd == judging > 0
    assert decision.cost_usd == judging + (decision.attempts[0].cost_usd or 0)


async def test_a_streamed_answer_has_the_signals_of_the_whole_one(router: ConfiguredRouter) -> None:
    (text, whole), (again, streamed) = [await decided(router, "raw", stream=stream) for stream in (False, True)]
    assert again == text
    assert streamed.signals["mean_logprob"] == pytest.approx(whole.signals["mean_logprob"], abs=0.05)
    assert streamed.confidence == pytest.approx(math.exp(streamed.signals["mean_logprob"]))


@pytest.mark.parametrize("stream", [False, True], ids=["whole", "streamed"])
async def test_a_model_that_does_not_say_how_sure_it_is_counts_as_unsure(
    router: ConfiguredRouter, stream: bool
) -> None:
    text, decision = await decided(router, "stated", stream=stream)
    assert text
    assert "confidence" not in text
    assert decision.target == "other"
    assert "stated_confidence cannot be read" in [each.because for each in decision.considered]


async def test_what_a_beginning_tells_settles_as_the_answer_is_written(model: str) -> None:
    """Each signal that can be read off a beginning is, token by token, up to what the whole answer tells."""
    free = [signal_named(name) for name in ("mean_logprob", "min_logprob", "first_token", "token_entropy", "hedging")]
    readings = []
    question = Chat(messages=(Message("user", (Text(ASKED[0]["content"]),)),), stream=True, max_tokens=24)
    question = msgspec.structs.replace(question, temperature=0.0, logprobs=True, top_logprobs=TOP_LOGPROBS)
    async for gathered in streamed(model, question):
        case = held(gathered.answer(), question, whole=gathered.whole)
        readings.append((gathered.tokens, [read_free(signal, case) for signal in free]))
    begun = [values for tokens, values in readings if tokens]
    assert all(value is not None for values in begun for value in values)
    assert len({tokens for tokens, _ in readings}) >= 5
    assert len({values[2] for values in begun}) == 1  # the first token stays the first
    least = [values[1] or 0.0 for values in begun]
    assert least == sorted(least, reverse=True)


async def streamed(model: str, question: Chat) -> AsyncIterator[Gathered]:
    """The answer as far as it has come, event by event, by the provider's own dialect."""
    spoken, transport = dialect(OPENAI), AiohttpTransport()
    body = msgspec.json.encode(spoken.encode_request(question, LOCAL_MODEL, ask_usage=True))
    call = HttpCall(f"{model}{spoken.path}", {"content-type": "application/json"}, body)
    decoder, splitter, gathered = spoken.decoder(), SseSplitter(), Gathered()
    exchange = await transport.open(call, connect_timeout=30)
    async for chunk in exchange.chunks():
        for event in splitter.feed(chunk):
            for delta in decoder.decode(event):
                gathered.add(delta)
            yield gathered
    await transport.close()
