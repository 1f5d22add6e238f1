"""Drift: whether the calibrations and classifiers in use still fit the traffic, and why one is due again."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Final, NamedTuple

from starlette.requests import Request

from turnout.config.load import LoadedConfig
from turnout.config.policies import artefacts
from turnout.dashboard.house import House
from turnout.dashboard.period import Period
from turnout.dashboard.rendering import Page
from turnout.errors import ArtefactError
from turnout.insight.drift import FEWEST, Watch, load_learnt, observe
from turnout.insight.query import Filter, decisions

MOST: Final = 5_000
"""Decisions of a route that are looked at, the latest first, so that the page is quick over any ledger."""


class Shown(NamedTuple):
    """An artefact on the page.

    Attributes:
        route: whose policy uses it.
        file: as the configuration names it.
        watch: how it fits; None where it cannot be read.
        trouble: why it cannot be read.
    """

    route: str
    file: str
    watch: Watch | None
    trouble: str = ""

    @property
    def state(self) -> str:
        """How it is coloured: `good`, `bad`, or `warn` where nothing can be said yet."""
        if self.watch is None or self.watch.due:
            return "bad"
        return "good" if self.watch.decisions >= FEWEST else "warn"


def show(house: House, request: Request) -> Page:
    """Every artefact that the configuration in effect uses, those that are due first."""
    period = Period.of({"period": "30d", **request.query_params}, datetime.now(UTC))
    shown = [_shown(house, period, *each) for each in _used(house.router.loaded)]
    shown.sort(key=lambda each: (each.state != "bad", each.route, each.file))
    return Page("drift.html", {"period": period, "shown": shown, "most": MOST, "fewest": FEWEST})


def _used(loaded: LoadedConfig) -> Iterator[tuple[str, str, Path]]:
    for name, route in loaded.config.routes.items():
        for file in dict.fromkeys(artefacts(route.policy)):
            yield name, str(file), loaded.directory / Path(file).expanduser()


def _shown(house: House, period: Period, route: str, file: str, path: Path) -> Shown:
    try:
        learnt = load_learnt(path)
    except ArtefactError as error:
        return Shown(route, file, None, str(error))
    latest = decisions(house.store, Filter(since=period.since, until=period.until, route=route), limit=MOST)
    return Shown(route, file, observe(learnt, latest))
