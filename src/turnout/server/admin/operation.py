"""What a row of the table of admin operations says."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from typing import Any, Literal

import msgspec

from turnout.server.admin.access import Asker, Role


class Asked(msgspec.Struct, frozen=True, kw_only=True):
    """One request for an operation, authorised and read.

    Attributes:
        path: the values of the path's parameters.
        headers: the request's.
        body: of the operation's type; None where it takes none.
        secure: the request came by HTTPS.
        asker: who asks; None where anybody may.
    """

    path: Mapping[str, str]
    headers: Mapping[str, str]
    body: Any = None
    secure: bool = False
    asker: Asker | None = None


class Answered(msgspec.Struct, frozen=True, kw_only=True):
    """What an operation came to.

    Attributes:
        body: of the operation's type.
        headers: besides the content's type and length.
    """

    body: object
    headers: Mapping[str, str] = msgspec.field(default_factory=dict)


class Operation(msgspec.Struct, frozen=True, kw_only=True):
    """Something that can be asked of `/admin`.

    Attributes:
        method, path: where; `{name}` in the path is a parameter.
        needs: the role that it takes; None for anybody.
        of_tenants: whether keys that are bound to a tenant may ask for it; what they may know of it is its own affair.
        summary: what it does, in one sentence.
        answer: does it. Raises `CallerError` for what the caller has got wrong.
        takes: the type of its body; None where it has none.
        gives: the type of its answer.
        status: of an answer.
        refuses: further statuses that it may answer with, and when.
    """

    method: Literal["GET", "POST", "PATCH", "DELETE"]
    path: str
    needs: Role | None
    of_tenants: bool = False
    summary: str
    answer: Callable[[Asked], Awaitable[Answered]]
    takes: Any = None
    gives: Any
    status: int = 200
    refuses: Mapping[int, str] = msgspec.field(default_factory=dict)
