"""The configuration that `turnout init` writes: small, commented, and sound as it stands."""

from __future__ import annotations

from collections.abc import Mapping

from turnout.config.defaults import SUGGESTIONS, providers_with_keys
from turnout.providers.known import KNOWN_PROVIDERS

_HEAD = """\
# turnout.yaml: which model answers which request.
#
#   turnout config check                        every mistake, with its line and what to change
#   turnout explain --route support "..."       what would be decided, without calling a model
#   turnout serve                               the gateway; point an OpenAI or Anthropic SDK's base_url at it
#
# Values may hold environment variables: ${NAME}, or ${NAME:-default}. Keys never stand in this file.
# Prices are looked up; give `price: {input: ..., output: ...}` (USD per million tokens) where you pay another.

"""

_ROUTES = """\
# What callers ask for as `model`. A target's own name works too.
routes:
  assistant:                          # a chain: the next target answers where the one before it fails
    # What you would use for everything if you did not route; savings are measured against it.
    baseline: {strong}
    policy: [{chain}]
    timeouts: {{connect: 1s, first_token: 5s, idle: 5s, total: 120s}}

  support:                            # rules: the first whose condition holds decides
    baseline: {strong}
    lists:                            # whole words, in upper or lower case
      faq: [reset my password, opening hours, where is my order]
      escalation: [speak to a human, lawyer, cancel my account]
    policy:
      rules:
        - {{name: escalate, when: {{matches: escalation}}, use: [{chain}]}}
        - {{name: faq, when: {{matches: faq, tokens: {{max: 200}}}}, use: [{easy}]}}
        - {{name: rest, use: [{chain}]}}

  # trial:                            # a split: try a model on a part of the traffic
  #   baseline: {strong}
  #   policy:
  #     weighted:
  #       - {{use: {strong}, weight: 90}}
  #       - {{use: {cheap}, weight: 10}}

# server:
#   host: 127.0.0.1
#   port: 8080
#   keys: ["${{TURNOUT_KEY}}"]          # what callers must present; needed to listen on other than this machine
"""


def starter(env: Mapping[str, str]) -> str:
    """The text of a first `turnout.yaml` for the providers with a key in `env`; without any, for a local server."""
    found = dict(providers_with_keys(env))
    if not found:
        return _HEAD + _local() + _routes(["local-strong"], ["local-cheap"])
    providers = "".join(f"  {f'{name}: {{}}':<34}# the key is read from {found[name]}\n" for name in found)
    others = "".join(
        f"  # {f'{name}: {{}}':<32}# set {variable} and remove the first #\n" for name, variable in _absent(env)
    )
    targets = "".join(
        f"  {name}-strong: {{provider: {name}, model: {SUGGESTIONS[name].strong}}}\n"
        f"  {name}-cheap: {{provider: {name}, model: {SUGGESTIONS[name].cheap}}}\n"
        for name in found
    )
    return f"{_HEAD}providers:\n{providers}{others}\n# Models that can be called.\ntargets:\n{targets}\n" + _routes(
        [f"{name}-strong" for name in found], [f"{name}-cheap" for name in found]
    )


def _absent(env: Mapping[str, str]) -> list[tuple[str, str]]:
    found = dict(providers_with_keys(env))
    return [(name, KNOWN_PROVIDERS[name].key_env[0]) for name in SUGGESTIONS if name not in found]


def _local() -> str:
    lines = [f"  # {f'{name}: {{}}':<32}# set {variable} and remove the first #" for name, variable in _absent({})]
    hosted = "\n".join(lines)
    return (
        "providers:\n"
        "  # No provider's key was found in the environment, so this starts with a server on this machine.\n"
        "  ollama: {}                        # http://localhost:11434/v1; for another server give base_url\n"
        f"{hosted}\n\n"
        "# Models that can be called. What runs on your own machine has no price but the one that you give it.\n"
        "targets:\n"
        "  local-strong: {provider: ollama, model: llama3.1, price: {input: 0, output: 0}}\n"
        "  local-cheap: {provider: ollama, model: llama3.2, price: {input: 0, output: 0}}\n\n"
    )


def _routes(strong: list[str], cheap: list[str]) -> str:
    chain = strong if len(strong) > 1 else [*strong, *cheap]
    return _ROUTES.format(
        strong=strong[0], cheap=cheap[0], chain=", ".join(chain), easy=", ".join([cheap[0], strong[-1]])
    )
