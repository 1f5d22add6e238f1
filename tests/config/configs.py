"""Configurations to start from."""

from __future__ import annotations

from collections.abc import Mapping
from textwrap import dedent, indent

from turnout.config.load import LoadedConfig, load_config_text

ENV = {"ANTHROPIC_API_KEY": "sk-ant-canary", "OPENAI_API_KEY": "sk-oai-canary"}

BASE = """\
providers:
  anthropic: {}
  openai: {}
targets:
  sonnet: {provider: anthropic, model: claude-3-5-sonnet-20241022}
  haiku: {provider: anthropic, model: claude-3-5-haiku-20241022}
  gpt-4o: {provider: openai, model: gpt-4o}
routes:
"""


def with_routes(routes: str) -> str:
    """The base with `routes` below it; their first line is line 9."""
    return BASE + indent(dedent(routes).rstrip("\n") + "\n", "  ")


def loaded(routes: str, env: Mapping[str, str] = ENV) -> LoadedConfig:
    return load_config_text(with_routes(routes), env)
