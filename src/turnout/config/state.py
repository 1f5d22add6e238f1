"""What a configuration says of what is remembered between requests."""

from __future__ import annotations

from typing import Literal

from pydantic import Field, SecretStr, model_validator

from turnout.config.values import Duration, Section, Size, Wrong


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

    store: Literal["memory", "sqlite", "valkey"] | None = Field(
        None,
        description="Where budgets and limits are counted, and processes tell each other of breakers: `memory`, of one "
        "process alone, written down once a second; `sqlite`, in the data directory, for all workers of one machine; "
        "`valkey`, on a server, for many machines. By "
        "default `memory` for one worker and `sqlite` for several.",
    )
    url: SecretStr | None = Field(
        None,
        description="The address of Valkey or Redis, for `store: valkey`. Write ${NAME} where it has a password.",
        examples=["redis://valkey:6379/0"],
    )
    timeout: Duration = Field(
        0.1,
        description="How long Valkey may take to answer; then it is done without until it answers again, and nobody "
        "waits for it.",
    )
    memory: Size = Field(64_000_000, description="Answers in memory, in each worker.")
    disk: Size = Field(512_000_000, description="Answers in the data directory.")
    idempotency_window: Duration = Field(
        86_400.0,
        description="For how long the answer to a request with `x-turnout-idempotency-key` is given again to the same "
        "caller, key and body.",
    )

    @model_validator(mode="after")
    def _addressed(self) -> StateConfig:
        if self.store == "valkey" and self.url is None:
            raise Wrong("`store: valkey` needs its address.", "Give `url: redis://HOST:6379/0`.")
        if self.store != "valkey" and self.url is not None:
            raise Wrong("`url` is the address of Valkey, which is not in use.", "Write `store: valkey` beside it.")
        return self
