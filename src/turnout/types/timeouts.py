"""How long each phase of a call may take, and when a stream is committed."""

from __future__ import annotations

import msgspec


class Timeouts(msgspec.Struct, frozen=True, kw_only=True):
    """Limits in seconds; `total` spans the whole chain, the others apply to each attempt.

    Attributes:
        connect: until the connection stands.
        first_token: until the first meaningful token (not a role chunk, `message_start` or ping).
        idle: between two pieces of a stream.
        answer: until the whole answer of a call that cannot be streamed.
        total: the request's deadline.
    """

    connect: float = 1.0
    first_token: float = 5.0
    idle: float = 5.0
    answer: float = 60.0
    total: float = 120.0


class Commit(msgspec.Struct, frozen=True):
    """When a stream is committed: after `tokens` meaningful events, or only once it is finished.

    `Commit(tokens=1)` is the first token, the default; `Commit(tokens=None)` is `finish`.
    """

    tokens: int | None = 1
