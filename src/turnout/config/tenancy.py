"""Who may call and on whose account: the tenants of a configuration or of its store, and the keys of both."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Final

from turnout.config.load import LoadedConfig
from turnout.errors import ConfigError
from turnout.tenancy.desk import Desk
from turnout.tenancy.directory import Directory, Known
from turnout.tenancy.store import TenancyStore
from turnout.types.clock import Clock
from turnout.types.tenant import Tenant

_NAMED: Final = 3


def declared(loaded: LoadedConfig) -> Mapping[str, Tenant] | None:
    """The tenants of a configuration, by name; None where they stand in the store."""
    tenants = loaded.config.tenants
    return {name: each.named(name) for name, each in tenants.items()} if isinstance(tenants, dict) else None


def known_to(directory: Directory, loaded: LoadedConfig) -> Known:
    """Who is known once `loaded` takes effect. Waits for the disk, where the configuration has tenants.

    Raises:
        ConfigError: tenants stand in the configuration and in the store.
        TenancyError: the store cannot be read.
    """
    if loaded.config.tenants is None:
        return Known()
    known = directory.draft(declared(loaded))
    if known.declared is not None and known.content.tenants:
        names = sorted(known.content.tenants)
        listed = ", ".join(names[:_NAMED]) + (", ..." if len(names) > _NAMED else "")
        problem = f"tenants stand in this file, and others in the store of the data directory ({listed})."
        fix = "Write `tenants: {from: store}`, or take those away: turnout tenants remove NAME."
        raise loaded.document.error(("tenants",), problem, fix)
    return known


def desk_of(loaded: LoadedConfig, data: Path, clock: Clock) -> Desk:
    """Where keys are made, and tenants where they stand in the store.

    Raises:
        ConfigError: the configuration has no tenants, so that keys would belong to nobody.
    """
    if loaded.config.tenants is None:
        raise ConfigError(
            "there are no `tenants`, so that keys would belong to nobody.",
            fix="Write `tenants: {from: store}`, or name them there.",
            file=loaded.file,
            key="tenants",
        )
    return Desk(TenancyStore(data), clock, declared(loaded))
