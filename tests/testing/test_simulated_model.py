from __future__ import annotations

from collections.abc import AsyncIterator

import pytest
from openai import APIConnectionError, AsyncOpenAI
from openai.types.chat import ChatCompletionMessageParam

from turnout.testing.simulated_model import LABEL, SimulatedModel

ASKED: list[ChatCompletionMessageParam] = [
    {"role": "system", "content": "Be brief."},
    {"role": "user", "content": [{"type": "text", "text": "Where is my parcel?"}]},
]


@pytest.fixture
async def model() -> AsyncIterator[SimulatedModel]:
    simulated = SimulatedModel(lambda said: f"About «{said}»", first_token_s=0.01, tokens_per_s=10_000)
    async with simulated:
        yield simulated


@pytest.fixture
async def client(model: SimulatedModel) -> AsyncIterator[AsyncOpenAI]:
    async with AsyncOpenAI(base_url=model.base_url, api_key="none", max_retries=0) as client:
        yield client


async def test_an_answer_says_that_it_is_simulated(client: AsyncOpenAI) -> None:
    answer = await client.chat.completions.create(model="strong", messages=ASKED)
    assert answer.choices[0].message.content == f"{LABEL} About «Where is my parcel?»"
    assert answer.choices[0].finish_reason == "stop"
    assert answer.model == "strong"


async def test_a_stream_carries_the_same_words_and_usage_as_the_whole_answer(client: AsyncOpenAI) -> None:
    whole = await client.chat.completions.create(model="strong", messages=ASKED)
    stream = await client.chat.completions.create(
        model="strong", messages=ASKED, stream=True, stream_options={"include_usage": True}
    )
    chunks = [chunk async for chunk in stream]
    text = "".join(chunk.choices[0].delta.content or "" for chunk in chunks if chunk.choices)
    assert text == whole.choices[0].message.content
    assert chunks[-1].usage == whole.usage
    assert whole.usage is not None
    assert whole.usage.completion_tokens > 5


async def test_a_limit_cuts_the_answer_and_says_so(client: AsyncOpenAI) -> None:
    answer = await client.chat.completions.create(model="strong", messages=ASKED, max_tokens=3)
    assert answer.choices[0].finish_reason == "length"
    assert answer.usage is not None
    assert answer.usage.completion_tokens == 3


async def test_an_outage_refuses_everybody_and_ends_at_the_same_address(
    model: SimulatedModel, client: AsyncOpenAI
) -> None:
    before = model.base_url
    await client.chat.completions.create(model="strong", messages=ASKED)
    await model.stop()
    with pytest.raises(APIConnectionError):
        await client.chat.completions.create(model="strong", messages=ASKED)
    await model.start()
    assert model.base_url == before
    answer = await client.chat.completions.create(model="strong", messages=ASKED)
    assert answer.choices
