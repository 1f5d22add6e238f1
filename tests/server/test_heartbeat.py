"""A silent stream is kept alive, and nobody who reads it notices."""

from __future__ import annotations

import http.client
import json
import time
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import anthropic
import openai
import pytest

from tests.running import RunningGateway, running_gateway
from turnout.testing import HEALTHY_TEXT, HostedFaultProvider, running_fault_provider

CONFIG = """
providers:
  chat:     {{dialect: openai, base_url: "{faulty.openai_base_url}"}}
  messages: {{dialect: anthropic, base_url: "{faulty.anthropic_base_url}"}}
  well:     {{dialect: openai, base_url: "{well.openai_base_url}"}}
targets:
  chat-model:     {{provider: chat, model: m, price: {{input: 1, output: 2}}}}
  messages-model: {{provider: messages, model: m, price: {{input: 1, output: 2}}}}
  well-model:     {{provider: well, model: m, price: {{input: 1, output: 2}}}}
routes:
  late:    {{policy: chat-model}}
  chat:    {{policy: chat-model, heartbeat: early}}
  claude:  {{policy: messages-model, heartbeat: early}}
  rescued: {{policy: [chat-model, well-model], heartbeat: early, timeouts: {{first_token: 600ms}}}}
server: {{heartbeat: 200ms}}
"""
HELLO: Any = [{"role": "user", "content": "Hi"}]


@dataclass(frozen=True)
class Hosted:
    gateway: RunningGateway
    provider: HostedFaultProvider

    def chat(self) -> openai.OpenAI:
        return openai.OpenAI(base_url=self.gateway.openai_url, api_key="none", max_retries=0, timeout=20)

    def claude(self) -> anthropic.Anthropic:
        return anthropic.Anthropic(base_url=self.gateway.url, api_key="none", max_retries=0, timeout=20)

    def text(self, model: str) -> str:
        with self.chat() as client:
            stream: Any = client.chat.completions.create(model=model, messages=HELLO, stream=True)
            return "".join(chunk.choices[0].delta.content or "" for chunk in stream if chunk.choices)

    def message(self, model: str) -> str:
        with self.claude() as client, client.messages.stream(model=model, max_tokens=500, messages=HELLO) as stream:
            return "".join(stream.text_stream)

    def raw(self, model: str) -> tuple[http.client.HTTPResponse, float, bytes]:
        """The response, the longest silence on the wire in seconds, and the body."""
        connection = http.client.HTTPConnection("127.0.0.1", int(self.gateway.url.rpartition(":")[2]), timeout=10)
        body = json.dumps({"model": model, "messages": HELLO, "stream": True})
        before, longest, parts = time.monotonic(), 0.0, list[bytes]()
        connection.request("POST", "/v1/chat/completions", body)
        response = connection.getresponse()
        while True:
            now = time.monotonic()
            before, longest = now, max(longest, now - before)
            if not (part := response.read1()):
                connection.close()
                return response, longest, b"".join(parts)
            parts.append(part)


@pytest.fixture(scope="module")
def hosted(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Hosted]:
    with running_fault_provider(seed=1) as faulty, running_fault_provider(seed=2) as well:
        config = CONFIG.format(faulty=faulty, well=well)
        with running_gateway(config, tmp_path_factory.mktemp("heartbeat")) as gateway:
            yield Hosted(gateway, faulty)


@pytest.fixture(autouse=True)
def healthy(hosted: Hosted) -> Iterator[None]:
    yield
    hosted.provider.reset()


def test_a_gap_in_a_stream_is_filled_with_comments_between_events(hosted: Hosted) -> None:
    hosted.provider.use("stall_after(3,1)")
    _, longest, body = hosted.raw("late")
    events = body.split(b"\n\n")
    comments = [event for event in events if event.startswith(b":")]
    assert len(comments) >= 2
    assert set(comments) == {b": waiting"}
    assert longest < 0.9
    assert b"\nid:" not in body
    assert all(event.startswith((b": waiting", b"data: ")) for event in events if event)


def test_a_stream_that_is_never_silent_for_long_has_no_comment(hosted: Hosted) -> None:
    hosted.provider.use("tokens(20)+drip(40)")
    assert b": waiting" not in hosted.raw("late")[2]


def test_without_the_opt_in_nothing_is_sent_before_the_first_token(hosted: Hosted) -> None:
    hosted.provider.use("delay_headers(0.7)+status(500)")
    response, _, _ = hosted.raw("late")
    assert response.status == 502


def test_a_route_that_opted_in_sends_while_the_first_token_is_awaited(hosted: Hosted) -> None:
    hosted.provider.use("delay_first_token(1)")
    response, longest, body = hosted.raw("chat")
    assert response.status == 200
    assert body.startswith(b": waiting\n\n: waiting\n\n")
    assert body.endswith(b"data: [DONE]\n\n")
    assert longest < 0.9
    assert hosted.gateway.decision(response.headers["x-turnout-decision"]).outcome == "answered"


@pytest.mark.parametrize("fault", ["delay_first_token(1)", "stall_after(3,1)", None])
def test_the_sdks_read_the_answer_and_nothing_else(hosted: Hosted, fault: str | None) -> None:
    hosted.provider.use(fault)
    assert hosted.text("chat") == HEALTHY_TEXT
    assert hosted.message("claude") == HEALTHY_TEXT
    assert hosted.text("claude") == HEALTHY_TEXT
    assert hosted.message("chat") == HEALTHY_TEXT


def test_a_failure_in_time_has_its_status_though_the_route_opted_in(hosted: Hosted) -> None:
    hosted.provider.use("status(400)")
    with pytest.raises(openai.BadRequestError):
        hosted.text("chat")
    with pytest.raises(anthropic.BadRequestError):
        hosted.message("claude")


def test_a_failure_after_the_early_status_is_an_error_that_the_sdks_raise(hosted: Hosted) -> None:
    hosted.provider.use("delay_headers(0.6)+status(400)")
    with pytest.raises(openai.APIError) as chat:
        hosted.text("chat")
    assert not isinstance(chat.value, openai.APIStatusError)
    with pytest.raises(anthropic.APIStatusError):
        hosted.message("claude")
    response, _, body = hosted.raw("chat")
    assert response.status == 200
    assert b"[DONE]" not in body
    assert hosted.gateway.decision(response.headers["x-turnout-decision"]).outcome == "refused"


def test_another_target_still_takes_over_after_the_early_status(hosted: Hosted) -> None:
    hosted.provider.use("hang_headers")
    assert hosted.text("rescued") == HEALTHY_TEXT


@pytest.mark.parametrize("wait_s", [0.1, 0.5], ids=["before", "after"])
def test_a_caller_who_leaves_around_the_early_status_is_noticed(hosted: Hosted, wait_s: float) -> None:
    hosted.provider.use("hang_headers")
    before = len(hosted.provider.requests)
    connection = http.client.HTTPConnection("127.0.0.1", int(hosted.gateway.url.rpartition(":")[2]), timeout=10)
    connection.request("POST", "/v1/chat/completions", json.dumps({"model": "chat", "messages": HELLO, "stream": True}))
    while len(hosted.provider.requests) == before:
        time.sleep(0.01)
    time.sleep(wait_s)
    connection.close()
    decision = hosted.gateway.decision(hosted.provider.requests[-1].headers["x-turnout-decision"])
    assert decision.outcome == "cancelled"
    assert [attempt.outcome for attempt in decision.attempts] == ["cancelled"]
