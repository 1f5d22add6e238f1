"""One dialect's stream, told in the other, means the same."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.wire.anthropic_messages import test_translation as anthropic
from tests.wire.following import decoded, encoded, folded
from tests.wire.openai_chat import test_translation as openai
from tests.wire.translating import answers, told
from turnout.types.chat import Answer
from turnout.wire.sse import SseSplitter

ENCODERS = {"openai": openai.Encoder, "anthropic": anthropic.Encoder}
DECODERS = {"openai": openai.Decoder, "anthropic": anthropic.Decoder}
WITH_USAGE: dict[str, Any] = {"stream_options": {"include_usage": True}}


@pytest.mark.parametrize(("provider", "caller"), [("openai", "anthropic"), ("anthropic", "openai")])
@settings(max_examples=50)
@given(data=st.data(), answer=answers(signed=False))
def test_an_answer_survives_the_journey(provider: str, caller: str, data: st.DataObject, answer: Answer):
    upstream = encoded(ENCODERS[provider](WITH_USAGE, "m"), data.draw(told(answer, interleaved=True)))
    decoder, encoder = DECODERS[provider](), ENCODERS[caller](WITH_USAGE, "m")
    splitter = SseSplitter()
    cut = data.draw(st.integers(0, len(upstream)))
    arrived = [*splitter.feed(upstream[:cut]), *splitter.feed(upstream[cut:])]
    sent = b"".join(encoder.encode(delta) for event in arrived for delta in decoder.decode(event))
    there = folded(decoded(DECODERS[caller](), sent))
    for field in ("id", "model", "parts", "finish", "usage"):
        assert getattr(there, field) == getattr(answer, field)
    {"openai": openai.through_the_sdk, "anthropic": anthropic.through_the_sdk}[caller](sent)
