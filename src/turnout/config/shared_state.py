"""Where processes share what they know of traffic: nowhere, in a file of their machine, or on a Valkey server."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final, Literal

from turnout.config.load import LoadedConfig
from turnout.config.remembering import STATE
from turnout.errors import ConfigError
from turnout.state.breaker_words import BreakerWords, SqliteBreakerWords
from turnout.state.valkey_breaker_words import ValkeyBreakerWords
from turnout.types.clock import Clock

_BREAKERS: Final = "breakers.sqlite"


def store_of(loaded: LoadedConfig, workers: int) -> Literal["memory", "sqlite", "valkey"]:
    """Which store is in use: what the configuration says, else what that many processes need."""
    return loaded.config.state.store or ("memory" if workers == 1 else "sqlite")


@contextmanager
def valkey_address(loaded: LoadedConfig) -> Iterator[str]:
    """The server's address. Raises `ConfigError` for what is refused as one within."""
    url = loaded.config.state.url
    try:
        yield url.get_secret_value() if url is not None else ""
    except ValueError as error:
        fix = "Write redis://HOST:PORT/DATABASE, rediss://... or unix:///path."
        raise ConfigError(f"not an address of Valkey: {error}", fix=fix, key="state.url") from error


def breaker_words_of(loaded: LoadedConfig, directory: Path, clock: Clock, *, workers: int) -> BreakerWords | None:
    """Where processes tell each other of breakers; None for one that is alone.

    Raises:
        ConfigError: the server's address is none.
        MissingExtra: the extra `valkey` is needed and not installed.
    """
    match store_of(loaded, workers):
        case "memory":
            return None
        case "sqlite":
            return SqliteBreakerWords(directory / STATE / _BREAKERS, clock)
        case _:
            with valkey_address(loaded) as url:
                return ValkeyBreakerWords(url, timeout_s=loaded.config.state.timeout)
