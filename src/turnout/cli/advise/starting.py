"""The configuration to start from, for the approach that is recommended."""

from __future__ import annotations

import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Final

from turnout.cli.advise.words import headline
from turnout.errors import ConfigError
from turnout.insight.advise.advice import Advice
from turnout.insight.advise.prices import Pair, Priced
from turnout.insight.advise.table import Approach
from turnout.providers.known import KNOWN_PROVIDERS

_BACKUPS: Final = (("openai", "gpt-4o"), ("anthropic", "claude-3-5-sonnet-20241022"))
_SHADOW: Final = """\
    shadow: {share: 5%, to: [cheap], daily_usd: 5}    # evidence: what the cheaper target would have said
"""
_CHAIN: Final = """\
    policy: [strong, backup]
    timeouts: {connect: 1s, first_token: 5s, idle: 5s, total: 120s}
"""
_RULES: Final = """\
    lists:                            # whole words, in upper or lower case; `turnout suggest` proposes more
      easy: [opening hours, reset my password, where is my order]
      hard: [lawyer, chargeback, speak to a human]
    policy:
      rules:
        - {name: hard, when: {matches: hard}, use: [strong, backup]}
        - {name: hurry, when: {latency_budget: {max: 2s}}, use: [cheap, backup]}
        - {name: easy, when: {matches: easy, tokens: {max: 200}}, use: [cheap, backup]}
        - {name: rest, use: [strong, backup]}
"""
_CASCADE: Final = """\
    policy:
      cascade:                        # `turnout calibrate` finds the threshold, from graded answers
        - {use: [cheap], accept: {confidence: 0.85}}
        - {use: [strong, backup]}
"""
_TENANTS: Final = """\
    policy:
      budget:                         # as a tenant's budget is used up, its requests go to cheaper targets
        steps:
          - use: [strong, backup]
          - {since: {used: 70%, pace: 150%}, use: [cheap, backup]}
          - {since: {used: 100%}, call: nobody}
"""
_BUDGETS: Final = """
tenants:                              # one line each; `from: store` keeps them in the data directory instead
  example: {tier: team, revenue: 499, budgets: [{usd: 250, per: month}]}
"""
_ROUTES: Final[Mapping[Approach, str]] = {
    Approach.OBSERVE: _CHAIN,
    Approach.SINGLE: _CHAIN,
    Approach.FALLBACK: _CHAIN,
    Approach.RULES: _RULES + _SHADOW,
    Approach.COST_AWARE: _TENANTS,
    Approach.CASCADE: _CASCADE,
    Approach.CLASSIFIER: "    # Rules until `turnout train --from-ledger` has made a classifier of graded answers.\n"
    + _RULES
    + _SHADOW,
}


def starting(advice: Advice, pair: Pair) -> str:
    """The text of a turnout.yaml for what is recommended."""
    approach = advice.recommended.approach
    strong, cheap = _target("strong", pair.strong), _target("cheap", pair.cheap)
    first = pair.strong.model
    provider, model = next(each for each in _BACKUPS if first is None or each[0] != first[0])
    backup = f"  backup: {{provider: {provider}, model: {model}}}\n"
    used = {each.model[0] for each in pair if each.model} | {provider}
    known = "".join(f"  {name}: {_about(name)}\n" for name in sorted(used))
    own = "" if all(each.model for each in pair) else _OWN
    route = _ROUTES.get(approach, _ROUTES[Approach.CLASSIFIER])
    return (
        f"# {headline(advice)}\n# Rests on {advice.facts.source}. `turnout advise` says why.\n\n"
        f"providers:\n{known}{own}\ntargets:\n{strong}{cheap}{backup}\n"
        f"routes:\n  assistant:\n    baseline: strong                  # savings are measured against it\n{route}"
        + (_BUDGETS if approach is Approach.COST_AWARE else "")
    )


_OWN: Final = """\
  own: {dialect: openai, base_url: "http://localhost:8000/v1", api_key: "${OWN_KEY:-none}"}   # the priced models; edit
"""


def _target(name: str, priced: Priced) -> str:
    if priced.model:
        provider, model = priced.model
        return f"  {name}: {{provider: {provider}, model: {model}}}\n"
    price = f"{{input: {priced.price.input}, output: {priced.price.output}}}"
    return f"  {name}: {{provider: own, model: {name}, price: {price}}}\n"


def _about(provider: str) -> str:
    keys = KNOWN_PROVIDERS[provider].key_env
    return f"{{}}    # the key is read from {keys[0]}" if keys else "{}"


def write_start(file: Path, advice: Advice, pair: Pair) -> None:
    """Write it where nothing is yet.

    Raises:
        ConfigError: something is there, or it cannot be written.
    """
    text = starting(advice, pair)
    try:
        with file.open("x", encoding="utf-8") as opened:
            opened.write(text)
    except FileExistsError:
        raise ConfigError(f"{file} is there already.", fix="Give --write another path.") from None
    except OSError as error:
        raise ConfigError(f"{file} cannot be written: {error.strerror}.", fix="Give --write another path.") from None
    sys.stderr.write(f"Wrote {file}. Next: turnout config check {file}\n")
