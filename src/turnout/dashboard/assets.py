"""The files beside the pages: our own, and the charts' JavaScript out of the installed `plotly` package."""

from __future__ import annotations

import gzip
import hashlib
from functools import cache
from importlib import resources
from importlib.util import find_spec
from pathlib import Path
from typing import Final, NamedTuple

from starlette.requests import Request
from starlette.responses import Response

from turnout.errors import MissingExtra

PLOTLY: Final = "plotly.min.js"
_TYPES: Final = {".css": "text/css", ".js": "text/javascript", ".svg": "image/svg+xml"}
_FOR_EVER: Final = "public, max-age=31536000, immutable"


class Asset(NamedTuple):
    """A file as it is sent.

    Attributes:
        type: its media type.
        digest: of its content: a part of its address.
        plain: its bytes.
        packed: the same, compressed by gzip.
    """

    type: str
    digest: str
    plain: bytes
    packed: bytes


def asset(request: Request) -> Response:
    """A file by its name. Its address changes with its content, so a browser may keep it for ever."""
    found = read(request.path_params["name"])
    if found is None:
        return Response("There is no such file.", 404, media_type="text/plain")
    headers = {"cache-control": _FOR_EVER, "vary": "accept-encoding", "x-content-type-options": "nosniff"}
    if "gzip" not in request.headers.get("accept-encoding", ""):
        return Response(found.plain, headers=headers, media_type=found.type)
    return Response(found.packed, headers={**headers, "content-encoding": "gzip"}, media_type=found.type)


def address(name: str) -> str:
    """Where a file is to be had."""
    found = read(name)
    return f"/dashboard/assets/{found.digest if found else 'missing'}/{name}"


def missing_charts() -> MissingExtra | None:
    """What to say where the charts' JavaScript is not installed."""
    return None if read(PLOTLY) else MissingExtra("The chart", extra="dashboard")


@cache
def read(name: str) -> Asset | None:
    """The file of that name, read once."""
    file = _plotly() if name == PLOTLY else _ours(name)
    if file is None:
        return None
    content = file.read_bytes()
    digest = hashlib.sha256(content).hexdigest()[:12]
    return Asset(_TYPES[Path(name).suffix], digest, content, gzip.compress(content, 6, mtime=0))


def _ours(name: str) -> Path | None:
    with resources.as_file(resources.files("turnout.dashboard") / "assets") as folder:
        return next((file for file in folder.iterdir() if file.name == name), None)


def _plotly() -> Path | None:
    """The bundle, found without importing the package, which would take long."""
    package = find_spec("plotly")
    if package is None or package.origin is None:
        return None
    bundle = Path(package.origin).parent / "package_data" / PLOTLY
    return bundle if bundle.is_file() else None
