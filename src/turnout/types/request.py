"""One call by a caller, and who made it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

import msgspec

from turnout.types.dialect import DialectName
from turnout.types.rate import Limited

LONGEST_NAME: Final = 256
"""Characters of a name that a caller gives: of a route, of a user. A record is no place for more."""


class Caller(msgspec.Struct, frozen=True, kw_only=True):
    """What is known of who asks, apart from the conversation.

    Attributes:
        user: from `x-turnout-user`, else from the dialect's own field; None when nobody said.
        source: the calling program or page, from `x-turnout-source`.
        tenant: whose account it is; "default" until keys name one.
        project: what its key was given out for; None where the key names none.
        key: the key's id, which is no secret; None for a caller without a key of its own.
        limited: how fast its key may ask; None where the key has no limit of its own.
        tier: its tenant's; None where it has none.
        tenant_tags: its tenant's.
        tags: from `x-turnout-tags`.
        latency_budget_s: how long the caller wants to wait for the answer, in seconds.
        read_timeout_s: the caller's own read timeout as its SDK states it, in seconds; it bounds our deadline.
        sdk_retry: which automatic retry of the SDK this is (0 for the first attempt), or None.
        idempotency: the key under which the request is to be served once, of this caller alone; None without one.
        headers: the request's headers, lower-case names, without credentials: what a rule's `header` reads.
    """

    user: str | None = None
    source: str | None = None
    tenant: str = "default"
    project: str | None = None
    key: str | None = None
    limited: Limited | None = None
    tier: str | None = None
    tenant_tags: Mapping[str, str] = msgspec.field(default_factory=dict)
    tags: Mapping[str, str] = msgspec.field(default_factory=dict)
    latency_budget_s: float | None = None
    read_timeout_s: float | None = None
    sdk_retry: int | None = None
    idempotency: str | None = None
    headers: Mapping[str, str] = msgspec.field(default_factory=dict)


class Request(msgspec.Struct, frozen=True, kw_only=True):
    """One call by a caller, in the caller's dialect.

    Attributes:
        dialect: the dialect of `raw`.
        route: the name asked for as `model`.
        raw: the body's bytes, as they came.
        body: the same, decoded; never changed in place.
        stream: whether the caller wants the answer streamed.
        caller: who asks.
    """

    dialect: DialectName
    route: str
    raw: bytes
    body: dict[str, Any]
    stream: bool
    caller: Caller


class Said(msgspec.Struct, frozen=True, gc=False):
    """One turn of a conversation as text; an image or file stands in it as its URL or a digest of its data."""

    role: str
    text: str


class Outline(msgspec.Struct, frozen=True, kw_only=True):
    """What deciding needs to know of a conversation, read from any dialect without translating it.

    Attributes:
        said: every turn in order; the system prompt is a turn with the role "system".
        tools: the number of tools offered.
        images: the number of images.
        max_tokens: the most tokens the answer may have, if the caller set it.
        needs: members of `Need`, and `field:<name>` for what only the caller's own dialect can say.
        user: the end user that the dialect's own field names.
        tokens: what the caller has made tokens of itself, in tokens; no part of `said` tells it.
    """

    said: tuple[Said, ...]
    tools: int = 0
    images: int = 0
    max_tokens: int | None = None
    needs: frozenset[str] = frozenset()
    user: str | None = None
    tokens: int = 0

    @property
    def query(self) -> str:
        """The last thing the user said: what phrase lists and length rules look at."""
        for turn in reversed(self.said):
            if turn.role == "user":
                return turn.text
        return ""
