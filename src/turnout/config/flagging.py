"""Feature flags in a running process: changed by whoever may write the file, followed by every worker."""

from __future__ import annotations

import asyncio
import logging
from pathlib import Path
from typing import Final

from turnout.config.flags import FlagConfig, declared
from turnout.config.load import LoadedConfig, open_document
from turnout.config.schema import Config
from turnout.errors import LedgerError
from turnout.router.router import Router
from turnout.state.flag_board import FlagBoard
from turnout.state.flag_source import FlagSource
from turnout.state.flags import FlagFile, Settings, Stamp
from turnout.types.clock import Clock
from turnout.types.flag import Flag, Setting
from turnout.types.flag_change import fault

_log = logging.getLogger(__name__)

_LOOK_S: Final = 0.2
_KILLED: Final = Setting(killed=True)


def flag_board(config: Config, before: FlagBoard | None = None) -> FlagBoard:
    """The flags that a configuration declares; what was set of those before still holds."""
    if before is None:
        return FlagBoard(declared(config.flags))
    return FlagBoard(declared(config.flags), before.settings, before.source)


def flags_in(path: str | Path | None) -> dict[str, Flag]:
    """The flags that a configuration file declares, be the rest of it sound or not: a kill must not wait for that.

    Raises:
        ConfigError: there is no such file, or a flag in it cannot be.
    """
    document = open_document(path)
    given = document.value(("flags",))
    try:
        return declared({name: FlagConfig.model_validate(each) for name, each in dict(given or {}).items()})
    except (ValueError, TypeError):
        fix = "Run `turnout config check`: it says what."
        raise document.error(("flags",), "something is wrong with the flags.", fix) from None


def source_of(loaded: LoadedConfig, clock: Clock) -> FlagSource | None:
    """Whoever else evaluates flags; None where the configuration names nobody.

    Raises:
        ConfigError: there is no such provider, or it cannot be made.
        MissingExtra: the extra `flags` is not installed.
    """
    given = loaded.config.openfeature
    if given is None:
        return None
    from turnout.config.openfeature import evaluator

    return FlagSource(evaluator(given), given.timeout, clock)


class Flagging:
    """Keeps a router's flags as the file says, and as they were while it cannot be read.

    Where nothing sound was known before, at the start, a flag is killed: it may have been, and nobody could tell.
    """

    def __init__(self, router: Router, file: FlagFile) -> None:
        self._router = router
        self._file = file
        self._seen: tuple[Stamp, FlagBoard | None] = (None, None)
        self._settings: Settings | None = None

    async def follow(self) -> None:
        """Look several times a second, for ever."""
        while True:
            await asyncio.sleep(_LOOK_S)
            self.look()

    def look(self) -> None:
        """Do what the file says, if it or the configuration has changed."""
        board, stamp = self._router.parts.flags, self._file.stamp()
        if self._seen == (stamp, board):
            return
        self._seen = stamp, board
        try:
            read = self._file.read()
        except LedgerError as error:
            _log.error("%s", error)
            read = self._settings if self._settings is not None else dict.fromkeys(board.flags, _KILLED)
        after = {name: self._sound(flag, read[name]) for name, flag in board.flags.items() if name in read}
        if self._settings is not None:
            _tell(board, self._settings, after)
        self._settings = board.settings = after

    def _sound(self, flag: Flag, setting: Setting) -> Setting:
        """What is set, else what was before, else nothing that could do harm."""
        wrong = fault(flag, setting)
        if wrong is None:
            return setting
        before = (self._settings or {}).get(flag.name, flag.setting if self._settings is not None else _KILLED)
        _log.error("the flag %s cannot be as it is set: %s", flag.name, wrong)
        return before if fault(flag, before) is None else _KILLED


def following_flags(router: Router, file: FlagFile) -> asyncio.Task[None]:
    """Follow the file until the task is cancelled. It has been looked at once when this returns."""
    flagging = Flagging(router, file)
    flagging.look()
    following = asyncio.create_task(flagging.follow(), name="turnout-flags")
    following.add_done_callback(_tell_defect)
    return following


def _tell_defect(following: asyncio.Task[None]) -> None:
    if not following.cancelled() and (defect := following.exception()) is not None:
        _log.error("changes of feature flags are not followed any more; restart this process", exc_info=defect)


def setting_words(setting: Setting) -> str:
    """A setting in a few words: `on for 30 %, alice is listed`."""
    if setting.killed:
        return "killed"
    shares = ", ".join(f"{variant} for {share * 100:g} %" for variant, share in setting.share.items())
    listed = sum(len(audience.users) + len(audience.tenants) for audience in setting.lists.values())
    told = [shares, f"{listed} listed" if listed else ""]
    told += [f"from {setting.from_.isoformat()}" if setting.from_ else ""]
    told += [f"until {setting.until.isoformat()}" if setting.until else ""]
    said = ", ".join(filter(None, told)) or "the default for everybody"
    return {"on": said, "off": "off", "observe": f"observed only ({said})"}[setting.mode.value]


def _tell(board: FlagBoard, before: Settings, after: Settings) -> None:
    for name, flag in board.flags.items():
        was, now = (each.get(name, flag.setting) for each in (before, after))
        if was != now:
            _log.warning("flag %s: %s (was: %s)", name, setting_words(now), setting_words(was))
