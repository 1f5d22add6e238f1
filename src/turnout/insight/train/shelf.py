"""Classifiers and calibrations on a shelf: versions side by side, one of each name in use, the way back known.

A version is a file `NAME.ID.json`; the one in use is a copy of it, `NAME.json`, which the configuration names. A line
in `NAME.history.jsonl` says when which came into use. Promoting replaces one file whole: a gateway that watches it
takes it over with its next look, and nobody sees half of it.
"""

from __future__ import annotations

import json
import os
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final, Literal

import msgspec

from turnout.confidence.artefact import KIND, load_artefact, short_checksum
from turnout.errors import ArtefactError
from turnout.policy.classifier.model import Classifier, save_classifier

_VERSION: Final = re.compile(r"(?P<name>.+)\.(?P<id>[0-9a-f]{12})\.json")
Kind = Literal["calibration", "classifier"]
KINDS: Final[tuple[Kind, ...]] = ("classifier", "calibration")


class Version(msgspec.Struct, frozen=True, kw_only=True):
    """An artefact.

    Attributes:
        name: what the configuration calls it, without `.json`.
        id: the start of its checksum.
        kind: `classifier` or `calibration`.
        file: where it is.
        current: whether it is the one in use.
        card: what is known of it.
        problem: why it cannot be used; empty where it can.
    """

    name: str
    id: str
    kind: str
    file: Path
    current: bool
    card: Mapping[str, Any] = msgspec.field(default_factory=dict)
    problem: str = ""


def keep(classifier: Classifier, current: Path) -> tuple[str, Path]:
    """Put a classifier on the shelf as a version of `current`, without bringing it into use.

    Returns:
        Its id, and its file.

    Raises:
        ArtefactError: it cannot be written.
    """
    draft = current.with_name(f".{current.stem}.draft")
    identity = save_classifier(draft, classifier)
    version = version_file(current, identity)
    draft.replace(version)
    return identity, version


def version_file(current: Path, identity: str) -> Path:
    """Where the version of that id of `current` stands."""
    return current.with_name(f"{current.stem}.{identity}.json")


def versions(directory: Path) -> list[Version]:
    """Every artefact of a directory, by name; of each the one in use first."""
    found = [_version(file) for file in sorted(directory.glob("[!.]*.json"))]
    listed = {(each.name, each.id): each for each in found if each is not None}
    in_use = {(each.name, each.id) for each in listed.values() if each.current}
    merged = [msgspec.structs.replace(each, current=key in in_use) for key, each in listed.items()]
    return sorted(merged, key=lambda each: (each.name, not each.current, each.id))


def promote(version: Path, current: Path, *, at: str) -> str:
    """Bring a version into use; the one that was in use is kept beside it.

    Args:
        version: its file.
        current: the file that the configuration names.
        at: the moment, for the history.

    Returns:
        Its id.

    Raises:
        ArtefactError: it cannot be used, or not be put there.
    """
    body = _load(version)
    identity, before = short_checksum(body), _in_use(current)
    try:
        if before is not None:
            if before[KIND] != body[KIND]:
                told = f"{current}: a {before[KIND]}, whose place a {body[KIND]} cannot take."
                raise ArtefactError(told, fix="Give it a name of its own, by --as.")
            _copy(current, version_file(current, short_checksum(before)))
            _note(current, short_checksum(before), at)
        _copy(version, version_file(current, identity))
        _copy(version, current)
        _note(current, identity, at)
    except OSError as error:
        raise ArtefactError(f"{current}: cannot be written: {error.strerror}.") from error
    return identity


def roll_back(current: Path, *, at: str) -> str:
    """Bring back into use what was in use before; where what is there cannot be used, what it was.

    Returns:
        Its id.

    Raises:
        ArtefactError: nothing was, or it is gone.
    """
    body = _in_use(current)
    now = short_checksum(body) if body is not None else None
    used = [entry["id"] for entry in history(current)]
    before = next((each for each in reversed(used) if each != now), None)
    if before is None:
        raise ArtefactError(f"{current}: nothing was in use before.", fix="See `turnout models list`.")
    return promote(version_file(current, before), current, at=at)


def history(current: Path) -> list[dict[str, str]]:
    """What came into use when, the oldest first."""
    file = _history(current)
    if not file.exists():
        return []
    return [json.loads(line) for line in file.read_text(encoding="utf-8").splitlines() if line.strip()]


def _note(current: Path, identity: str, at: str) -> None:
    """Write down what came into use, if it is not what was there already."""
    before = history(current)
    if not before or before[-1]["id"] != identity:
        with _history(current).open("a", encoding="utf-8") as lines:
            lines.write(json.dumps({"at": at, "id": identity}) + "\n")


def _in_use(current: Path) -> dict[str, Any] | None:
    """The artefact in use; None where there is none, or none that can be used."""
    try:
        return _load(current)
    except ArtefactError:
        return None


def _history(current: Path) -> Path:
    return current.with_name(f"{current.stem}.history.jsonl")


def _copy(source: Path, target: Path) -> None:
    """Replace a file whole."""
    if source == target:
        return
    draft = target.with_name(f".{target.name}.{os.getpid()}")
    draft.write_bytes(source.read_bytes())
    draft.replace(target)


def _load(file: Path) -> dict[str, Any]:
    """An artefact of any kind. Raises `ArtefactError`."""
    try:
        kind = json.loads(file.read_bytes()).get(KIND)
    except (OSError, ValueError, AttributeError):
        kind = None
    return load_artefact(file, kind if kind in KINDS else "classifier")


def _version(file: Path) -> Version | None:
    """What a file holds; None for one that is no artefact."""
    match = _VERSION.fullmatch(file.name)
    name = match["name"] if match else file.stem
    try:
        body = _load(file)
    except ArtefactError as error:
        if match is None:
            return None
        return Version(name=name, id=match["id"], kind="", file=file, current=False, problem=str(error))
    card = body.get("card", {"quality": body.get("quality")})
    return Version(name=name, id=short_checksum(body), kind=body[KIND], file=file, current=match is None, card=card)
