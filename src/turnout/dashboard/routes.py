"""The routes: each policy as a drawing, with the share of the traffic that went through each branch."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import NamedTuple

from starlette.requests import Request

from turnout.config.schema import RouteConfig
from turnout.dashboard.diagram import Drawing, draw
from turnout.dashboard.house import House
from turnout.dashboard.period import Period
from turnout.dashboard.policy_tree import policy_tree
from turnout.dashboard.rendering import Page
from turnout.insight.query import Filter
from turnout.insight.sums import Summary, totals
from turnout.insight.ways import MOST_READ, Ways, ways

Counts = dict[tuple[str | None, str | None], Summary]


class Shown(NamedTuple):
    """A route on the page.

    Attributes:
        name: the route's name.
        config: its configuration; None for a name that callers asked for and the configuration does not have.
        requests: how many there were.
        drawing: its policy; None without a configuration.
        elsewhere: how many of the requests looked at went no way that the drawing has.
        branches: what each rule and target had, most first.
    """

    name: str
    config: RouteConfig | None
    requests: int
    drawing: Drawing | None
    elsewhere: int
    branches: list[tuple[tuple[str | None, str | None], Summary]]


def show(house: House, request: Request) -> Page:
    """Every configured route, then whatever else was asked for."""
    period = Period.of(request.query_params, datetime.now(UTC))
    wanted = Filter(since=period.since, until=period.until)
    counts: dict[str, Counts] = {}
    for (route, rule, target), summed in totals(house.store, wanted, by=("route", "rule", "target")).items():
        counts.setdefault(str(route), {})[rule, target] = summed
    taken = ways(house.store, period.since, period.until)
    configured = house.router.loaded.config.routes
    shown = [_route(name, config, counts.get(name, {}), taken.get(name, {})) for name, config in configured.items()]
    shown += [_route(name, None, each, {}) for name, each in sorted(counts.items()) if name not in configured]
    return Page("routes.html", {"period": period, "routes": shown, "looked_at": MOST_READ})


def _route(name: str, config: RouteConfig | None, counts: Counts, taken: Ways) -> Shown:
    requests = sum(summed.decisions for summed in counts.values())
    branches = sorted(counts.items(), key=lambda row: -row[1].decisions)
    if config is None:
        return Shown(name, None, requests, None, 0, branches)
    tree = policy_tree(name, config, taken)
    elsewhere = tree.requests - sum(child.requests for child in tree.children)
    return Shown(name, config, requests, draw(tree), elsewhere, branches)
