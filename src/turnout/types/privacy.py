"""How much of what callers say is kept."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final, Literal

import msgspec

from turnout.types.request import Said

PrivacyMode = Literal["hash", "redacted", "full"]
"""`hash`: a keyed hash and features, no text; `redacted`: the text with what is personal masked; `full`: the text."""

STRICTEST_FIRST: Final[tuple[PrivacyMode, ...]] = ("hash", "redacted", "full")


class Privacy(msgspec.Struct, frozen=True):
    """Whose text is kept how.

    Attributes:
        mode: where neither the route nor the tenant says.
        tenants: what is promised to tenants, by name.
    """

    mode: PrivacyMode = "hash"
    tenants: Mapping[str, PrivacyMode] = msgspec.field(default_factory=dict)

    def of(self, route: PrivacyMode | None, tenant: str) -> PrivacyMode:
        """The mode of a request: the strictest of what its route and its tenant say."""
        promised = self.tenants.get(tenant) if self.tenants else None
        if route is None or promised is None:
            return route or promised or self.mode
        return min(route, promised, key=STRICTEST_FIRST.index)


class Transcript(msgspec.Struct, frozen=True, kw_only=True):
    """What was said in one request.

    Attributes:
        decision: the decision's id.
        time: when the request was admitted: UTC, ISO 8601 with milliseconds.
        tenant, user: as in the decision.
        mode: how it is kept.
        said: every turn, in order.
    """

    decision: str
    time: str
    tenant: str
    user: str | None
    mode: PrivacyMode
    said: tuple[Said, ...]
