"""A configuration without a file: what the keys found in the environment are good for, with a chain over it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, Final

import msgspec

from turnout.errors import ConfigError
from turnout.providers.known import KNOWN_PROVIDERS


class Suggestion(msgspec.Struct, frozen=True, kw_only=True):
    """What a new user of a provider would start with.

    Attributes:
        strong: a model for what is hard.
        cheap: a model for what is easy.
        patterns: the model names of callers that mean this provider.
    """

    strong: str
    cheap: str
    patterns: tuple[str, ...] = ()


SUGGESTIONS: Final[Mapping[str, Suggestion]] = {
    "anthropic": Suggestion(strong="claude-sonnet-4-5", cheap="claude-haiku-4-5", patterns=("claude-*",)),
    "openai": Suggestion(strong="gpt-4o", cheap="gpt-4o-mini", patterns=("gpt-*", "o[1-9]*")),
    "mistral": Suggestion(strong="mistral-large-latest", cheap="mistral-small-latest"),
    "xai": Suggestion(strong="grok-4", cheap="grok-3-mini"),
    "deepseek": Suggestion(strong="deepseek-reasoner", cheap="deepseek-chat"),
    "groq": Suggestion(strong="llama-3.3-70b-versatile", cheap="llama-3.1-8b-instant"),
}
"""In the order of the chain. Only models that their vendor has sold for long, so that every key has them."""


def providers_with_keys(env: Mapping[str, str]) -> Iterator[tuple[str, str]]:
    """The providers that have a suggestion and a key in `env`, each with the variable that holds it."""
    for name in SUGGESTIONS:
        variable = next((each for each in KNOWN_PROVIDERS[name].key_env if env.get(each)), None)
        if variable is not None:
            yield name, variable


def default_configuration(env: Mapping[str, str]) -> dict[str, Any]:
    """The data of a configuration that needs no file.

    For each provider with a key: its strong and its cheap model as targets, and the caller's own model under the
    names that are the provider's. The route `auto` tries the strong models in turn.

    Raises:
        ConfigError: no key was found.
    """
    found = [name for name, _ in providers_with_keys(env)]
    if not found:
        wanted = ", ".join(KNOWN_PROVIDERS[name].key_env[0] for name in SUGGESTIONS)
        raise ConfigError(
            "there is no turnout.yaml here, and no provider's key in the environment.",
            fix=f"Set one of {wanted}, or run `turnout init` and edit what it writes.",
        )
    targets: dict[str, Any] = {}
    routes: dict[str, Any] = {"auto": {"policy": [], "baseline": SUGGESTIONS[found[0]].strong}}
    for name in found:
        suggested = SUGGESTIONS[name]
        for model in (suggested.strong, suggested.cheap):
            targets[model] = {"provider": name, "model": model}
        routes["auto"]["policy"].append(suggested.strong)
        if suggested.patterns:
            targets[f"{name}-any"] = {"provider": name}
            routes.update({pattern: {"policy": f"{name}-any"} for pattern in suggested.patterns})
    return {"providers": {name: {} for name in found}, "targets": targets, "routes": routes}
