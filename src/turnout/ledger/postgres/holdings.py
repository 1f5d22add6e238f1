"""What the copy in Postgres holds: whose ledgers, how much of what, since when."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Final

import msgspec

from turnout.ledger.postgres.rows import COLUMNS, SUM_COLUMNS
from turnout.ledger.postgres.schema import MS, VERSION
from turnout.ledger.postgres.store import PostgresStore
from turnout.types.clock import timestamp

_BYTES: Final = """
SELECT sum(pg_total_relation_size(c.oid)) FROM pg_class AS c JOIN pg_namespace AS n ON n.oid = c.relnamespace
WHERE n.nspname = 'turnout' AND c.relkind = 'r'"""
_LEDGERS: Final = f"""
SELECT ledger, (SELECT count(*) FROM turnout.decisions AS d WHERE d.ledger = p.ledger),
    (SELECT max({MS}) FROM turnout.decisions AS d WHERE d.ledger = p.ledger)
FROM turnout.positions AS p ORDER BY 1"""  # noqa: S608 - our own words


class Ledger(msgspec.Struct, frozen=True):
    """One gateway's, or one host's, ledger.

    Attributes:
        decisions: how many of it there are.
        newest: when the last was admitted, ISO 8601 in UTC; None without any.
    """

    decisions: int
    newest: str | None


class CopyHoldings(msgspec.Struct, frozen=True, kw_only=True):
    """What the copy holds.

    Attributes:
        where: the database, without user and password.
        schema_version: of its tables.
        bytes: its size there, with its indexes.
        ledgers: by name.
        rows: how many there are in each table, of the ledgers that are asked.
        oldest, newest: when the first and the last of these decisions were admitted, ISO 8601 in UTC; None without any.
    """

    where: str
    schema_version: int
    bytes: int
    ledgers: Mapping[str, Ledger]
    rows: Mapping[str, int]
    oldest: str | None
    newest: str | None


def copy_holdings(store: PostgresStore) -> CopyHoldings:
    """What the copy holds.

    Raises:
        LedgerError: it cannot be read.
    """
    tables = sorted((*COLUMNS, *SUM_COLUMNS))
    ((oldest, newest),) = store.rows("SELECT min(time), max(time) FROM decisions")
    ((size,),) = store.rows(_BYTES)
    return CopyHoldings(
        where=str(store),
        schema_version=VERSION,
        bytes=size,
        ledgers={name: Ledger(number, _told(last)) for name, number, last in store.rows(_LEDGERS)},
        rows={name: next(store.rows(f"SELECT count(*) FROM {name}"))[0] for name in tables},  # noqa: S608 - our own names
        oldest=_told(oldest),
        newest=_told(newest),
    )


def _told(time_ms: int | None) -> str | None:
    return None if time_ms is None else timestamp(datetime.fromtimestamp(time_ms / 1_000, UTC))
