"""`--ledger`: commands that read the ledger's copy in Postgres, of all gateways or one."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Final

import msgspec
import typer
from rich.console import Console
from rich.table import Table

from turnout.config.load import find_copy
from turnout.errors import ConfigError
from turnout.ledger.postgres.holdings import CopyHoldings
from turnout.ledger.postgres.store import PostgresStore

CONFIGURED: Final = "postgres"
_SCHEMES: Final = ("postgresql://", "postgres://")

Ledger = Annotated[
    str | None,
    typer.Option(
        "--ledger",
        metavar="postgres|URL",
        help="Read all gateways' copy in Postgres: `postgres` is the one that the configuration names; with #NAME only "
        "the ledger whose name begins so (see turnout ledger info).",
    ),
]


def copy_at(given: str, config: Path | None = None) -> PostgresStore:
    """The copy that `--ledger` names.

    Args:
        given: `postgres` or a URL, with `#` and how a ledger's name begins or without.
        config: the configuration, where it is another than the gateway would find.

    Raises:
        ConfigError: there is no such copy, or no such ledger in it.
        LedgerError: it cannot be read.
        MissingExtra: the extra `postgres` is not installed.
    """
    where, _, name = given.partition("#")
    url = _configured(config) if where == CONFIGURED else where
    if not url.startswith(_SCHEMES):  # not told again: it may have a password
        raise ConfigError(
            "--ledger names no database.",
            fix="Write --ledger postgres for the copy that turnout.yaml names, or postgresql://USER@HOST/DATABASE.",
        )
    return PostgresStore(url, _ledger(PostgresStore(url), name) if name else None)


def _configured(config: Path | None) -> str:
    url = find_copy(config)
    if not url:
        raise ConfigError(
            "the configuration names no copy of the ledger.",
            fix="Set ledger.postgres.url, or write --ledger postgresql://USER@HOST/DATABASE.",
        )
    return url


def _ledger(store: PostgresStore, begins: str) -> str:
    names = [name for (name,) in store.rows("SELECT ledger FROM turnout.positions ORDER BY 1")]
    store.close()
    found: list[str] = [name for name in names if name.startswith(begins)]
    if len(found) != 1:
        told = "several ledgers'" if found else "no ledger's"
        raise ConfigError(f"#{begins} is how {told} name begins.", fix=f"There are: {', '.join(found or names)}.")
    return found[0]


def print_copy(held: CopyHoldings, *, json: bool) -> None:
    """Tell what the copy holds."""
    if json:
        typer.echo(msgspec.json.encode(held))
        return
    table = Table("", "", box=None, show_header=False, pad_edge=False)
    table.add_row("where", held.where)
    table.add_row("schema", f"version {held.schema_version}")
    table.add_row("size", megabytes(held.bytes))
    for name, each in held.ledgers.items():
        table.add_row("ledger", f"{name}: {each.decisions:,} decisions, the last {each.newest or 'never'}")
    table.add_row("decisions", f"{held.oldest} to {held.newest}" if held.oldest else "none yet")
    for name, number in held.rows.items():
        table.add_row(name, f"{number:,} rows")
    Console(highlight=False).print(table)


def megabytes(size: int) -> str:
    """A size in bytes, for people."""
    return f"{size / 1_000_000:,.1f} MB"
