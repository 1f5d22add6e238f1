"""Providers as they are called: what the configuration says, on top of what is known of them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

import msgspec

from turnout.config.document import Document
from turnout.config.schema import DIALECTS, Config, ProviderConfig
from turnout.errors import ConfigError
from turnout.execution.limiter import LimiterSettings
from turnout.providers.known import KNOWN_PROVIDERS, KnownProvider
from turnout.types.dialect import DialectName


@dataclass(frozen=True, slots=True, kw_only=True)
class ProviderSettings:
    """A provider with every default filled in.

    Attributes:
        name: its name in the configuration.
        known: its row of the table; for a server of the user's own, what is usual in its dialect.
        dialect: what it speaks.
        base_url: what the dialect's official SDK would be given, without a slash at the end.
        api_key: its key, or None where it wants none.
        stream_usage: whether it can be asked for a stream's usage.
        limiter: the bounds of the limit on calls at the same time; None without one.
        key_from: the environment variable that the key came from, None if the configuration says it.
    """

    name: str
    known: KnownProvider
    dialect: DialectName
    base_url: str
    api_key: str | None = field(repr=False)
    stream_usage: bool
    limiter: LimiterSettings | None = None
    key_from: str | None = None


def resolve_providers(
    config: Config, document: Document, env: Mapping[str, str]
) -> tuple[dict[str, ProviderSettings], list[ConfigError]]:
    """Every provider of the configuration, and an error for each that targets use and that has no key."""
    used = {target.provider for target in config.targets.values()}
    resolved = {name: resolve_provider(name, given, env) for name, given in config.providers.items()}
    errors = [
        document.error(
            ("providers", name),
            f"the provider '{name}' has no key.",
            f"Set {provider.known.key_env[0]}, or give `api_key`." if provider.known.key_env else "Give `api_key`.",
        )
        for name, provider in resolved.items()
        if name in used and provider.known.needs_key and provider.api_key is None
    ]
    return resolved, errors


def resolve_provider(name: str, given: ProviderConfig, env: Mapping[str, str]) -> ProviderSettings:
    """One provider with its defaults. The configuration has been validated: what has no default is given."""
    known = KNOWN_PROVIDERS.get(name) or _usual(name, given)
    if given.dialect is not None and DIALECTS[given.dialect] is not known.dialect:
        usual = _usual(name, given)  # a vendor's other endpoint wants its key as that dialect's servers do
        known = msgspec.structs.replace(known, auth=usual.auth, headers=usual.headers)
    variable = next((each for each in known.key_env if env.get(each)), None)
    key = given.api_key.get_secret_value() if given.api_key is not None else None
    return ProviderSettings(
        name=name,
        known=known,
        dialect=DIALECTS[given.dialect] if given.dialect is not None else known.dialect,
        base_url=given.base_url or known.base_url or "",
        api_key=key or (env[variable] if variable else None),
        stream_usage=known.stream_usage if given.stream_usage is None else given.stream_usage,
        limiter=LimiterSettings(least=given.concurrency.min, most=given.concurrency.max) if given.concurrency else None,
        key_from=variable if not key else None,
    )


def _usual(name: str, given: ProviderConfig) -> KnownProvider:
    """The row of a server that is not on the table: it is sent a key if it is given one, the way its dialect does."""
    alike = KNOWN_PROVIDERS[given.dialect if given.dialect in ("anthropic", "gemini") else "openai"]
    return KnownProvider(name=name, dialect=alike.dialect, auth=alike.auth, headers=alike.headers, needs_key=False)
