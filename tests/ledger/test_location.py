from __future__ import annotations

from pathlib import Path

import pytest

from turnout.ledger.location import data_directory


def test_the_data_directory_is_the_given_one_then_the_environments_then_a_hidden_one_here(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    assert data_directory() == Path(".turnout")
    monkeypatch.setenv("TURNOUT_DATA_DIR", "/from/environment")
    assert data_directory() == Path("/from/environment")
    assert data_directory("given") == Path("given")
