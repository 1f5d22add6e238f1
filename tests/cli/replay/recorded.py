"""A ledger that real requests wrote: every kind of policy, before a provider that answers, fails and refuses."""

from __future__ import annotations

import asyncio
from contextlib import suppress
from pathlib import Path

from turnout import Caller, Router
from turnout.errors import RequestFailed
from turnout.testing import HostedFaultProvider

CONFIG = """
providers:
  chat: {{dialect: openai, base_url: "{provider.openai_base_url}", api_key: provider-key}}
targets:
  cheap:  {{provider: chat, model: "fault:tokens(4)", price: {{input: 1, output: 2}}}}
  strong: {{provider: chat, model: "fault:tokens(8)", price: {{input: 10, output: 20}}}}
  broken: {{provider: chat, model: "fault:status(401)", price: {{input: 1, output: 2}}}}
  wrong:  {{provider: chat, model: "fault:status(400)", price: {{input: 1, output: 2}}}}
  unseen: {{provider: chat, model: small, price: {{input: 5, output: 5}}}}
flags:
  haiku-first: {{share: {{on: 50%}}, by: request}}
  watched: {{mode: observe, share: {{on: 100%}}}}
routes:
  support:
    baseline: strong
    lists: {{legal: [chargeback, lawyer], faq: [opening hours, reset my password]}}
    policy:
      rules:
        - {{name: legal, when: {{matches: legal}}, use: strong}}
        - {{name: faq, when: {{matches: faq, tokens: {{max: 40}}}}, use: [cheap, strong]}}
        - {{name: gold, when: {{user: "gold-*"}}, use: strong}}
        - {{name: rest, use: [broken, strong, cheap]}}
  partners:
    policy:
      rules:
        - {{name: partner, when: {{header: {{x-partner: acme}}}}, use: strong}}
        - {{name: rest, use: cheap}}
  flagged:
    policy:
      rules:
        - {{name: new, when: {{flag: haiku-first}}, use: cheap}}
        - {{name: watched, when: {{flag: watched}}, use: cheap}}
        - {{name: rest, use: strong}}
  refused: {{policy: [wrong, cheap]}}
  dead:    {{policy: [broken]}}
  split:   {{policy: {{weighted: [{{use: cheap, weight: 1}}, {{use: [broken, strong], weight: 1}}]}}}}
  quick:   {{policy: {{fastest: [cheap, strong]}}}}
  thrifty: {{policy: {{cheapest: [strong, cheap]}}}}
  curious: {{policy: {{explore: {{share: 0.5, among: [strong], use: cheap}}}}}}
  lax:     {{policy: {{cascade: [{{use: cheap, accept: {{confidence: 0.01}}}}, {{use: strong}}]}}}}
  strict:  {{policy: {{cascade: [{{use: cheap, accept: {{confidence: 1}}}}, {{use: strong}}]}}}}
  orphan:  {{policy: {{cascade: [{{use: cheap, accept: {{confidence: 1}}}}, {{use: broken}}]}}}}
  twice:   {{policy: {{cascade: [{{use: cheap, accept: {{confidence: 1}}}}, {{use: strong, accept: {{confidence: 1}}}},
             {{use: broken}}]}}}}
  again:   {{policy: cheap, cache: {{ttl: 1h}}}}
{more}
"""
ROUTES = (
    *("support", "partners", "flagged", "refused", "dead", "split", "quick", "thrifty", "curious"),
    *("lax", "strict", "orphan", "twice", "again", "again", "strong", "broken"),
)
TEXTS = (
    "What are your opening hours?",
    "My lawyer asks: where is the chargeback?",
    "Please reset my password. " + "I have tried everything there is. " * 12,
    "Hello",
)


def configured(provider: HostedFaultProvider, more: str = "") -> str:
    """The configuration that the requests were answered under, and more of its sections."""
    return CONFIG.format(provider=provider, more=more)


def record(config: Path, data: Path) -> None:
    """Ask every route everything, whole and streamed."""
    asyncio.run(_record(config, data))


async def _record(config: Path, data: Path) -> None:
    async with Router.from_config(config, data=data) as router:
        for place, route in enumerate([*ROUTES, *ROUTES]):
            for text in TEXTS:
                caller = Caller(
                    user=f"{'gold' if place % 3 else 'other'}-{place}",
                    headers={"x-partner": "acme"} if place % 2 else {},
                )
                with suppress(RequestFailed):
                    messages = [{"role": "user", "content": text}]
                    if place < len(ROUTES):
                        await router.chat(route=route, messages=messages, caller=caller)
                    else:
                        stream = await router.stream(route=route, messages=messages, caller=caller)
                        assert "".join([piece async for piece in stream.text()])
