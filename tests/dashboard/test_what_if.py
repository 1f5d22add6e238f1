"""The page What if: what replays and evaluations found and somebody kept."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.dashboard.made_results import EVALUATED
from tests.dashboard.seeded import look, seeded_gateway
from tests.dashboard.test_pages import HOSTILE, LOCKED, VIEWER_KEY
from tests.running import RunningGateway
from turnout.errors import ConfigError
from turnout.insight import what_if
from turnout.insight.what_if import keep, kept, kept_as, place


@pytest.fixture
def gateway(tmp_path: Path) -> Iterator[RunningGateway]:
    with seeded_gateway(tmp_path, config=LOCKED) as gateway:
        yield gateway


def test_results_are_listed_and_shown_to_a_viewer(gateway: RunningGateway) -> None:
    key = f"Bearer {VIEWER_KEY}"
    empty = look(gateway, "/dashboard/what-if", authorization=key)
    assert "turnout replay new.yaml --since 30d --save cheaper-first" in empty.words
    assert EVALUATED.plot is not None
    keep(place(gateway.data, "worth-it"), EVALUATED)
    listed = look(gateway, "/dashboard/what-if", authorization=key)
    assert ("a", {"href": "/dashboard/what-if/worth-it"}) in listed.elements
    shown = look(gateway, "/dashboard/what-if/worth-it", authorization=key)
    assert " ".join(HOSTILE.split()) in shown.words
    assert "No measurable gain over the rules: keep the rules." in shown.words
    assert "81.2 (79.9 to 82.4)" in shown.words
    assert len([each for _, each in shown.elements if each.get("class") == "reach"]) == len(EVALUATED.plot.points) == 4
    assert "always strong, strong-first" in shown.words
    assert not [name for _, attributes in shown.elements for name in attributes if name == "style"]
    assert look(gateway, "/dashboard/what-if/worth-it").status == 303


def test_what_is_not_there_or_no_result_is_said_to_be_so(gateway: RunningGateway) -> None:
    key = f"Bearer {VIEWER_KEY}"
    file = place(gateway.data, "broken")
    keep(file, EVALUATED)
    file.write_text('{"kind": "replay"')
    assert "broken cannot be read" in look(gateway, "/dashboard/what-if", authorization=key).words
    for name in ("broken", "never", "..%2f..%2fflags", ".hidden"):
        assert look(gateway, f"/dashboard/what-if/{name}", authorization=key).status == 404, name


def test_the_newest_are_read_and_nothing_that_is_too_long(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("a", "b", "c"):
        keep(place(tmp_path, name), EVALUATED)
    monkeypatch.setattr(what_if, "MOST_SHOWN", 2)
    assert len(kept(tmp_path).results) == 2
    assert kept_as(tmp_path, "a") is not None
    monkeypatch.setattr(what_if, "MOST_BYTES", 10)
    assert (kept(tmp_path).results, kept_as(tmp_path, "a")) == ((), None)


def test_a_result_is_replaced_and_says_where_it_cannot_be_written(tmp_path: Path) -> None:
    file = place(tmp_path, "again")
    keep(file, EVALUATED)
    keep(file, EVALUATED)
    assert [each.name for each in file.parent.iterdir()] == ["again.json"]
    (tmp_path / "file").write_text("")
    with pytest.raises(ConfigError, match="cannot be written"):
        keep(place(tmp_path / "file", "again"), EVALUATED)


@pytest.mark.parametrize("name", ["", "../x", ".x", "a/b", "a b", "x" * 65])
def test_a_name_is_no_path(tmp_path: Path, name: str) -> None:
    with pytest.raises(ConfigError, match="cannot be the name"):
        place(tmp_path, name)
