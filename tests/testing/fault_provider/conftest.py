"""The fault provider as its users have it: the official SDKs, and a raw socket that sees every byte."""

from __future__ import annotations

from collections.abc import AsyncIterator

import anthropic
import openai
import pytest

from tests.testing.fault_provider.wires import Wires
from turnout.testing import FaultProvider


@pytest.fixture
async def provider() -> AsyncIterator[FaultProvider]:
    async with FaultProvider(seed=1) as provider:
        yield provider


@pytest.fixture
def wires(provider: FaultProvider) -> Wires:
    return Wires(provider)


@pytest.fixture
async def gpt(provider: FaultProvider) -> AsyncIterator[openai.AsyncOpenAI]:
    client = openai.AsyncOpenAI(
        base_url=provider.openai_base_url, api_key="key", max_retries=0, _strict_response_validation=True
    )
    async with client:
        yield client


@pytest.fixture
async def claude(provider: FaultProvider) -> AsyncIterator[anthropic.AsyncAnthropic]:
    client = anthropic.AsyncAnthropic(
        base_url=provider.anthropic_base_url, api_key="key", max_retries=0, _strict_response_validation=True
    )
    async with client:
        yield client
