"""Artefacts: what was learnt from labels, as JSON files that can be read, compared and trusted.

A file is one object: what it is (`turnout`: its kind, `version`), what was learnt, where it comes from, and a
`checksum` over all of it. No code is in it, and none is run to read it.
"""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

from turnout.errors import ArtefactError

KIND: Final = "turnout"
VERSION: Final = 1
"""The version of the form: raised when an older turnout could not read it."""

_SHOWN: Final = 12


def checksum(body: Mapping[str, Any]) -> str:
    """SHA-256, hexadecimal, of the canonical JSON (keys sorted, no spaces) of all fields but `checksum`."""
    rest = {name: value for name, value in body.items() if name != "checksum"}
    return hashlib.sha256(_canonical(rest)).hexdigest()


def short_checksum(body: Mapping[str, Any]) -> str:
    """The start of an artefact's checksum: what records and tables call it."""
    return str(body["checksum"])[:_SHOWN]


def save_artefact(path: Path, kind: str, body: Mapping[str, Any]) -> dict[str, Any]:
    """Write an artefact; a file of that name is replaced whole or not at all.

    Args:
        path: where to.
        kind: what it is (`calibration`, `classifier`).
        body: what was learnt; JSON values only, finite numbers only.

    Returns:
        The artefact as written, with its kind, version and checksum.

    Raises:
        ArtefactError: it cannot be written, or holds a number that JSON has no form for.
    """
    whole: dict[str, Any] = {KIND: kind, "version": VERSION, **body}
    try:
        whole = json.loads(_canonical(whole))  # as it will be read: tuples are lists, keys are texts
        whole["checksum"] = checksum(whole)
        path.parent.mkdir(parents=True, exist_ok=True)
        draft = path.with_name(f".{path.name}.{os.getpid()}")
        draft.write_text(json.dumps(whole, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")
        draft.replace(path)
    except OSError as error:
        raise ArtefactError(f"{path}: cannot be written: {error.strerror}.") from error
    except (TypeError, ValueError) as error:
        raise ArtefactError(f"{path}: cannot be written as JSON: {error}.") from error
    return whole


def load_artefact(path: Path, kind: str) -> dict[str, Any]:
    """Read an artefact.

    Args:
        path: where from.
        kind: what it must be.

    Raises:
        ArtefactError: there is none, it is of another kind or version, or it was changed since it was written.
    """
    try:
        body = json.loads(path.read_bytes())
    except OSError as error:
        raise ArtefactError(f"{path}: cannot be read: {error.strerror}.", fix=_REMAKE[kind]) from error
    except (ValueError, RecursionError) as error:
        raise ArtefactError(f"{path}: not an artefact: {error}.", fix=_REMAKE[kind]) from error
    if not isinstance(body, dict) or KIND not in body:
        raise ArtefactError(f"{path}: not an artefact of turnout.", fix=_REMAKE[kind])
    if body[KIND] != kind:
        raise ArtefactError(f"{path}: a {body[KIND]}, where a {kind} is needed.", fix=_REMAKE[kind])
    if body.get("version") != VERSION:
        told = f"{path}: of version {body.get('version')}; this turnout reads version {VERSION}."
        raise ArtefactError(told, fix=_REMAKE[kind])
    if body.get("checksum") != checksum(body):
        raise ArtefactError(f"{path}: changed since it was written: its checksum does not fit.", fix=_REMAKE[kind])
    return body


def _canonical(body: Mapping[str, Any]) -> bytes:
    """One form for one value. Raises `ValueError` for a number that JSON has no form for."""
    return json.dumps(body, sort_keys=True, separators=(",", ":"), ensure_ascii=False, allow_nan=False).encode()


_REMAKE: Final[Mapping[str, str]] = {
    "calibration": "Make it (again) with `turnout calibrate`.",
    "classifier": "Make it (again) with `turnout train`.",
}
