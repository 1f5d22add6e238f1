"""The numbers of every process, in files: whoever is scraped tells for all.

Layout: `<directory>/<layout>-<id>/series` and `values`, a directory for each process, locked (flock) for as long as it
lives. A process that starts takes over the directory of a dead one and goes on counting from there, so that the sums
never fall. `layout` is a digest of the metrics' table: what another version wrote is not understood, and removed.

The files are written twice a second and never mapped into memory: a mapped file on a full disk kills its process.
"""

from __future__ import annotations

import fcntl
import logging
import os
import shutil
import zlib
from array import array
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Final, NamedTuple
from uuid import uuid4

import msgspec

from turnout.telemetry.cells import Cells, Series, decode_series, encode_series
from turnout.telemetry.table import METRICS, Metric

_log = logging.getLogger(__name__)

_SERIES: Final = "series"
_VALUES: Final = "values"


def _layout(metrics: Iterable[Metric]) -> str:
    told = [(metric.name, metric.labels, metric.buckets, metric.scale) for metric in metrics]
    return f"{zlib.crc32(repr(told).encode()):08x}"


LAYOUT: Final = _layout(METRICS)


class Counted(NamedTuple):
    """What one process has counted."""

    series: list[Series]
    values: array[float]
    alive: bool


class SharedCells:
    """This process's numbers, and its place among the others'. Where there is no room for files, its own are all.

    Args:
        directory: where all processes of an installation keep theirs; made if it is missing.

    Attributes:
        cells: the numbers.
    """

    def __init__(self, directory: Path) -> None:
        self.cells = Cells()
        self._directory = directory
        self._written = 0
        self._trouble = False
        self._place: Path | None = None
        self._lock = -1
        try:
            with _turn(directory):
                self._place, self._lock, earlier = _taken_over(directory) or _fresh(directory)
        except OSError as error:
            self._failed(error)
            return
        if earlier:
            self.cells = Cells(earlier.series, earlier.values)
            self._written = len(earlier.series)

    def snapshot(self) -> tuple[list[Series], bytes]:
        """What is to be written; to be taken while nobody counts."""
        return self.cells.series[self._written :], self.cells.values.tobytes()

    def write(self, series: list[Series], values: bytes) -> None:
        """Write a snapshot, for the other processes to see."""
        if self._place is None:
            return
        try:
            if series:
                _append(self._place / _SERIES, encode_series(series))
                self._written += len(series)
            _overwrite(self._place / _VALUES, values)
        except OSError as error:
            self._failed(error)
            return
        self._trouble = False

    def others(self) -> list[Counted]:
        """What the other processes have counted, the dead ones among them."""
        found = []
        for place in _places(self._directory):
            if place != self._place:
                held = _locked(place, shared=True)
                with suppress(OSError, msgspec.DecodeError):
                    found.append(_read(place, alive=held is None))
                if held is not None:
                    os.close(held)
        return found

    def close(self) -> None:
        """Give the place up to whoever comes next. Closing twice is harmless."""
        if self._lock >= 0:
            os.close(self._lock)
        self._lock = -1

    def _failed(self, error: OSError) -> None:
        if not self._trouble:
            _log.warning("this process's metrics cannot be shared with other processes: %s", error)
        self._trouble = True


def _places(directory: Path) -> list[Path]:
    with suppress(OSError):
        return sorted(place for place in directory.iterdir() if place.name.startswith(f"{LAYOUT}-"))
    return []


def _taken_over(directory: Path) -> tuple[Path, int, Counted] | None:
    """A dead process's place, locked, with what it had counted."""
    for place in sorted(each for each in directory.iterdir() if each.is_dir()):
        held = _locked(place)
        if held is None:
            continue
        with suppress(OSError, msgspec.DecodeError):
            if place.name.startswith(f"{LAYOUT}-"):
                return place, held, _repaired(place)
        os.close(held)
        shutil.rmtree(place, ignore_errors=True)
    return None


def _fresh(directory: Path) -> tuple[Path, int, None]:
    place = directory / f"{LAYOUT}-{uuid4().hex[:12]}"
    place.mkdir(mode=0o700)
    held = _locked(place)
    if held is None:
        raise BlockingIOError(f"{place} is locked by somebody else")
    return place, held, None


def _repaired(place: Path) -> Counted:
    """What a dead process counted, and its file of series without what it wrote last and not to the end."""
    found = _read(place, alive=False)
    (place / _SERIES).write_bytes(encode_series(found.series))
    return found


def _read(place: Path, *, alive: bool) -> Counted:
    values = array("d")
    raw = (place / _VALUES).read_bytes() if (place / _VALUES).exists() else b""
    values.frombytes(raw[: len(raw) // values.itemsize * values.itemsize])
    written = decode_series((place / _SERIES).read_bytes()) if (place / _SERIES).exists() else []
    sizes = {metric.name: metric.cells for metric in METRICS}
    return Counted([one for one in written if one.first + sizes[one.metric] <= len(values)], values, alive)


def _locked(place: Path, *, shared: bool = False) -> int | None:
    """The lock of a dead process's place; None while its process lives, or where it is gone."""
    try:
        file = os.open(place, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    except OSError:
        return None
    try:
        fcntl.flock(file, (fcntl.LOCK_SH if shared else fcntl.LOCK_EX) | fcntl.LOCK_NB)
    except OSError:
        os.close(file)
        return None
    return file


@contextmanager
def _turn(directory: Path) -> Iterator[None]:
    """One process at a time looks for its place."""
    directory.mkdir(parents=True, exist_ok=True, mode=0o700)
    file = os.open(directory, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield
    finally:
        os.close(file)


def _append(file: Path, data: bytes) -> None:
    with file.open("ab", buffering=0) as opened:
        size = opened.tell()
        try:
            written = opened.write(data)
        except OSError:
            opened.truncate(size)
            raise
        if written != len(data):
            opened.truncate(size)
            raise OSError(28, "No space left on device")


def _overwrite(file: Path, data: bytes) -> None:
    opened = os.open(file, os.O_WRONLY | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        os.pwrite(opened, data, 0)
    finally:
        os.close(opened)
