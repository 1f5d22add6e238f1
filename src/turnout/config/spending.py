"""What may be spent, and where what was spent is counted."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Final

from turnout.config.budgets import budgets_of
from turnout.config.load import LoadedConfig
from turnout.config.remembering import STATE
from turnout.config.shared_state import store_of, valkey_address
from turnout.state.counters import Counters
from turnout.state.kept_counters import KeptCounters
from turnout.state.shared_counters import SharedCounters
from turnout.state.sqlite_counters import SqliteBackend
from turnout.state.valkey_counters import ValkeyBackend
from turnout.tenancy.budgets import Budgets
from turnout.types.clock import Clock
from turnout.types.tenant import Budget, Period, Tenant

_FILE: Final = "counters.sqlite"


def counters_file(directory: Path) -> Path:
    """The database in which the processes of a data directory count."""
    return directory / STATE / _FILE


def counters_of(loaded: LoadedConfig, directory: Path, clock: Clock, *, workers: int) -> Counters:
    """The counts that budgets and limits draw on.

    Args:
        loaded: the configuration.
        directory: the data directory.
        clock: wall time.
        workers: how many processes of this machine count.

    Raises:
        ConfigError: the server's address is none.
        LedgerError: the file in the data directory cannot be read.
        MissingExtra: the extra `valkey` is needed and not installed.
    """
    file = counters_file(directory)
    match store_of(loaded, workers):
        case "memory":
            return KeptCounters(file, clock)
        case "sqlite":
            return SharedCounters(SqliteBackend(file, clock), clock, name=str(file))
        case _:
            with valkey_address(loaded) as url:
                backend = ValkeyBackend(url, timeout_s=loaded.config.state.timeout)
            return SharedCounters(backend, clock, name="Valkey")


def budgeted(
    loaded: LoadedConfig,
    counters: Counters,
    clock: Clock,
    tenant: Callable[[str], Tenant | None],
    before: Budgets | None = None,
) -> Budgets | None:
    """What may be spent; None where nobody can have a budget.

    Args:
        loaded: the configuration.
        counters: where it is counted.
        clock: wall time.
        tenant: finds a tenant as it is known now.
        before: whose place they take; whoever waits there waits in the same line.
    """
    given = budgets_of(loaded.config.budgets)
    if not given and loaded.config.tenants is None:
        return None

    def of_tenant(name: str) -> tuple[Budget, ...]:
        found = tenant(name)
        return (*found.budgets, *_revenue(found)) if found is not None else ()

    return before.renewed(given, of_tenant) if before is not None else Budgets(counters, clock, given, of_tenant)


def _revenue(tenant: Tenant) -> tuple[Budget, ...]:
    """What a tenant pays in a month, so that its spend can be held against it; the month is that of its budget."""
    if not tenant.revenue_usd:
        return ()
    months = (budget.timezone for budget in tenant.budgets if budget.per is Period.MONTH)
    return (
        Budget(
            name=f"{tenant.name}/revenue",
            usd=tenant.revenue_usd,
            per=Period.MONTH,
            timezone=next(months, "UTC"),
            hard=False,
            only=tenant.name,
            revenue=True,
        ),
    )
