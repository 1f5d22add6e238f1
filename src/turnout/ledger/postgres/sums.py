"""The sums that a batch has changed, as the embedded ledger has them now.

Copied row by row, they are the same whenever and however often that is done: nothing is added up a second time.
"""

from __future__ import annotations

import hashlib
import time
from collections.abc import Iterable
from contextlib import suppress
from itertools import chain, islice
from typing import Any, Final

from turnout.errors import LedgerError
from turnout.ledger.breath import SLICE, breathe
from turnout.ledger.columns import attempt_rows, decision_row
from turnout.ledger.entry import stored_decision
from turnout.ledger.rollups import KEYS, MINUTES_KEPT_MS, SKETCHES, SUMMED, Rollup
from turnout.ledger.store import Store

Row = tuple[Any, ...]

_LONGEST: Final = 400
"""Bytes of a text that is part of a key: an entry of an index in Postgres has no more than 2,704."""
_DIGITS: Final = 12
_ASKED: Final = 200
"""Keys in one query, between two breaths."""


def changed_sums(store: Store, ledger: str, records: Iterable[str]) -> dict[str, list[Row]]:
    """The sums that decisions and shadows are in: rows of the columns of `sum_columns`, by table.

    Args:
        store: the embedded ledger.
        ledger: its name.
        records: of the decisions and shadows.

    Raises:
        LedgerError: the store cannot be read.
    """
    rollup = Rollup(round(time.time() * 1_000) - MINUTES_KEPT_MS)
    for place, record in enumerate(records, 1):
        if place % SLICE == 0:
            breathe()
        with suppress(LedgerError):  # what cannot be read was not counted
            decision = stored_decision(record)
            add = rollup.add if decision.shadow_of is None else rollup.add_shadow
            add(decision_row(decision), decision.tags.items(), attempt_rows(decision))
    keys: dict[str, set[Row]] = {table: set() for table in KEYS}
    for table, rows in rollup.rows():
        keys[table].update(row[: len(KEYS[table])] for row in rows)
    return {table: _sums(store, ledger, table, found) for table, found in keys.items()}


def sum_columns(table: str) -> tuple[str, ...]:
    """What a table of sums has beside the ledger's name, its key first."""
    return (*KEYS[table], *SUMMED[table], *SKETCHES.get(table, ()))


def key_text(text: str) -> str:
    """A text as a key has it: a long one is shortened, and told apart by a digest."""
    text = clean(text)
    if len(text.encode()) <= _LONGEST:
        return text
    digest = hashlib.sha256(text.encode()).hexdigest()[:_DIGITS]
    return text.encode()[: _LONGEST - _DIGITS - 1].decode(errors="ignore") + f"~{digest}"


def clean(text: str) -> str:
    """Without the one character that Postgres keeps in no text."""
    return text.replace("\0", "\ufffd")


def _sums(store: Store, ledger: str, table: str, keys: set[Row]) -> list[Row]:
    found: dict[Row, Row] = {}  # what differs by a NUL is the same in Postgres
    left = iter(keys)
    while part := list(islice(left, _ASKED)):
        for row in store.rows(_asking(table, len(part)), tuple(chain.from_iterable(part))):
            texts = (ledger, *(key_text(each) if isinstance(each, str) else each for each in row))
            found[texts[: 1 + len(KEYS[table])]] = texts
        breathe()
    return list(found.values())


def _asking(table: str, number: int) -> str:
    """A query for so many rows by their keys; a CROSS JOIN is done in the order in which it is written."""
    key = KEYS[table]
    one = f"({', '.join('?' * len(key))})"
    same = " AND ".join(f"sums.{name} = asked.{name}" for name in key)
    columns = ", ".join(f"sums.{name}" for name in sum_columns(table))
    return (
        f"WITH asked ({', '.join(key)}) AS (VALUES {', '.join([one] * number)}) "  # noqa: S608 - our own names
        f"SELECT {columns} FROM asked CROSS JOIN {table} AS sums ON {same}"
    )
