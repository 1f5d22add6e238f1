"""A request on its way through."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from typing import Final, Literal, NamedTuple

import msgspec

from turnout.execution.deadline import Deadline
from turnout.execution.trace import Trace
from turnout.policy.base import Context
from turnout.policy.route import Route
from turnout.router.parts import Parts
from turnout.state.claims import Claim
from turnout.tenancy.rates import Pace
from turnout.types.caching import Caching
from turnout.types.clock import Timeline
from turnout.types.decision import Attempt, Decision
from turnout.types.request import Outline, Request
from turnout.wire.dialect import CallerDialect

_UNREAD: Final = Outline(said=())


class Sought(NamedTuple):
    """An answer that may be given again: how it is kept, and its name."""

    caching: Caching
    key: bytes


class Admitted(msgspec.Struct, kw_only=True):
    """A request on its way through; what is not known yet is empty.

    Attributes:
        claim: that this request is the one to be served under its idempotency key.
        holding: renews the claim while the request is under way.
        cache: how a cache took part, where the route has one.
        sought: the answer's name in the cache, where the request may have one.
        recalled: the attempt that gave the answer the first time, where it is given again.
        pace: its place under the rate limits that hold for it, if any does.
        standing: what is left of them, as headers.
        decision: the record, once written.
        shadow_of: the decision whose request is asked again beside it; None for a caller's own request.
    """

    id: str
    request: Request
    dialect: CallerDialect
    timeline: Timeline
    time: str
    parts: Parts
    route: Route | None = None
    outline: Outline = _UNREAD
    context: Context | None = None
    deadline: Deadline | None = None
    query_hash: str = ""
    query_key: str = ""
    trace: Trace = msgspec.field(default_factory=Trace)
    claim: Claim | None = None
    holding: asyncio.Task[None] | None = None
    cache: Literal["hit", "miss", "bypass", "replay"] | None = None
    sought: Sought | None = None
    recalled: Attempt | None = None
    pace: Pace | None = None
    standing: Sequence[tuple[str, str]] = ()
    decision: Decision | None = None
    shadow_of: str | None = None
