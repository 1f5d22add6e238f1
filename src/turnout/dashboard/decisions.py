"""The decisions: a list with filters that live in its address, a live tail, and each one's whole story."""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any, Final, get_args
from urllib.parse import quote, urlencode

import msgspec
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from turnout.dashboard.house import House
from turnout.dashboard.period import SPANS
from turnout.dashboard.rendering import HEADERS, Page
from turnout.dashboard.story import story
from turnout.insight import browse, query
from turnout.insight.browse import Cursor
from turnout.insight.feedback import said_of
from turnout.insight.query import AmbiguousId, Filter
from turnout.insight.texts import said
from turnout.ledger.entry import encode_decision
from turnout.types.decision import DecisionOutcome

PAGE: Final = 50
_ID: Final = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{0,12}){0,4}")
_HASH: Final = re.compile(r"[0-9a-f]{64}")
_AMOUNT: Final = re.compile(r"\d{1,9}(\.\d{1,12})?")
_TEXTS: Final = ("route", "target", "tenant", "user", "rule", "outcome")
_LONGEST: Final = 500


def show(house: House, request: Request) -> Page | Response:
    """The list, newest first; an id that is whole leads straight to its decision."""
    asked = request.query_params
    wanted = filter_of(asked, datetime.now(UTC))
    if wanted.id_prefix and (found := house.store.read(wanted.id_prefix)):
        return RedirectResponse(f"/dashboard/decisions/{quote(found.id)}", 303, headers=HEADERS)
    slow = _slow(wanted)
    read = browse.searched if slow else browse.listed
    shown = read(house.store, wanted, before=Cursor.read(asked.get("before")), limit=PAGE)
    config = house.router.loaded.config
    return Page(
        "decisions.html",
        {
            "decisions": shown.decisions,
            "older": _address(asked, before=str(shown.older)) if shown.older else None,
            "newest_page": _address(asked) if asked.get("before") else None,
            "latest": browse.latest(house.store),
            "searched": browse.MOST_READ if slow and shown.older and len(shown.decisions) < PAGE else None,
            "filtered": any(value for name, value in asked.items() if name != "before"),
            "routes": list(config.routes),
            "targets": list(config.targets),
            "possible_outcomes": get_args(DecisionOutcome),
        },
    )


def rows(house: House, request: Request) -> Page:
    """What has arrived after `after`, as rows for the top of the list."""
    after = request.query_params.get("after", "")
    seen = int(after) if re.fullmatch(r"[0-9]{1,18}", after) else browse.latest(house.store)
    came = browse.news(house.store, filter_of(request.query_params, datetime.now(UTC)), after=seen, limit=PAGE)
    return Page("rows.html", {"decisions": came.decisions}, headers={"x-newest": str(came.latest)})


def show_one(house: House, request: Request) -> Page:
    """One decision's story."""
    asked = request.path_params["decision_id"].strip().lower()
    try:
        found = query.decision(house.store, asked)
    except AmbiguousId as several:
        return Page("no_decision.html", {"asked": asked, "ids": several.ids}, 404)
    if found is None:
        return Page("no_decision.html", {"asked": asked, "ids": []}, 404)
    record = msgspec.json.format(encode_decision(found), indent=2).decode()
    told = {"said": said(house.store, found.id), "feedback": said_of(house.store, found.id)}
    return Page("decision.html", {"one": found, "story": story(found), "record": record, **told})


def filter_of(asked: Mapping[str, str], now: datetime) -> Filter:
    """The filter that an address describes; what makes no sense in it asks for nothing."""
    fields: dict[str, Any] = {name: asked.get(name, "")[:_LONGEST].strip() or None for name in _TEXTS}
    search = asked.get("q", "")[:_LONGEST].strip()
    if search:
        fields[_searched(search)] = search
    least = asked.get("min_cost", "")
    span = next((each for each in SPANS if each.name == asked.get("period")), None)
    return Filter(
        **fields,
        since=now - span.length if span else None,
        min_cost_usd=Decimal(least) if _AMOUNT.fullmatch(least) else None,
        fell_back=asked.get("fallbacks") == "1",
    )


def _slow(wanted: Filter) -> bool:
    """Whether no index of the ledger leads to such decisions, so that all of them would be read."""
    leads = (wanted.route, wanted.target, wanted.tenant, wanted.user, wanted.id_prefix)
    seldom = wanted.fell_back or wanted.outcome not in {None, "answered"}
    asks = wanted.rule or wanted.query_hash or wanted.min_cost_usd is not None
    return bool(asks) and not any(leads) and not seldom


def _searched(text: str) -> str:
    """What a text that is looked for is: a query's hash, a decision's id or how it begins, or else a user."""
    if _HASH.fullmatch(text):
        return "query_hash"
    return "id_prefix" if _ID.fullmatch(text) else "user"


def _address(asked: Mapping[str, str], **changes: str) -> str:
    kept = {name: value for name, value in asked.items() if name != "before" and value}
    return f"/dashboard/decisions?{urlencode({**kept, **changes})}"
