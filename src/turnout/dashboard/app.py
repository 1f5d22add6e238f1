"""The dashboard's addresses."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Final
from urllib.parse import parse_qsl, quote, urlsplit

from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from starlette.routing import BaseRoute, Route

from turnout.dashboard import (
    decisions,
    drift,
    experiments,
    outages,
    overview,
    routes,
    savings,
    targets,
    tenants,
    what_if,
)
from turnout.dashboard.assets import asset
from turnout.dashboard.house import House
from turnout.dashboard.rendering import HEADERS, Page, render
from turnout.errors import LedgerError, PermissionDenied, Unauthenticated

Show = Callable[[House, Request], Page | Response]
Endpoint = Callable[[Request], Response]

_SHOWN: Final[Mapping[str, Show]] = {
    "/dashboard": overview.show,
    "/dashboard/decisions": decisions.show,
    "/dashboard/decisions/rows": decisions.rows,
    "/dashboard/decisions/{decision_id}": decisions.show_one,
    "/dashboard/routes": routes.show,
    "/dashboard/targets": targets.show,
    "/dashboard/tenants": tenants.show,
    "/dashboard/savings": savings.show,
    "/dashboard/outages": outages.show,
    "/dashboard/experiments": experiments.show,
    "/dashboard/drift": drift.show,
    "/dashboard/advice": what_if.show_advice,
    "/dashboard/what-if": what_if.show,
    "/dashboard/what-if/{name}": what_if.show_one,
}
_SIGN_IN: Final = "/dashboard/sign-in"
_FORM_BYTES: Final = 4_096


def dashboard(house: House) -> list[BaseRoute]:
    """The routes of every page. Nothing is read before somebody looks."""
    door = _Door(house)
    return [
        Route("/dashboard/assets/{digest}/{name}", asset),
        Route(_SIGN_IN, door.show, methods=["GET"]),
        Route(_SIGN_IN, door.enter, methods=["POST"]),
        Route("/dashboard/sign-out", door.leave, methods=["POST"]),
        *(Route(path, _guarded(house, show), methods=["GET"]) for path, show in _SHOWN.items()),
        Route("/dashboard/{path:path}", _guarded(house, _nowhere), methods=["GET"]),
    ]


def _guarded(house: House, show: Show) -> Endpoint:
    """The page for whoever may see it, and for the others the way in. Runs in a thread, beside the event loop."""

    def respond(request: Request) -> Response:
        try:
            house.authorise(request.headers)
        except Unauthenticated:
            wanted = request.url.path + (f"?{request.url.query}" if request.url.query else "")
            return RedirectResponse(f"{_SIGN_IN}?next={quote(wanted)}", 303, headers=HEADERS)
        except PermissionDenied as refused:
            return render(_trouble("Not from here", str(refused), 403), request)
        try:
            shown = show(house, request)
        except LedgerError as error:
            shown = _trouble("The ledger cannot be read", f"{error}. The gateway goes on serving.", 503)
        if isinstance(shown, Response):
            return shown
        simulated = {name for name, target in house.router.parts.targets.items() if target.simulated}
        return render(shown, request, signed_in=_by_session(request), simulated=simulated)

    return respond


def _nowhere(_house: House, _request: Request) -> Page:
    return _trouble("There is no such page", "Choose one of the pages above.", 404)


def _trouble(title: str, text: str, status: int) -> Page:
    return Page("trouble.html", {"title": title, "text": text}, status)


def _by_session(request: Request) -> bool:
    """Whether there is a session to end: a gateway without admin keys lets people in without one."""
    return bool(request.cookies) and "authorization" not in request.headers


class _Door:
    """Signing in and out."""

    def __init__(self, house: House) -> None:
        self._house = house

    def show(self, request: Request) -> Response:
        """The form."""
        return render(_door(request.query_params.get("next"), None), request)

    async def enter(self, request: Request) -> Response:
        """Take the key that was typed in."""
        form = dict(parse_qsl((await _body(request)).decode(errors="replace")))
        key, wanted = form.get("key", "").strip(), form.get("next", "")
        try:
            cookie = self._house.sign_in(key, secure=request.url.scheme == "https")
        except Unauthenticated:
            refused = _door(wanted, "Nobody has that key. It is one of the configuration's server.admin_keys.")
            return await run_in_threadpool(render, refused, request)
        return RedirectResponse(_inside(wanted), 303, headers={**HEADERS, "set-cookie": cookie})

    def leave(self, request: Request) -> Response:
        """End the session."""
        cookie = self._house.sign_out(secure=request.url.scheme == "https")
        return RedirectResponse(_SIGN_IN, 303, headers={**HEADERS, "set-cookie": cookie})


async def _body(request: Request) -> bytes:
    """The form as it was sent; of a long one, which is none of ours, only the beginning."""
    body = b""
    async for part in request.stream():
        body += part
        if len(body) > _FORM_BYTES:
            break
    return body[:_FORM_BYTES]


def _door(wanted: str | None, refused: str | None) -> Page:
    return Page("sign_in.html", {"next": _inside(wanted), "refused": refused}, 401 if refused else 200)


def _inside(wanted: str | None) -> str:
    """A page of ours to go on to: an address that leads elsewhere is not followed."""
    parts = urlsplit(wanted or "")
    ours = not parts.scheme and not parts.netloc and (parts.path + "/").startswith("/dashboard/")
    return (wanted or "") if ours and "\\" not in (wanted or "") else "/dashboard"
