"""What insight reads from, and the drain writes to."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any, NamedTuple, Protocol

from turnout.ledger.retention import Retention
from turnout.types.decision import Decision
from turnout.types.feedback import Feedback


class Written(NamedTuple):
    """A decision with its JSON object as the journal holds it."""

    decision: Decision
    record: bytes


class Position(NamedTuple):
    """How far a journal has been read: `offset` bytes into `segment`."""

    segment: int
    offset: int


class Store(Protocol):
    """Tells what was decided. Every method raises `LedgerError` where the store cannot be reached or read."""

    def read(self, decision_id: str) -> Decision | None:
        """The decision, equal to the one recorded."""
        ...

    def rows(self, sql: str, parameters: Sequence[object] = ()) -> Iterator[tuple[Any, ...]]:
        """Answer a query over the tables of `turnout/ledger/migrations`, seeing one moment of them throughout.

        Queries are written in what SQLite and Postgres both understand: see `turnout/ledger/postgres/dialect.py`.
        """
        ...

    def close(self) -> None:
        """Let go of what is open."""
        ...


class WritableStore(Store, Protocol):
    """Keeps decisions. Every method raises `LedgerError` where the store cannot be reached, read or written."""

    def append(
        self,
        decisions: Sequence[Written],
        journal: str,
        position: Position | None,
        feedback: Sequence[Feedback] = (),
    ) -> None:
        """Take decisions in, what was said of any, and the position in the journal read up to, all or nothing.

        What has an id that is there already is left as it is. A position of None forgets the journal.
        """
        ...

    def catch_up_sums(self) -> bool:
        """Count some decisions in that an older turnout recorded without sums; whether there are more of them."""
        ...

    def expire(self, retention: Retention, now_ms: int) -> bool:
        """Remove some of what is older than it may become at `now_ms` (since 1970); whether anything was removed."""
        ...

    def position(self, journal: str) -> Position:
        """How far a journal has been taken in; the very beginning if it is not known."""
        ...
