"""The key of the query hash: one for each period, the same in every process, and then gone."""

from __future__ import annotations

import logging
from datetime import UTC, datetime
from pathlib import Path

import pytest

from turnout.errors import ConfigError
from turnout.features.hash_keys import HashKeys
from turnout.testing import FrozenClock

DAY = 86_400.0


def a_clock() -> FrozenClock:
    return FrozenClock(datetime(2026, 3, 1, 23, 59, 58, tzinfo=UTC))


def files(directory: Path) -> list[str]:
    return sorted(file.name for file in directory.iterdir())


def test_within_a_period_every_process_has_one_key(tmp_path: Path) -> None:
    clock = a_clock()
    one = HashKeys(tmp_path, DAY, clock).current()
    clock.advance(1)
    other = HashKeys(tmp_path, DAY, clock)
    assert other.current() == one
    assert one.id == "20260301T000000"
    assert len(one.key) == 32


def test_a_new_period_has_another_key_and_the_one_before_is_destroyed(tmp_path: Path) -> None:
    clock = a_clock()
    keys = HashKeys(tmp_path, DAY, clock)
    before = keys.current()
    clock.advance(2)
    after = keys.current()
    assert after.id == "20260302T000000"
    assert after.key != before.key
    assert files(tmp_path) == ["20260302T000000.key"]


def test_while_no_new_key_can_be_made_the_old_one_stays(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.ERROR)
    clock = a_clock()
    keys = HashKeys(tmp_path, DAY, clock)
    before = keys.current()
    (tmp_path / "20260302T000000.key").write_text("no key")
    clock.advance(2)
    assert keys.current() == before
    assert "is not renewed" in caplog.text
    (tmp_path / "20260302T000000.key").unlink()
    assert keys.current() == before, "it is tried again in a minute, not with every request"
    clock.advance(60)
    assert keys.current().id == "20260302T000000"


def test_without_any_key_it_does_not_begin(tmp_path: Path) -> None:
    (tmp_path / "20260301T000000.key").write_text("no key")
    with pytest.raises(ConfigError, match="does not hold a key"):
        HashKeys(tmp_path, DAY, a_clock())
