"""One provider of every dialect, directly and behind a gateway."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from functools import cache

import anthropic
import openai
import pytest

from tests.running import RunningGateway, running_gateway
from turnout.testing import HostedFaultProvider, running_fault_provider

CONFIG = """
providers:
  chat:     {{dialect: openai, base_url: "{provider.openai_base_url}", api_key: provider-key}}
  responses: {{dialect: openai_responses, base_url: "{provider.openai_base_url}", api_key: provider-key}}
  messages: {{dialect: anthropic, base_url: "{provider.anthropic_base_url}", api_key: provider-key}}
  gemini:   {{dialect: gemini, base_url: "{provider.gemini_base_url}", api_key: provider-key}}
targets:
  openai:    {{provider: chat, price: {{input: 1, output: 2}}}}
  anthropic: {{provider: messages, price: {{input: 1, output: 2}}}}
  chat-model: {{provider: chat, model: the-model, price: {{input: 1, output: 2}}}}
  responses-model: {{provider: responses, model: the-model, price: {{input: 1, output: 2}}}}
  messages-model: {{provider: messages, model: the-model, price: {{input: 1, output: 2}}}}
  known-model: {{provider: messages, model: the-model, context_tokens: 200000, price: {{input: 1, output: 2}}}}
  gemini-model: {{provider: gemini, model: gemini-3-flash-preview, price: {{input: 1, output: 2}}}}
  claude-haiku: {{provider: messages, model: claude-haiku-4-5, context_tokens: 100000, price: {{input: 1, output: 2}}}}
  gemini:    {{provider: gemini, price: {{input: 1, output: 2}}}}
routes:
  "openai/*":    {{policy: openai}}
  "anthropic/*": {{policy: anthropic}}
  of-openai:    {{policy: chat-model, timeouts: {{first_token: 2s, idle: 1s, answer: 3s, total: 5s}}}}
  of-responses: {{policy: responses-model, timeouts: {{first_token: 2s, idle: 1s, answer: 3s, total: 5s}}}}
  "gemini/*":    {{policy: gemini}}
  known:        {{policy: {{fallback: [known-model, claude-haiku]}}}}
  of-gemini:    {{policy: gemini-model, timeouts: {{first_token: 2s, idle: 1s, answer: 3s, total: 5s}}}}
  of-anthropic: {{policy: messages-model, timeouts: {{first_token: 2s, idle: 1s, answer: 3s, total: 5s}}}}
"""

ROUTES = ("of-openai", "of-responses", "of-anthropic", "of-gemini")
STOPPABLE = ("of-openai", "of-anthropic", "of-gemini")
"""Those whose provider has stop sequences."""


@dataclass(frozen=True, eq=False)
class Sides:
    """The same SDK, pointed at the provider and at the gateway."""

    provider: HostedFaultProvider
    gateway: RunningGateway

    clients: ExitStack

    @cache  # noqa: B019 - the sides last as long as the module
    def openai(self, *, direct: bool = False) -> openai.OpenAI:
        url = self.provider.openai_base_url if direct else self.gateway.openai_url
        client = openai.OpenAI(
            base_url=url, api_key="caller-key", max_retries=0, timeout=20, _strict_response_validation=True
        )
        return self.clients.enter_context(client)

    @cache  # noqa: B019 - as above
    def anthropic(self, *, direct: bool = False) -> anthropic.Anthropic:
        url = self.provider.anthropic_base_url if direct else self.gateway.url
        client = anthropic.Anthropic(
            base_url=url, api_key="caller-key", max_retries=0, timeout=20, _strict_response_validation=True
        )
        return self.clients.enter_context(client)


@pytest.fixture(scope="module")
def both(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Sides]:
    with running_fault_provider(seed=1) as provider:
        config = CONFIG.format(provider=provider)
        with running_gateway(config, tmp_path_factory.mktemp("gateway")) as gateway, ExitStack() as clients:
            yield Sides(provider, gateway, clients)


@pytest.fixture
def sides(both: Sides) -> Iterator[Sides]:
    both.provider.reset()
    yield both
    both.provider.reset()
