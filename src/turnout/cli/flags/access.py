"""Where the flags are: in a data directory on this machine, or in a gateway that is asked."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated, Protocol
from urllib.parse import quote

import msgspec
import typer

from turnout.cli.drill.admin_client import AdminClient
from turnout.config.compile import flags_asked
from turnout.config.flagging import flags_in
from turnout.config.load import find_data_directory, load_config
from turnout.errors import ConfigError
from turnout.state.flags import FlagFile
from turnout.types.flag import Flag, Setting
from turnout.types.flag_change import FlagChange, FlagState, changed


class Flags(Protocol):
    """Reads and changes the flags of a gateway. Each raises `TurnoutError` where that cannot be."""

    def all(self) -> Sequence[FlagState]:
        """Every flag."""
        ...

    def one(self, name: str) -> FlagState:
        """One of them."""
        ...

    def change(self, name: str, change: FlagChange) -> FlagState:
        """Change it, and see what it is then."""
        ...

    def reset(self, name: str) -> FlagState:
        """Forget what was changed."""
        ...


class LocalFlags:
    """In a data directory: no gateway has to run, and none has to be reachable.

    Args:
        flags: as the configuration declares them.
        used_by: the routes that ask for each.
        file: what is set at run time.
    """

    def __init__(self, flags: Mapping[str, Flag], used_by: Mapping[str, Sequence[str]], file: FlagFile) -> None:
        self._flags = flags
        self._used_by = used_by
        self._file = file

    def all(self) -> Sequence[FlagState]:
        """See `Flags`."""
        set_now = self._file.read()
        return [self._state(flag, set_now.get(flag.name)) for flag in self._flags.values()]

    def one(self, name: str) -> FlagState:
        """See `Flags`."""
        return self._state(self._named(name), self._file.read().get(name))

    def change(self, name: str, change: FlagChange) -> FlagState:
        """See `Flags`."""
        flag, now = self._named(name), datetime.now(UTC)
        after = self._file.change(name, lambda before: changed(flag, before or flag.setting, change, now))
        return self._state(flag, after)

    def reset(self, name: str) -> FlagState:
        """See `Flags`."""
        return self._state(self._named(name), self._file.change(name, lambda _: None))

    def _state(self, flag: Flag, setting: Setting | None) -> FlagState:
        return FlagState.of(flag, setting or flag.setting, self._used_by.get(flag.name, ()))

    def _named(self, name: str) -> Flag:
        if name not in self._flags:
            known = f"There are: {', '.join(self._flags)}." if self._flags else "Declare it under `flags` first."
            raise ConfigError(f"there is no flag '{name}'.", fix=known)
        return self._flags[name]


class RemoteFlags:
    """In a gateway, by its `/admin`."""

    def __init__(self, client: AdminClient) -> None:
        self._client = client

    def all(self) -> Sequence[FlagState]:
        """See `Flags`."""
        return self._client.ask("GET", "/admin/flags", list[FlagState])

    def one(self, name: str) -> FlagState:
        """See `Flags`."""
        return self._client.ask("GET", _path(name), FlagState)

    def change(self, name: str, change: FlagChange) -> FlagState:
        """See `Flags`."""
        return self._client.ask("POST", _path(name), FlagState, msgspec.to_builtins(change))

    def reset(self, name: str) -> FlagState:
        """See `Flags`."""
        return self._client.ask("DELETE", _path(name), FlagState)


def _path(name: str) -> str:
    return f"/admin/flags/{quote(name, safe='')}"


@dataclass(frozen=True, kw_only=True)
class Where:
    """The options that say whose flags."""

    config: Annotated[
        Path | None, typer.Option("--config", "-c", help="The configuration that declares them; ./turnout.yaml.")
    ] = None
    data: Annotated[Path | None, typer.Option(help="The data directory, as for `turnout serve`.")] = None
    url: Annotated[
        str | None, typer.Option(help="A gateway on another machine, asked by its /admin.", envvar="TURNOUT_URL")
    ] = None
    key: Annotated[
        str | None, typer.Option(help="One of its server.admin_keys; role admin to change.", envvar="TURNOUT_ADMIN_KEY")
    ] = None

    def flags(self) -> Flags:
        """Whose they say."""
        if self.url is not None:
            return RemoteFlags(AdminClient(self.url, self.key))
        return LocalFlags(
            flags_in(self.config), _used_by(self.config), FlagFile(find_data_directory(self.data, config=self.config))
        )


def _used_by(config: Path | None) -> dict[str, list[str]]:
    """The routes that ask for each flag; nothing where the rest of the configuration is not sound."""
    used: dict[str, list[str]] = {}
    try:
        routes = load_config(config, keyless=True).config.routes
    except ConfigError:
        return used
    for name, route in routes.items():
        for flag in dict.fromkeys(flags_asked(route.policy)):
            used.setdefault(flag, []).append(name)
    return used
