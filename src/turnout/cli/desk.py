"""What `turnout keys` and `turnout tenants` have in common: where they work, and how they tell of it."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Annotated, Final

import typer

from turnout.cli.ledger_options import Data
from turnout.config.durations import parse_duration
from turnout.config.load import LoadedConfig, load_config
from turnout.config.tenancy import desk_of
from turnout.tenancy.desk import Desk
from turnout.tenancy.directory import EFFECTIVE_S
from turnout.types.clock import SystemClock

SOON: Final = f"Running gateways of this data directory know of it within {EFFECTIVE_S:g} s."

Json = Annotated[bool, typer.Option("--json", help="One JSON value for machines.")]
Yes = Annotated[bool, typer.Option("--yes", "-y", help="Do not ask.")]


@dataclass(frozen=True, kw_only=True)
class Place:
    """The options that say which gateway's tenants and keys."""

    config: Annotated[
        Path | None, typer.Option("--config", "-c", help="The configuration; by default ./turnout.yaml.")
    ] = None
    data: Data = None

    def desk(self) -> Desk:
        """Where they are changed. Raises `ConfigError` where the configuration has no tenants."""
        loaded: LoadedConfig = load_config(self.config, keyless=True)
        return desk_of(loaded, loaded.data_directory(self.data), SystemClock())


def lasting(given: str | None, option: str) -> timedelta | None:
    """A duration as `90d`. Raises `BadParameter`."""
    if given is None:
        return None
    try:
        return timedelta(seconds=parse_duration(given))
    except (ValueError, OverflowError):
        raise typer.BadParameter(f"{given!r} is no duration. Write 12h, 90d or 365d.", param_hint=option) from None
