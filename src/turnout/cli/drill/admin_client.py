"""Asks a running gateway's `/admin`."""

from __future__ import annotations

import http.client
import json
import urllib.error
import urllib.request
from collections.abc import Mapping, Sequence
from typing import TypeVar
from urllib.parse import urlsplit

import msgspec

from turnout.errors import TurnoutError
from turnout.types.drill import Drill, Drillable

T = TypeVar("T")
_TIMEOUT_S = 30.0


class AdminFailed(TurnoutError):
    """The gateway cannot be reached, or refuses."""


class _State(msgspec.Struct):
    drill: Drill | None


class AdminClient:
    """One gateway.

    Args:
        url: its address.
        key: one of its `server.admin_keys`; None where it has none and is on this machine.
    """

    def __init__(self, url: str, key: str | None) -> None:
        if urlsplit(url).scheme not in {"http", "https"}:
            raise AdminFailed(f"{url} is not the address of a gateway. Write --url http://127.0.0.1:8080.")
        self._url = url.rstrip("/")
        self._key = key

    def targets(self) -> Sequence[Drillable]:
        """Every target. Raises `AdminFailed`."""
        return self.ask("GET", "/admin/targets", list[Drillable])

    def begin(self, plan: Mapping[str, object]) -> Drill:
        """Begin a drill. Raises `AdminFailed`."""
        begun = self.ask("POST", "/admin/drill", _State, plan).drill
        if begun is None:
            raise AdminFailed("the gateway has begun no drill.")
        return begun

    def running(self) -> Drill | None:
        """The drill that is under way. Raises `AdminFailed`."""
        return self.ask("GET", "/admin/drill", _State).drill

    def end(self) -> None:
        """End it. Raises `AdminFailed`."""
        self.ask("DELETE", "/admin/drill", _State)

    def ask(self, method: str, path: str, gives: type[T], body: Mapping[str, object] | None = None) -> T:
        """Ask anything of `/admin`. Raises `AdminFailed`."""
        headers = {"content-type": "application/json"} | ({"x-api-key": self._key} if self._key else {})
        data = json.dumps(body).encode() if body is not None else None
        request = urllib.request.Request(self._url + path, data, headers, method=method)  # noqa: S310 - checked above
        try:
            # No proxy of the environment: the gateway is ours, and so is the key.
            opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
            with opener.open(request, timeout=_TIMEOUT_S) as answer:
                return msgspec.json.decode(answer.read(), type=gives)
        except urllib.error.HTTPError as error:
            raise AdminFailed(f"The gateway refuses: {_told(error)}") from error
        except (OSError, http.client.HTTPException) as error:
            reason = getattr(error, "reason", error)
            raise AdminFailed(
                f"The gateway at {self._url} does not answer ({reason}). Is it running? --url says where."
            ) from error
        except msgspec.DecodeError as error:
            raise AdminFailed(f"What answers at {self._url} is no turnout gateway.") from error


def _told(error: urllib.error.HTTPError) -> str:
    try:
        told: str = json.loads(error.read())["error"]["message"]
    except (ValueError, LookupError, TypeError):
        return f"HTTP {error.code}."
    hint = " --key or TURNOUT_ADMIN_KEY brings one." if error.code == http.client.UNAUTHORIZED else ""
    return told + hint
