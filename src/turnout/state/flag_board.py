"""The feature flags of a router: what is declared, what is set now, and who else evaluates."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from datetime import datetime
from typing import Final

from turnout.state.flag_source import FlagSource, Said
from turnout.state.flags import Settings
from turnout.types.flag import Flag, FlagRead, FlagValue, Setting, evaluate, in_mode, no_flags, withheld
from turnout.types.request import Caller

_UNASKED: Final = Said(None, "provider_missing")


class FlagBoard:
    """Flags by name. What is set changes by one assignment, and counts from the next evaluation on.

    Args:
        flags: as the configuration declares them.
        settings: what is set at run time.
        source: evaluates those that a provider of your own does.
    """

    def __init__(
        self, flags: Mapping[str, Flag], settings: Settings | None = None, source: FlagSource | None = None
    ) -> None:
        self.flags = dict(flags)
        self.settings: Settings = {} if settings is None else settings
        self.source = source
        self._elsewhere = frozenset(name for name, flag in self.flags.items() if flag.elsewhere)

    def setting(self, name: str) -> Setting:
        """What holds of a flag now."""
        return self.settings.get(name) or self.flags[name].setting

    def read(self, caller: Caller, now: datetime, draw: float) -> FlagRead:
        """What one request sees; evaluated as it is read."""
        if not self.flags:
            return no_flags()
        return FlagRead(lambda name: self._look(name, caller, now, draw))

    def abroad(self, names: Collection[str]) -> list[Flag]:
        """Which of the flags named have to be asked for elsewhere, before they are read."""
        if not self._elsewhere:
            return []
        asked = (self.flags[name] for name in self._elsewhere.intersection(names))
        return [flag for flag in asked if withheld(flag, self.setting(flag.name)) is None]

    def hear(self, read: FlagRead, said: Mapping[str, Said]) -> None:
        """What was evaluated elsewhere is what the request sees."""
        for name, each in said.items():
            read[name] = self._heard(self.flags[name], each)

    def _look(self, name: str, caller: Caller, now: datetime, draw: float) -> FlagValue:
        flag, setting = self.flags[name], self.setting(name)
        if flag.elsewhere:
            return withheld(flag, setting) or self._heard(flag, _UNASKED)
        return evaluate(flag, setting, caller, now, draw)

    def _heard(self, flag: Flag, said: Said) -> FlagValue:
        if said.variant not in flag.variants:
            reason = said.reason if said.variant is None else "provider_unknown_variant"
            return FlagValue(flag.default, flag.default, reason)
        return in_mode(flag, self.setting(flag.name), said.variant, said.reason)
