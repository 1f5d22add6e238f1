"""An artefact is read only as it was written."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from turnout.confidence.artefact import load_artefact, save_artefact, short_checksum
from turnout.errors import ArtefactError

BODY = {"fitted_on": "support", "labels": 812, "weights": [0.25, -1.5e-7], "range": {"chars": (3, 2_000)}}


@pytest.fixture
def saved(tmp_path: Path) -> Path:
    path = tmp_path / "calibrations" / "support.json"
    save_artefact(path, "calibration", BODY)
    return path


def test_what_was_written_is_read(saved: Path) -> None:
    body = load_artefact(saved, "calibration")
    assert body["labels"] == 812
    assert body["weights"] == [0.25, -1.5e-7]
    assert body["range"] == {"chars": [3, 2_000]}
    assert len(short_checksum(body)) == 12


def test_every_changed_byte_is_found(saved: Path) -> None:
    whole = saved.read_bytes()
    for place in range(0, len(whole), 7):
        changed = bytearray(whole)
        changed[place] ^= 0x01
        saved.write_bytes(changed)
        try:
            assert load_artefact(saved, "calibration") == json.loads(whole)  # a changed space changes nothing
        except ArtefactError as error:
            assert str(saved) in str(error)  # noqa: PT017 - either outcome is right, each with its own demand


def test_a_changed_number_is_refused_with_the_fix(saved: Path) -> None:
    saved.write_text(saved.read_text().replace("812", "912"))
    with pytest.raises(ArtefactError, match=r"changed since it was written.*turnout calibrate"):
        load_artefact(saved, "calibration")


def test_another_kind_version_or_file_is_refused(saved: Path, tmp_path: Path) -> None:
    with pytest.raises(ArtefactError, match=r"a calibration, where a classifier is needed.*turnout train"):
        load_artefact(saved, "classifier")
    saved.write_text(saved.read_text().replace('"version": 1', '"version": 9'))
    with pytest.raises(ArtefactError, match="of version 9; this turnout reads version 1"):
        load_artefact(saved, "calibration")
    with pytest.raises(ArtefactError, match="cannot be read"):
        load_artefact(tmp_path / "none.json", "calibration")
    for text in ("", "[]", '"x"', "{}", "{"):
        saved.write_text(text)
        with pytest.raises(ArtefactError, match="not an artefact"):
            load_artefact(saved, "calibration")


def test_a_number_without_a_form_in_json_is_not_written(tmp_path: Path) -> None:
    for odd in (float("nan"), float("inf"), object()):
        with pytest.raises(ArtefactError, match="cannot be written as JSON"):
            save_artefact(tmp_path / "odd.json", "calibration", {"weights": [odd]})
    assert list(tmp_path.iterdir()) == []


def test_a_directory_that_cannot_be_made_is_told(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(ArtefactError, match="cannot be written"):
        save_artefact(tmp_path / "file" / "a.json", "calibration", BODY)
