"""What a configuration says of what is remembered between requests."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from turnout.config.values import Duration, Section, Size


class CacheConfig(Section):
    """Whether the same request of the same tenant may be given the same answer again."""

    ttl: Duration = Field(description="For how long an answer may be given again.", examples=["10m"])
    store: Literal["memory", "disk"] = Field(
        "memory",
        description="Where answers are kept: `memory`, each worker's own; `disk`, in the data directory, for all of "
        "its workers and across restarts.",
    )


class StateConfig(Section):
    """What is remembered between requests, and how much of it. What is too much is forgotten."""

    memory: Size = Field(64_000_000, description="Answers in memory, in each worker.")
    disk: Size = Field(512_000_000, description="Answers in the data directory.")
    idempotency_window: Duration = Field(
        86_400.0,
        description="For how long the answer to a request with `x-turnout-idempotency-key` is given again to the same "
        "caller, key and body.",
    )
