"""Flags in a running router: followed, kept while the file is broken, safe where nothing is known."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.wiring import OPENAI, endpoint, wire
from turnout.config.flagging import Flagging, setting_words
from turnout.router import Router
from turnout.state.flag_board import FlagBoard
from turnout.state.flags import FILE, FlagFile
from turnout.testing import ScriptedProvider
from turnout.types.flag import Audience, Flag, FlagMode, Setting

HALF, FULL, KILLED = Setting(share={"on": 0.5}), Setting(share={"on": 1.0}), Setting(killed=True)
FLAG = Flag(name="f", setting=HALF)


def router(*flags: Flag) -> Router:
    router = wire(endpoint("a", ScriptedProvider(OPENAI, "hello"), OPENAI)).router
    declare(router, *flags)
    return router


def declare(router: Router, *flags: Flag) -> None:
    """As a new configuration does."""
    object.__setattr__(router.parts, "flags", FlagBoard({flag.name: flag for flag in flags}))


def set_now(router: Router, name: str = "f") -> Setting:
    return router.parts.flags.setting(name)


def test_a_change_is_followed_and_told_and_a_reset_gives_the_configuration_back(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    served, file = router(FLAG), FlagFile(tmp_path)
    flagging = Flagging(served, file)
    flagging.look()
    assert set_now(served) == HALF
    file.change("f", lambda _: FULL)
    flagging.look()
    assert set_now(served) == FULL
    assert "flag f: on for 100 % (was: on for 50 %)" in caplog.text
    file.change("f", lambda _: None)
    flagging.look()
    assert set_now(served) == HALF


def test_a_file_that_breaks_changes_nothing_and_is_told_once(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    served, file = router(FLAG), FlagFile(tmp_path)
    file.change("f", lambda _: FULL)
    flagging = Flagging(served, file)
    flagging.look()
    (tmp_path / FILE).write_text("{")
    flagging.look()
    flagging.look()
    assert set_now(served) == FULL
    assert len([each for each in caplog.messages if "Mend it" in each]) == 1
    (tmp_path / FILE).write_text('{"f": {"killed": true}}')
    flagging.look()
    assert set_now(served) == KILLED


def test_where_the_file_is_broken_from_the_start_every_flag_is_at_its_default(tmp_path: Path) -> None:
    (tmp_path / FILE).write_text("{")
    served = router(FLAG)
    Flagging(served, FlagFile(tmp_path)).look()
    assert set_now(served) == KILLED


def test_a_setting_that_cannot_be_holds_its_own_flag_back_and_no_other(tmp_path: Path) -> None:
    served = router(FLAG, Flag(name="g"))
    text = '{"f": {"share": {"blue": 1.0}}, "g": {"share": {"on": 1.0}}, "unknown": {"killed": true}}'
    (tmp_path / FILE).write_text(text)
    flagging = Flagging(served, FlagFile(tmp_path))
    flagging.look()
    assert (set_now(served), set_now(served, "g")) == (KILLED, FULL)
    declare(served, Flag(name="f", variants=("off", "blue")), Flag(name="g"), Flag(name="unknown"))
    flagging.look()
    assert set_now(served) == Setting(share={"blue": 1.0})
    assert set_now(served, "unknown") == KILLED
    declare(served, FLAG)
    flagging.look()
    assert set_now(served) == KILLED


@pytest.mark.parametrize(
    ("setting", "told"),
    [
        (Setting(), "the default for everybody"),
        (KILLED, "killed"),
        (Setting(mode=FlagMode.OFF), "off"),
        (Setting(mode=FlagMode.OBSERVE, share={"on": 0.025}), "observed only (on for 2.5 %)"),
        (Setting(lists={"on": Audience(frozenset({"a", "b"}))}), "2 listed"),
    ],
)
def test_a_setting_is_told_in_a_few_words(setting: Setting, told: str) -> None:
    assert setting_words(setting) == told
