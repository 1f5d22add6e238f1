"""Templates to pages, with the headers that keep what was logged from ever running."""

from __future__ import annotations

from collections.abc import Mapping
from collections.abc import Set as AbstractSet
from datetime import UTC, datetime
from functools import cache
from typing import Any, Final, NamedTuple

from jinja2 import Environment, PackageLoader, StrictUndefined, pass_context
from jinja2.runtime import Context
from starlette.requests import Request
from starlette.responses import HTMLResponse

from turnout.dashboard import assets, words
from turnout.dashboard.period import SPANS
from turnout.insight.amount_words import milliseconds, usd
from turnout.insight.drop_words import drop_words

HEADERS: Final[Mapping[str, str]] = {
    "content-security-policy": "default-src 'self'; object-src 'none'; base-uri 'none'; form-action 'self'; "
    "frame-ancestors 'none'",
    "x-content-type-options": "nosniff",
    "x-frame-options": "DENY",
    "referrer-policy": "no-referrer",
    "cross-origin-opener-policy": "same-origin",
    "cross-origin-resource-policy": "same-origin",
    "permissions-policy": "camera=(), geolocation=(), microphone=()",
    "cache-control": "no-store",
}
"""Sent with every page. Nothing is loaded from elsewhere, and no script or style stands in a page itself."""

PAGES: Final = (
    ("/dashboard", "Overview"),
    ("/dashboard/decisions", "Decisions"),
    ("/dashboard/routes", "Routes"),
    ("/dashboard/targets", "Targets"),
    ("/dashboard/tenants", "Tenants"),
    ("/dashboard/savings", "Savings"),
    ("/dashboard/outages", "Outages"),
    ("/dashboard/experiments", "Experiments"),
    ("/dashboard/drift", "Drift"),
    ("/dashboard/what-if", "What if"),
    ("/dashboard/advice", "Advice"),
)
"""The navigation: each page's address and title."""


class Page(NamedTuple):
    """What a page shows.

    Attributes:
        template: the name of its template.
        values: what the template is given.
        status: the HTTP status.
        headers: besides those that every page has.
    """

    template: str
    values: Mapping[str, Any]
    status: int = 200
    headers: Mapping[str, str] = {}


def render(
    page: Page, request: Request, *, signed_in: bool = False, simulated: AbstractSet[str] = frozenset()
) -> HTMLResponse:
    """The page as HTML. Whatever it is given is text: it is escaped.

    Args:
        page: what it shows.
        request: who asks for it.
        signed_in: whether there is a session to end.
        simulated: the targets that answer without a model: they are marked wherever they are named.
    """
    html = (
        _environment()
        .get_template(page.template)
        .render(
            path=request.url.path,
            origin=f"{request.url.scheme}://{request.url.netloc}",
            query=request.query_params,
            pages=PAGES,
            signed_in=signed_in,
            simulated=simulated,
            **page.values,
        )
    )
    return HTMLResponse(html, page.status, headers={**HEADERS, **page.headers})


@cache
def _environment() -> Environment:
    made = Environment(
        loader=PackageLoader("turnout.dashboard"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    made.filters.update(
        usd=usd,
        count=words.count,
        ms=milliseconds,
        duration=words.duration,
        moment=words.moment,
        dropped=drop_words,
        target=_target,
    )
    made.globals.update(
        asset=assets.address,
        missing_charts=assets.missing_charts,
        spans=SPANS,
        share=words.share,
        saved=words.saved,
        outcomes=words.OUTCOMES,
        NONE=words.NONE,
        now=lambda: datetime.now(UTC),
    )
    return made


@pass_context
def _target(context: Context, name: str) -> str:
    """A target's name, with a star where it is simulated."""
    return f"{name}*" if name in context["simulated"] else name
