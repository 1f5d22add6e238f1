"""Canaries and what became of them: a file of the data directory, beside the flags that they act on."""

from __future__ import annotations

import fcntl
import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Final

import msgspec

from turnout.errors import LedgerError
from turnout.types.canary import Canary

FILE: Final = "canaries.json"


class CanaryFile:
    """The canaries of a data directory, by their flags; of each flag the latest. Replaced whole, as the flags are.

    Args:
        data: the data directory.
    """

    def __init__(self, data: Path) -> None:
        self.file = data / FILE

    def read(self) -> Mapping[str, Canary]:
        """All of them; none where there is no file. Raises `LedgerError`."""
        try:
            return msgspec.json.decode(self.file.read_bytes(), type=dict[str, Canary])
        except FileNotFoundError:
            return {}
        except OSError as error:
            raise LedgerError(f"{self.file} cannot be read: {error.strerror}.") from error
        except (msgspec.DecodeError, UnicodeDecodeError) as error:
            fix = "Mend it, or remove it: the flags stay as they are."
            raise LedgerError(f"{self.file} does not say what canaries there are: {error}. {fix}") from error

    @contextmanager
    def alone(self) -> Iterator[None]:
        """Nobody else steps, starts or stops a canary meanwhile. Raises `LedgerError`."""
        try:
            self.file.parent.mkdir(parents=True, exist_ok=True)
            held = os.open(self.file.with_suffix(".lock"), os.O_CREAT | os.O_RDWR | os.O_CLOEXEC, 0o600)
        except OSError as error:
            raise LedgerError(f"canaries cannot be kept in {self.file}: {error.strerror}.") from error
        try:
            fcntl.flock(held, fcntl.LOCK_EX)
            yield
        finally:
            os.close(held)

    def write(self, canary: Canary) -> None:
        """Keep a canary as it stands now. Raises `LedgerError`."""
        after = {**self.read(), canary.flag: canary}
        draft = self.file.with_suffix(".new")
        try:
            with draft.open("wb") as written:
                written.write(msgspec.json.format(msgspec.json.encode(after)) + b"\n")
                written.flush()
                os.fsync(written.fileno())
            draft.replace(self.file)
        except OSError as error:
            raise LedgerError(f"canaries cannot be kept in {self.file}: {error.strerror}.") from error
