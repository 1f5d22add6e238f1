"""The public data, read from where it lies; none of it is part of the project."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from pathlib import Path


class Missing(Exception):
    """The data is not there."""


def read(directory: Path, name: str) -> dict[str, list[Any]]:
    """The columns of a file.

    Raises:
        Missing: there is no such file, or nothing that reads it.
    """
    try:
        import pyarrow.parquet
    except ImportError:
        raise Missing("pyarrow is not installed") from None
    file = directory / f"{name}.parquet"
    if not file.exists():
        raise Missing(f"{file} is not there; say by --data or $TURNOUT_DATA where the data lies")
    columns: dict[str, list[Any]] = pyarrow.parquet.read_table(file).to_pydict()
    return columns
