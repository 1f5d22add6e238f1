"""What the official SDKs make of a stream: their own accumulators, every event strictly validated."""

from __future__ import annotations

from typing import Any

import httpx2
from anthropic import Anthropic
from openai import LengthFinishReasonError, OpenAI


class Served(httpx2.BaseTransport):
    """Answers every request with the stream it holds."""

    stream = b""

    def handle_request(self, request: httpx2.Request) -> httpx2.Response:
        return httpx2.Response(200, content=self.stream, headers={"content-type": "text/event-stream"})


SERVED = Served()
OPENAI = OpenAI(
    api_key="made-up",
    base_url="http://provider.test/v1",
    http_client=httpx2.Client(transport=SERVED),
    max_retries=0,
    _strict_response_validation=True,
)
ANTHROPIC = Anthropic(
    api_key="made-up",
    base_url="http://provider.test",
    http_client=httpx2.Client(transport=SERVED),
    max_retries=0,
    _strict_response_validation=True,
)


def through_openai(stream: bytes) -> dict[str, Any]:
    """The final chat completion."""
    SERVED.stream = stream
    with OPENAI.chat.completions.stream(model="m", messages=[{"role": "user", "content": "hi"}]) as answer:
        try:
            final = answer.get_final_completion()
        except LengthFinishReasonError as cut_short:
            final = cut_short.completion  # type: ignore[assignment]  # how the SDK hands over such an answer
    return final.model_dump(mode="json", exclude_unset=True)


def through_responses(stream: bytes) -> dict[str, Any]:
    """The final response. An incomplete one is the last event's: the SDK's accumulator only knows completed ones."""
    SERVED.stream = stream
    with OPENAI.responses.stream(model="m", input="hi") as answer:
        last: Any = list(answer)[-1]
    assert last.type in ("response.completed", "response.incomplete")
    told: dict[str, Any] = last.response.model_dump(mode="json", exclude_unset=True)
    return told


def through_anthropic(stream: bytes) -> dict[str, Any]:
    """The final message."""
    SERVED.stream = stream
    with ANTHROPIC.messages.stream(model="m", max_tokens=9, messages=[{"role": "user", "content": "hi"}]) as answer:
        return answer.get_final_message().model_dump(mode="json", exclude_unset=True)
