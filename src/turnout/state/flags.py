"""What is set of feature flags at run time: a file that every process of a data directory looks at."""

from __future__ import annotations

import fcntl
import os
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Final

import msgspec

from turnout.errors import LedgerError
from turnout.types.flag import Setting

FILE: Final = "flags.json"
Settings = Mapping[str, Setting]
Stamp = tuple[int, int, int] | None


class FlagFile:
    """The settings of a data directory, by the flags' names: `{"haiku-first": {"share": {"on": 0.3}}}`.

    A flag that is not in it is as the configuration says. It may be written by hand; it is replaced whole, so that no
    reader ever sees half of a change, and survives every restart.

    Args:
        data: the data directory.
    """

    def __init__(self, data: Path) -> None:
        self.file = data / FILE

    def read(self) -> Settings:
        """What is set; nothing where there is no file.

        Raises:
            LedgerError: the file cannot be read, or says what no setting is.
        """
        try:
            return msgspec.json.decode(self.file.read_bytes(), type=dict[str, Setting])
        except FileNotFoundError:
            return {}
        except OSError as error:
            raise LedgerError(f"{self.file} cannot be read: {error.strerror}.") from error
        except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
            told = f"{self.file} does not say what flags are set: {error}. Mend it, or remove it: then the flags are "
            raise LedgerError(told + "as the configuration says.") from error

    def stamp(self) -> Stamp:
        """Something that differs once the file has been written or replaced; None where there is none."""
        try:
            found = self.file.stat()
        except OSError:
            return None
        return found.st_mtime_ns, found.st_size, found.st_ino

    def change(self, name: str, to: Callable[[Setting | None], Setting | None]) -> Setting | None:
        """Change what is set of one flag; no other process changes anything meanwhile.

        Args:
            name: the flag's.
            to: is handed what is set, None where nothing is, and returns what is to be; None takes it away.

        Raises:
            LedgerError: the file cannot be read or written.
        """
        with self._alone():
            settings = dict(self.read())
            after = to(settings.pop(name, None))
            if after is not None:
                settings[name] = after
            self._write(settings)
        return after

    def _write(self, settings: Settings) -> None:
        draft = self.file.with_suffix(".new")
        with draft.open("wb") as written:
            written.write(msgspec.json.format(msgspec.json.encode(settings, order="deterministic")) + b"\n")
            written.flush()
            os.fsync(written.fileno())  # a kill must not come undone by a power cut
        draft.replace(self.file)

    @contextmanager
    def _alone(self) -> Iterator[None]:
        try:
            self.file.parent.mkdir(parents=True, exist_ok=True)
            held = os.open(self.file.with_suffix(".lock"), os.O_CREAT | os.O_RDWR | os.O_CLOEXEC, 0o600)
            try:
                fcntl.flock(held, fcntl.LOCK_EX)
                yield
            finally:
                os.close(held)
        except OSError as error:
            raise LedgerError(f"the flags cannot be kept in {self.file}: {error.strerror}.") from error
