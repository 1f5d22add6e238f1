"""The table of admin operations."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Annotated, Any

import msgspec

from turnout.config.reload import InEffect
from turnout.server.admin.access import AdminAccess, Role
from turnout.server.admin.openapi import describe
from turnout.server.admin.operation import Answered, Asked, Operation


class SignIn(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A key, to be exchanged for a session."""

    key: Annotated[str, msgspec.Meta(min_length=1, max_length=1024)]


class SignedIn(msgspec.Struct, frozen=True):
    """Who asks.

    Attributes:
        role: what they may do; None once they have signed out.
        tenant: the only one that they may know of; None for all.
    """

    role: Role | None
    tenant: str | None = None


def operations(
    access: AdminAccess, in_effect: Callable[[], InEffect], further: Sequence[Operation] = ()
) -> list[Operation]:
    """Everything that can be asked of `/admin`.

    Args:
        access: for sessions.
        in_effect: tells which configuration is in effect.
        further: what else belongs into the table.
    """
    table: list[Operation] = []
    sessions = _Sessions(access)

    async def openapi(_: Asked) -> Answered:
        return Answered(body=describe(table))

    async def configuration(_: Asked) -> Answered:
        return Answered(body=in_effect())

    table += [
        Operation(
            method="GET",
            path="/admin/openapi.json",
            needs=Role.VIEWER,
            summary="This description.",
            answer=openapi,
            gives=dict[str, Any],
        ),
        Operation(
            method="POST",
            path="/admin/session",
            needs=None,
            summary="Sign in: exchange a key for a session cookie.",
            answer=sessions.sign_in,
            takes=SignIn,
            gives=SignedIn,
            refuses={401: "Nobody has that key."},
        ),
        Operation(
            method="GET",
            path="/admin/session",
            needs=Role.VIEWER,
            of_tenants=True,
            summary="Which role you have.",
            answer=sessions.show,
            gives=SignedIn,
        ),
        Operation(
            method="DELETE",
            path="/admin/session",
            needs=None,
            summary="Sign out: forget the session cookie.",
            answer=sessions.sign_out,
            gives=SignedIn,
        ),
        Operation(
            method="GET",
            path="/admin/config",
            needs=Role.VIEWER,
            summary="Which configuration is in effect, and why a newer one is not.",
            answer=configuration,
            gives=InEffect,
        ),
        *further,
    ]
    return table


class _Sessions:
    def __init__(self, access: AdminAccess) -> None:
        self._access = access

    async def sign_in(self, asked: Asked) -> Answered:
        cookie = self._access.sign_in(asked.body.key, secure=asked.secure)
        asker = self._access.asker({"x-api-key": asked.body.key}, needs=Role.VIEWER)
        return Answered(body=SignedIn(asker.role, asker.tenant), headers={"set-cookie": cookie})

    async def sign_out(self, asked: Asked) -> Answered:
        return Answered(body=SignedIn(None), headers={"set-cookie": self._access.sign_out(secure=asked.secure)})

    async def show(self, asked: Asked) -> Answered:
        asker = self._access.asker(asked.headers, needs=Role.VIEWER)
        return Answered(body=SignedIn(asker.role, asker.tenant))
