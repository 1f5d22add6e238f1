"""Sums by provider: a request counts for the provider of the target that answered it."""

from __future__ import annotations

from collections.abc import Sequence
from operator import add
from typing import Final

import msgspec

from turnout.errors import ConfigError
from turnout.insight.query import Filter
from turnout.insight.sums import GROUPS, TAG, Summary, totals
from turnout.ledger.store import Store

PROVIDER: Final = "provider"
FIELDS: Final = (*GROUPS, PROVIDER)
"""What reports can be had by, besides tags."""
_TARGET: Final = "target"
_RATED: Final = ("outcomes", "rating")

_PROVIDERS: Final = """
SELECT target, provider, max(start) FROM attempt_rollups WHERE provider <> '' GROUP BY 1, 2 ORDER BY 3"""


def totals_by(store: Store, wanted: Filter, by: Sequence[str]) -> dict[tuple[str | None, ...], Summary]:
    """As `turnout.insight.sums.totals`, by provider too: the one that each target was last called at.

    Raises:
        ConfigError: there is no such field.
        LedgerError: the store cannot be read.
    """
    if unknown := next((field for field in by if field not in FIELDS and not field.startswith(TAG)), None):
        raise ConfigError(
            f"there is no field '{unknown}' to report by.", fix=f"There are: {', '.join(FIELDS)}, tag:NAME."
        )
    if PROVIDER not in by:
        return totals(store, wanted, by=by)
    providers = {target: provider for target, provider, _ in store.rows(_PROVIDERS)}
    finer = tuple(dict.fromkeys(_TARGET if field == PROVIDER else field for field in by))
    found: dict[tuple[str | None, ...], Summary] = {}
    for key, each in totals(store, wanted, by=finer).items():
        values = dict(zip(finer, key, strict=True))
        values[PROVIDER] = providers.get(values[_TARGET])
        coarser = tuple(values[field] for field in by)
        found[coarser] = together(found[coarser], each) if coarser in found else each
    return found


def together(one: Summary, other: Summary) -> Summary:
    """What the decisions of both amount to."""
    outcomes = {
        name: one.outcomes.get(name, 0) + other.outcomes.get(name, 0) for name in {*one.outcomes, *other.outcomes}
    }
    summed = {
        name: add(getattr(one, name), getattr(other, name)) for name in Summary.__struct_fields__ if name not in _RATED
    }
    ratings = one.ratings + other.ratings
    stars = (one.rating or 0.0) * one.ratings + (other.rating or 0.0) * other.ratings
    return msgspec.convert({**summed, "outcomes": outcomes, "rating": stars / ratings if ratings else None}, Summary)
