"""Drift: whether the calibrations and classifiers in use still fit the traffic, and why one is due again."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import NamedTuple

from starlette.requests import Request

from turnout.confidence.shift import SHIFTED, SLIGHT, shift_word
from turnout.config.drifting import learnt_by, watched
from turnout.config.load import LoadedConfig
from turnout.dashboard.house import House
from turnout.dashboard.period import Period
from turnout.dashboard.rendering import Page
from turnout.errors import ArtefactError
from turnout.insight.drift import FEWEST, Watch
from turnout.insight.query import Filter


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
    loaded = house.router.loaded
    shown = [_shown(house, loaded, period, *each) for each in learnt_by(loaded)]
    shown.sort(key=lambda each: (each.state != "bad", each.route, each.file))
    told = {"fewest": FEWEST, "slight": SLIGHT, "shifted": SHIFTED, "word": shift_word}
    return Page("drift.html", {"period": period, "shown": shown, **told})


def _shown(house: House, loaded: LoadedConfig, period: Period, route: str, file: str) -> Shown:
    wanted = Filter(since=period.since, until=period.until, route=route)
    try:
        return Shown(route, file, watched(loaded, house.store, wanted, file))
    except ArtefactError as error:
        return Shown(route, file, None, str(error))
