"""One dialect's stream, told in another, means the same."""

from __future__ import annotations

from itertools import permutations
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.wire.following import decoded, encoded, folded
from tests.wire.sdks import through_anthropic, through_openai, through_responses
from tests.wire.translating import answers, told
from turnout.types.chat import Answer
from turnout.wire.anthropic_messages.decoder import Decoder as AnthropicDecoder
from turnout.wire.anthropic_messages.encoder import Encoder as AnthropicEncoder
from turnout.wire.dialect import StreamDecoder, StreamEncoder
from turnout.wire.openai_chat.decoder import Decoder as OpenAIDecoder
from turnout.wire.openai_chat.encoder import Encoder as OpenAIEncoder
from turnout.wire.openai_responses.decoder import Decoder as ResponsesDecoder
from turnout.wire.openai_responses.encoder import Encoder as ResponsesEncoder
from turnout.wire.sse import SseSplitter

ENCODERS: dict[str, type[OpenAIEncoder | ResponsesEncoder | AnthropicEncoder]] = {
    "openai": OpenAIEncoder,
    "responses": ResponsesEncoder,
    "anthropic": AnthropicEncoder,
}
DECODERS: dict[str, type[OpenAIDecoder | ResponsesDecoder | AnthropicDecoder]] = {
    "openai": OpenAIDecoder,
    "responses": ResponsesDecoder,
    "anthropic": AnthropicDecoder,
}
SDKS = {"openai": through_openai, "responses": through_responses, "anthropic": through_anthropic}
WITH_USAGE: dict[str, Any] = {"stream_options": {"include_usage": True}}


@pytest.mark.parametrize(("provider", "caller"), list(permutations(ENCODERS, 2)))
@settings(max_examples=50)
@given(data=st.data(), answer=answers(signed=True))
def test_an_answer_survives_the_journey(provider: str, caller: str, data: st.DataObject, answer: Answer) -> None:
    upstream = encoded(ENCODERS[provider](WITH_USAGE, "m"), data.draw(told(answer, interleaved=True)))
    decoder: StreamDecoder = DECODERS[provider]()
    encoder: StreamEncoder = ENCODERS[caller](WITH_USAGE, "m")
    splitter = SseSplitter()
    cut = data.draw(st.integers(0, len(upstream)))
    arrived = [*splitter.feed(upstream[:cut]), *splitter.feed(upstream[cut:])]
    sent = b"".join(encoder.encode(delta) for event in arrived for delta in decoder.decode(event))
    there = folded(decoded(DECODERS[caller](), sent))
    for field in ("id", "model", "parts", "finish", "usage"):
        assert getattr(there, field) == getattr(answer, field)
    assert SDKS[caller](sent)
