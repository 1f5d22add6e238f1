"""A ledger's copy in Postgres, as a configuration names it."""

from __future__ import annotations

import math
from typing import Final

from pydantic import Field, SecretStr

from turnout.config.values import Age, Section
from turnout.ledger.embedded import Copy

_DAY_S: Final = 86_400.0


class PostgresConfig(Section):
    """A copy of the ledger in Postgres: for many gateways, and for whatever else reads a database. Extra `postgres`."""

    url: SecretStr = Field(
        description="Its address. Write ${NAME} where it has a password.",
        examples=["postgresql://turnout@db.internal/turnout"],
    )
    retention: Age = Field(
        None, description="How long decisions are kept there, in whole days; then a day's are dropped."
    )
    dashboard: bool = Field(
        default=False,
        description="Whether the dashboard shows the decisions of all gateways, from there, and not only this one's.",
    )

    def copy_of(self) -> Copy:
        """Where the ledger is copied to."""
        kept_days = None if self.retention is None else max(1, math.ceil(self.retention / _DAY_S))
        return Copy(self.url.get_secret_value(), kept_days)
