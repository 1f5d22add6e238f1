"""The key of the query hash, which is renewed: what was hashed under a key that is gone compares with nothing."""

from __future__ import annotations

import logging
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path
from typing import Final, NamedTuple

from turnout.errors import ConfigError
from turnout.features.query_hash import load_or_create_key
from turnout.types.clock import Clock

_SUFFIX: Final = ".key"
_RETRY_S: Final = 60.0

_log = logging.getLogger(__name__)


class HashKey(NamedTuple):
    """A key, and the name that records call it by."""

    id: str
    key: bytes


class HashKeys:
    """One key for each period, shared by all processes of a data directory; the one before is destroyed.

    Periods are counted from 1970, so that every process begins a new one at the same moment without asking another.
    A key's id is when its period began, in UTC.

    Args:
        directory: where keys are kept; made if it is missing.
        rotate_s: how long a period is, in seconds.
        clock: tells the time.

    Raises:
        ConfigError: no key can be read or made.
    """

    def __init__(self, directory: Path, rotate_s: float, clock: Clock) -> None:
        self._directory = directory
        self._rotate_s = rotate_s
        self._clock = clock
        self._key, self._until = self._of(clock.now().timestamp())

    def current(self) -> HashKey:
        """The key of now. While a new one cannot be made, the old one stays."""
        now = self._clock.now().timestamp()
        if now >= self._until:
            self._renew(now)
        return self._key

    def _renew(self, now: float) -> None:
        try:
            self._key, self._until = self._of(now)
        except ConfigError as error:
            self._until = now + _RETRY_S
            _log.error("the key of the query hash is not renewed: %s", error)

    def _of(self, now: float) -> tuple[HashKey, float]:
        """The key of the period that holds `now`, and when it ends. Destroys those of earlier ones."""
        began = now // self._rotate_s * self._rotate_s
        file = self._directory / f"{datetime.fromtimestamp(began, UTC):%Y%m%dT%H%M%S}{_SUFFIX}"
        key = HashKey(file.stem, load_or_create_key(file))
        with suppress(OSError):  # next time, then
            for other in self._directory.glob(f"*{_SUFFIX}"):
                if other.stem < file.stem:
                    other.unlink(missing_ok=True)
        return key, began + self._rotate_s


class FixedKey:
    """A key that is never renewed."""

    def __init__(self, key: bytes) -> None:
        self._key = HashKey("", key)

    def current(self) -> HashKey:
        """The key."""
        return self._key
