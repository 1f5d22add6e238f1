"""Where a canary lives: the flags that it acts on, the ledger that it is judged by, and the file that tells of it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated, NamedTuple

import msgspec
import typer

from turnout.cli.flags.access import Flags
from turnout.cli.flags.access import Where as FlagsOf
from turnout.cli.ledger_options import opened
from turnout.config.load import find_data_directory
from turnout.errors import ConfigError
from turnout.insight.canary.judging import Found, judge
from turnout.insight.canary.measure import Stretch
from turnout.insight.canary.observed import observed
from turnout.insight.canary.progress import advanced
from turnout.ledger.store import Store
from turnout.state.canaries import CanaryFile
from turnout.types.canary import Canary, CanaryStatus, Walked
from turnout.types.clock import timestamp
from turnout.types.flag import FlagMode
from turnout.types.flag_change import FlagChange, FlagState


class Look(NamedTuple):
    """A canary, and what is known of it now."""

    canary: Canary
    stretches: list[Stretch]
    found: list[Found]


class Canaries:
    """The canaries of a data directory.

    Args:
        flags: what divides the traffic.
        file: where they are kept.
        store: what tells how they do.
    """

    def __init__(self, flags: Flags, file: CanaryFile, store: Store) -> None:
        self._flags = flags
        self._file = file
        self._store = store

    def all(self) -> Mapping[str, Canary]:
        """Every canary, by its flag. Raises `LedgerError`."""
        return self._file.read()

    def one(self, flag: str) -> Canary:
        """The canary of a flag. Raises `ConfigError` where there is none."""
        known = self._file.read()
        if flag not in known:
            fix = f"There are: {', '.join(known)}." if known else f"Begin with: turnout canary start {flag}"
            raise ConfigError(f"the flag '{flag}' has no canary.", fix=fix)
        return known[flag]

    def look(self, flag: str) -> Look:
        """How a canary does. Raises as `one`."""
        canary = self.one(flag)
        stretches = observed(self._store, canary)
        return Look(canary, stretches, judge(stretches, canary.tolerances, canary.alpha))

    def start(self, canary: Canary) -> None:
        """Give the variant its first share. Raises `ConfigError` where one is running."""
        with self._file.alone():
            before = self._file.read().get(canary.flag)
            if before is not None and before.status is CanaryStatus.RUNNING:
                fix = f"Look at it by `turnout canary status {canary.flag}`, or stop it first."
                raise ConfigError(f"a canary of '{canary.flag}' is running already.", fix=fix)
            self._keep(canary)

    def step(self, flag: str) -> tuple[Look, Canary]:
        """Look, and do what the rule says; the canary as it is then. Raises as `one`."""
        with self._file.alone():
            look = self.look(flag)
            self._untouched(look.canary)
            after = advanced(look.canary, look.stretches, look.found, datetime.now(UTC))
            if after is not look.canary:
                self._keep(after)
        return look, after

    def stop(self, flag: str, because: str) -> Canary:
        """Give everybody the default again. Raises as `one`."""
        with self._file.alone():
            canary = self.one(flag)
            walked = (*canary.walked, Walked(timestamp(datetime.now(UTC)), 0.0, because))
            after = msgspec.structs.replace(canary, walked=walked, status=CanaryStatus.STOPPED)
            self._keep(after)
        return after

    def promote(self, flag: str, because: str) -> Canary:
        """Give everybody the variant, whatever is known. Raises as `one`."""
        with self._file.alone():
            canary = self.one(flag)
            walked = (*canary.walked, Walked(timestamp(datetime.now(UTC)), 1.0, because))
            after = msgspec.structs.replace(canary, walked=walked, status=CanaryStatus.PROMOTED)
            self._keep(after)
        return after

    def _keep(self, canary: Canary) -> None:
        """Write it down once the flag is as it says: a canary that was rolled back must not seem so before it is."""
        share = canary.share
        change = FlagChange(mode=FlagMode.ON, share={canary.variant: share}) if share else FlagChange(mode=FlagMode.OFF)
        self._flags.change(canary.flag, change)
        self._file.write(canary)

    def _untouched(self, canary: Canary) -> None:
        """Whoever changes the flag by hand has taken the canary over: it is stopped, and the flag left as it is."""
        state = self._flags.one(canary.flag)
        if canary.status is not CanaryStatus.RUNNING or _gives(state, canary):
            return
        because = "stopped: the flag was changed by hand"
        walked = (*canary.walked, Walked(timestamp(datetime.now(UTC)), canary.share, because))
        self._file.write(msgspec.structs.replace(canary, walked=walked, status=CanaryStatus.STOPPED))
        fix = f"Start it anew: turnout canary start {canary.flag}"
        raise ConfigError(f"the flag '{canary.flag}' was changed by hand, so its canary is stopped.", fix=fix)


def _gives(state: FlagState, canary: Canary) -> bool:
    """Whether the flag gives the variant the canary's share, and no other variant anything."""
    setting = state.setting
    on = setting.mode is FlagMode.ON and not setting.killed
    return on and dict(setting.share) == {canary.variant: canary.share}


@dataclass(frozen=True, kw_only=True)
class Where:
    """The options that say whose canaries."""

    config: Annotated[
        Path | None, typer.Option("--config", "-c", help="The configuration that declares the flag; ./turnout.yaml.")
    ] = None
    data: Annotated[Path | None, typer.Option(help="The data directory, as for `turnout serve`.")] = None

    def flags(self) -> Flags:
        """The flags."""
        return FlagsOf(config=self.config, data=self.data).flags()

    def canaries(self) -> Canaries:
        """The canaries."""
        directory = find_data_directory(self.data, config=self.config)
        return Canaries(self.flags(), CanaryFile(directory), opened(directory))
