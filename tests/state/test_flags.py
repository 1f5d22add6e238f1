"""The file of what is set of flags, and providers that are slow, dead or strange."""

from __future__ import annotations

import asyncio
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from turnout.errors import InvalidRequest, LedgerError
from turnout.state.flag_board import FlagBoard
from turnout.state.flag_source import FlagSource, Said
from turnout.state.flags import FILE, FlagFile
from turnout.testing import FrozenClock
from turnout.types.flag import Flag, FlagMode, Setting, recorded
from turnout.types.flag_change import FlagChange, changed
from turnout.types.request import Caller

PLAIN, AWAY = Flag(name="f"), Flag(name="g", elsewhere=True)
NOW = FrozenClock().now()
WHO = Caller(user="u")


def share(part: float) -> Setting:
    return Setting(share={"on": part})


def test_what_is_set_survives_and_is_seen_by_every_process(tmp_path: Path) -> None:
    one, other = FlagFile(tmp_path / "data"), FlagFile(tmp_path / "data")
    assert (one.read(), one.stamp()) == ({}, None)
    one.change("f", lambda before: share(0.3) if before is None else None)
    assert other.read() == {"f": share(0.3)}
    stamp = other.stamp()
    other.change("g", lambda _: Setting(killed=True))
    assert one.stamp() != stamp
    one.change("f", lambda _: None)
    assert other.read() == {"g": Setting(killed=True)}


def test_changes_of_many_at_once_all_count(tmp_path: Path) -> None:
    def change(number: int) -> None:
        FlagFile(tmp_path).change(f"flag-{number}", lambda _: share(0.5))

    threads = [threading.Thread(target=change, args=(number,)) for number in range(12)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(FlagFile(tmp_path).read()) == 12


@pytest.mark.parametrize("text", ["{", "[]", '{"f": {"share": {"on": 2}}}', '{"f": {"mode": "maybe"}}'])
def test_a_file_that_cannot_be_is_told_and_not_written_over(tmp_path: Path, text: str) -> None:
    (tmp_path / FILE).write_text(text)
    with pytest.raises(LedgerError, match="Mend it, or remove it"):
        FlagFile(tmp_path).change("f", lambda _: share(1))
    assert (tmp_path / FILE).read_text() == text


def test_a_place_that_cannot_be_written_is_told(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(LedgerError, match="the flags cannot be kept"):
        FlagFile(tmp_path / "file").change("f", lambda _: share(1))
    (tmp_path / FILE).mkdir()
    with pytest.raises(LedgerError, match="cannot be read"):
        FlagFile(tmp_path).read()


def test_a_change_keeps_what_it_does_not_name() -> None:
    before = Setting(share={"on": 0.3}, mode=FlagMode.OBSERVE)
    after = changed(PLAIN, before, FlagChange(mode=FlagMode.ON), NOW)
    assert (after.mode, after.share) == (FlagMode.ON, {"on": 0.3})
    killed = changed(PLAIN, after, FlagChange(killed=True), NOW)
    revived = changed(PLAIN, killed, FlagChange(killed=False), NOW)
    assert revived == after


@pytest.mark.parametrize(
    ("flag", "before", "change", "told"),
    [
        (PLAIN, Setting(killed=True), FlagChange(mode=FlagMode.ON), "is killed. Revive it first"),
        (PLAIN, Setting(), FlagChange(share={"onn": 0.5}), "it has no variant 'onn', but off, on"),
        (PLAIN, Setting(), FlagChange(share={"on": 0.6, "off": 0.6}), "more than 100 %"),
        (PLAIN, Setting(from_=NOW), FlagChange(until=NOW), "over before it begins"),
        (AWAY, Setting(), FlagChange(share={"on": 0.5}), "evaluated by your own provider"),
    ],
)
def test_a_change_that_cannot_be_is_refused(flag: Flag, before: Setting, change: FlagChange, told: str) -> None:
    with pytest.raises(InvalidRequest, match=told):
        changed(flag, before, change, NOW)


class Provider:
    """Answers what it is told to, once it is let."""

    def __init__(self) -> None:
        self.calls = 0
        self.free = threading.Event()
        self.free.set()
        self.said = Said("on", "provider")

    def __call__(self, flag: Flag, caller: Caller) -> Said:
        self.calls += 1
        self.free.wait(60)
        return self.said


@pytest.fixture
def provider() -> Iterator[Provider]:
    provider = Provider()
    yield provider
    provider.free.set()


def seen(board: FlagBoard) -> tuple[str, str]:
    """What a request sees of the flag that somebody else evaluates, and why."""
    read = board.read(WHO, NOW, 0.5)
    if (flags := board.abroad(["f", "g"])) and board.source is not None:
        board.hear(read, asyncio.run(board.source.ask(flags, WHO)))
    value = read["g"]
    return value.recorded, value.reason


def test_what_a_provider_says_applies_unless_it_is_held_back_here(provider: Provider) -> None:
    board = FlagBoard({"f": PLAIN, "g": AWAY}, source=FlagSource(provider, 30.0, FrozenClock()))
    assert seen(board) == ("on", "provider")
    board.settings = {"g": Setting(mode=FlagMode.OBSERVE)}
    assert seen(board) == ("observe:on", "provider")
    asked = provider.calls
    for setting, reason in ((Setting(killed=True), "killed"), (Setting(mode=FlagMode.OFF), "off")):
        board.settings = {"g": setting}
        assert seen(board) == ("off", reason)
    assert provider.calls == asked
    board.settings = {}
    provider.said = Said("blue", "provider")
    assert seen(board) == ("off", "provider_unknown_variant")
    provider.said = Said(None, "provider_flag_not_found")
    assert seen(board) == ("off", "provider_flag_not_found")
    board.source = None
    assert seen(board) == ("off", "provider_missing")


def test_a_dead_provider_costs_one_timeout_and_then_nothing_until_it_answers_again(provider: Provider) -> None:
    clock = FrozenClock()
    source = FlagSource(provider, 0.02, clock)
    board = FlagBoard({"g": AWAY}, source=source)
    provider.free.clear()
    assert seen(board) == ("off", "provider_timeout")
    calls = provider.calls
    begun = time.monotonic()
    assert {seen(board) for _ in range(20)} == {("off", "provider_resting")}
    assert time.monotonic() - begun < 10
    assert provider.calls == calls
    for _ in range(8):  # more than there are threads to be held
        clock.advance(6)
        assert seen(board) == ("off", "provider_timeout")
    provider.free.set()
    clock.advance(6)
    end = time.monotonic() + 30
    while seen(board) != ("on", "provider"):
        assert time.monotonic() < end
        clock.advance(6)
        time.sleep(0.02)
    assert source.ask_now([AWAY], WHO) == {"g": Said("on", "provider")}
    source.close()


def test_without_an_event_loop_the_wait_is_as_short(provider: Provider) -> None:
    source = FlagSource(provider, 0.02, FrozenClock())
    provider.free.clear()
    assert source.ask_now([AWAY], WHO) == {"g": Said(None, "provider_timeout")}
    assert source.ask_now([AWAY], WHO) == {"g": Said(None, "provider_resting")}


def test_where_no_flag_is_declared_nothing_is_made_for_a_request() -> None:
    board = FlagBoard({})
    assert board.read(WHO, NOW, 0.1) is board.read(WHO, NOW, 0.2)
    assert recorded(board.read(WHO, NOW, 0.1)) == {}
    with pytest.raises(KeyError):
        board.read(WHO, NOW, 0.1)["f"]
