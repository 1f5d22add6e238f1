"""A request on its way through."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Final

from turnout.execution.deadline import Deadline
from turnout.execution.trace import Trace
from turnout.policy.base import Context
from turnout.policy.route import Route
from turnout.router.parts import Parts
from turnout.types.clock import Timeline
from turnout.types.request import Outline, Request
from turnout.wire.dialect import CallerDialect

_UNREAD: Final = Outline(said=())


@dataclass(slots=True, kw_only=True)
class Admitted:
    """A request on its way through; what is not known yet is empty."""

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
    trace: Trace = field(default_factory=Trace)
