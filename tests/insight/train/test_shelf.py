"""Versions stand side by side, one is in use, and the way back is known."""

from __future__ import annotations

from pathlib import Path

import pytest

from turnout.errors import ArtefactError
from turnout.insight.train.examples import fit_examples
from turnout.insight.train.shelf import history, keep, promote, roll_back, version_file, versions
from turnout.policy.classifier.model import Classifier, load_classifier


@pytest.fixture(scope="module")
def made() -> list[Classifier]:
    return [fit_examples({"chat": ["hello there"], "law": ["liability clause", extra]}) for extra in ("sue", "court")]


def test_what_is_kept_is_not_in_use_until_it_is_promoted(tmp_path: Path, made: list[Classifier]) -> None:
    current = tmp_path / "models" / "triage.json"
    identity, file = keep(made[0], current)
    assert file == version_file(current, identity)
    assert not current.exists()
    assert [(each.name, each.id, each.current) for each in versions(current.parent)] == [("triage", identity, False)]
    assert promote(file, current, at="2026-03-01") == identity
    assert load_classifier(current).id == identity
    assert [(each.name, each.id, each.current) for each in versions(current.parent)] == [("triage", identity, True)]


def test_what_was_in_use_comes_back(tmp_path: Path, made: list[Classifier]) -> None:
    current = tmp_path / "triage.json"
    first, second = (keep(each, current) for each in made)
    for _, file in (first, second):
        promote(file, current, at="2026-03-01")
    assert roll_back(current, at="2026-03-02") == first[0] == load_classifier(current).id
    assert roll_back(current, at="2026-03-03") == second[0]
    assert [each["id"] for each in history(current)] == [first[0], second[0], first[0], second[0]]
    assert {(each.id, each.current) for each in versions(tmp_path)} == {(first[0], False), (second[0], True)}


def test_what_stood_there_before_anything_was_promoted_comes_back(tmp_path: Path, made: list[Classifier]) -> None:
    """It was put there by hand, say, and no history tells of it."""
    current = tmp_path / "triage.json"
    by_hand, file = keep(made[0], current)
    file.rename(current)
    promote(keep(made[1], current)[1], current, at="2026-03-01")
    assert roll_back(current, at="2026-03-02") == by_hand


def test_a_version_that_was_tampered_with_is_listed_as_unusable_and_not_promoted(
    tmp_path: Path, made: list[Classifier]
) -> None:
    current = tmp_path / "triage.json"
    _, file = keep(made[0], current)
    file.write_text(file.read_text().replace('"chat"', '"chut"', 1))
    (tmp_path / "notes.json").write_text("{}")
    (listed,) = versions(tmp_path)
    assert "its checksum does not fit" in listed.problem
    with pytest.raises(ArtefactError, match="its checksum does not fit"):
        promote(file, current, at="2026-03-01")
    assert not current.exists()


def test_what_was_broken_in_its_place_comes_back_as_it_was(tmp_path: Path, made: list[Classifier]) -> None:
    current = tmp_path / "triage.json"
    identity = promote(keep(made[0], current)[1], current, at="2026-03-01")
    current.write_text("{")
    assert roll_back(current, at="2026-03-02") == identity == load_classifier(current).id


def test_there_is_no_way_back_from_the_first(tmp_path: Path, made: list[Classifier]) -> None:
    current = tmp_path / "triage.json"
    promote(keep(made[0], current)[1], current, at="2026-03-01")
    with pytest.raises(ArtefactError, match="nothing was in use before"):
        roll_back(current, at="2026-03-02")


def test_a_directory_that_is_a_file_is_told(tmp_path: Path, made: list[Classifier]) -> None:
    (tmp_path / "models").write_text("")
    with pytest.raises(ArtefactError, match="cannot be written"):
        keep(made[0], tmp_path / "models" / "triage.json")
