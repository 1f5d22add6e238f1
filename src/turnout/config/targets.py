"""What is known of a target before it is called."""

from __future__ import annotations

from turnout.catalog.models import Capabilities, capabilities
from turnout.config.providers import ProviderSettings
from turnout.config.schema import TargetConfig
from turnout.types.dialect import DialectName
from turnout.wire.anthropic_messages.limits import default_max_tokens
from turnout.wire.registry import provider_dialect


def model_of(target: TargetConfig, provider: ProviderSettings) -> Capabilities:
    """What its model can do, as far as the catalogue knows."""
    return capabilities(provider.known.price_provider, target.model) if target.model else Capabilities()


def lacks_of(target: TargetConfig, provider: ProviderSettings) -> frozenset[str]:
    """What it cannot do: its dialect has no words for it, its provider or its model does not do it, or it is said."""
    spoken = provider_dialect(provider.dialect)
    return spoken.lacks | provider.known.lacks | frozenset(target.lacks) | model_of(target, provider).lacks


def longest_answer_of(target: TargetConfig, provider: ProviderSettings) -> int | None:
    """The most tokens of an answer where the caller does not say; None where nobody knows."""
    if target.output_tokens is None and target.model and provider.dialect is DialectName.ANTHROPIC_MESSAGES:
        return default_max_tokens(target.model)  # what is then asked for
    return target.output_tokens or model_of(target, provider).output_tokens
