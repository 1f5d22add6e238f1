"""What a router remembers between requests, and where."""

from __future__ import annotations

from pathlib import Path
from typing import Final

from turnout.cache.answers import Answers
from turnout.cache.idempotency import Idempotency
from turnout.config.load import LoadedConfig
from turnout.features.query_hash import load_or_create_key
from turnout.state.claims import Claims
from turnout.state.memory import MemoryEntries
from turnout.state.sqlite import SqliteEntries
from turnout.types.clock import Clock

STATE: Final = "state"
_KEY: Final = "answers.key"


def answers_of(loaded: LoadedConfig, directory: Path, clock: Clock) -> Answers:
    """The answers that the processes of a data directory may give again. Raises `ConfigError` for a bad key file."""
    sizes = loaded.config.state
    secret = load_or_create_key(directory / STATE / _KEY)
    disk = SqliteEntries(state_file(directory), sizes.disk, clock)
    return Answers(secret, {"memory": MemoryEntries(sizes.memory, clock), "disk": disk})


def idempotency_of(loaded: LoadedConfig, directory: Path, clock: Clock) -> Idempotency:
    """What the processes of a data directory serve once. Raises `ConfigError` for a bad key file."""
    state = loaded.config.state
    secret = load_or_create_key(directory / STATE / _KEY)
    return Idempotency(secret, Claims(state_file(directory), state.disk, clock), state.idempotency_window)


def state_file(directory: Path) -> Path:
    """The database that the processes of a data directory share what they remember in."""
    return directory / STATE / "state.sqlite"
