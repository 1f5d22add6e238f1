"""What a configuration says of the gateway: where it listens, who may call, and what a request may not exceed."""

from __future__ import annotations

from typing import Annotated, Final, Literal

from pydantic import (
    AfterValidator,
    Discriminator,
    Field,
    SecretStr,
    Tag,
    ValidationInfo,
    field_validator,
    model_validator,
)

from turnout.config.rates import RateLimitConfig
from turnout.config.values import Duration, Label, Names, Section, Size, Texts, Wrong, did_you_mean

_ADMIN_KEY_CHARACTERS: Final = 16


class LimitsConfig(Section):
    """What a request may not exceed; over a limit it is refused at once."""

    max_head: Size = Field(64_000, description="The size of a request's first line and headers; 431 above it.")
    max_headers: int = Field(200, gt=0, description="The headers of a request; 431 above it.")
    head_timeout: Duration = Field(
        10.0, description="How long a request's headers may take to arrive; then 408, and the connection ends."
    )
    body_timeout: Duration = Field(
        30.0,
        description="How long a body may take to arrive, and again as long while it comes at 16 kB a second or more; "
        "then 408.",
    )
    max_body: Size = Field(32_000_000, description="The size of a request's body; 413 above it.")
    max_messages: int = Field(
        10_000, gt=0, description="The messages of a conversation, or the inputs of an embedding; 413 above it."
    )
    max_in_flight: int = Field(
        1_000,
        gt=0,
        description="Requests under way in one worker; above it they wait, a line for each tenant or key without one.",
    )
    max_waiting: int = Field(200, ge=0, description="Requests that wait in all lines of a worker; 503 above it.")
    max_wait: Duration = Field(
        0.5,
        description="How long a request may wait in line, then 503; a twentieth of it in a line that stands so long.",
    )
    max_lag: Duration = Field(
        0.25, description="How late a worker's event loop may be; while it is later, fewer requests are let in."
    )


def _known_tenant(tenant: str, info: ValidationInfo) -> str:
    names: Names | None = info.context
    if names is not None and names.tenants is not None and tenant not in names.tenants:
        raise Wrong(f"unknown tenant '{tenant}'.", did_you_mean(tenant, names.tenants, kind="tenant"))
    return tenant


_Tenant = Annotated[str, AfterValidator(_known_tenant)]


class KeyConfig(Section):
    """A key that callers present, and whose it is."""

    key: SecretStr = Field(description="The key. Write ${NAME}.")
    tenant: _Tenant = Field("default", description="Whose account its requests are on.")
    project: Label | None = Field(None, description="What it was given out for: recorded, and reported by.")
    user: Label | None = Field(
        None, description="Who holds it; by default callers name the user themselves, by `x-turnout-user`."
    )
    routes: Texts = Field(
        default_factory=list, description="The routes that it may ask for, as names or globs; by default all."
    )
    limit: RateLimitConfig = Field(
        default_factory=RateLimitConfig,
        description="How fast it may ask; its tenant's limit holds besides.",
        examples=[{"requests_per_minute": 60}],
    )


class AdminKeyConfig(Section):
    """Somebody who may look at the gateway, or change what it does, at `/admin` and on the dashboard."""

    name: str = Field(min_length=1, pattern=r"\S", description="Whose key it is, for the log.")
    key: SecretStr = Field(description="The key, of 16 characters or more. Write ${NAME}.")
    role: Literal["admin", "viewer"] = Field(
        "viewer", description="`viewer` reads; `admin` also changes: drills, tenants, keys."
    )
    tenant: _Tenant | None = Field(
        None, description="Bound to this tenant, it sees and makes the keys of that one, and nothing else."
    )

    @field_validator("key")
    @classmethod
    def _long(cls, key: SecretStr) -> SecretStr:
        if len(key.get_secret_value()) < _ADMIN_KEY_CHARACTERS:
            raise Wrong(
                f"an admin key has {_ADMIN_KEY_CHARACTERS} characters or more.", "Make one: `openssl rand -hex 24`."
            )
        return key


AnyKey = Annotated[
    Annotated[SecretStr, Tag("<key>")] | Annotated[KeyConfig, Tag("<whole>")],
    Discriminator(lambda value: "<key>" if isinstance(value, str | SecretStr) else "<whole>"),
]


class ServerConfig(Section):
    """The gateway."""

    host: str = Field("127.0.0.1", description="The address to listen at; 0.0.0.0 for every network of the machine.")
    port: int = Field(8080, ge=0, le=65_535, description="The port to listen at; 0 for any that is free.")
    keys: list[AnyKey] = Field(
        default_factory=list,
        description="The keys that callers must present, each alone or with whose it is; with none, and "
        "without `tenants`, whoever reaches the port may call.",
    )
    admin_keys: list[AdminKeyConfig] = Field(
        default_factory=list,
        description="Who may use `/admin` and the dashboard; with none, only whoever asks from this machine.",
    )
    limits: LimitsConfig = Field(default_factory=LimitsConfig, description="What a request may not exceed.")
    notice: Duration = Field(
        3.0,
        description="How long new connections are still accepted after SIGTERM, so that a load balancer has seen "
        "`/health/ready` turn 503.",
    )
    drain: Duration = Field(
        30.0, description="How long after SIGTERM requests under way may take to end; then streams get an error event."
    )
    heartbeat: Duration = Field(
        15.0, description="A stream that has been silent for so long is sent a comment, so that no hop gives it up."
    )
    reload: bool = Field(
        default=True,
        description="Whether a change of this file, or of a phrase list's, takes effect by itself; SIGHUP always does.",
    )

    @property
    def callers(self) -> tuple[KeyConfig, ...]:
        """The keys that callers must present."""
        return tuple(each if isinstance(each, KeyConfig) else KeyConfig(key=each) for each in self.keys)

    @model_validator(mode="after")
    def _one_key_one_holder(self) -> ServerConfig:
        names = [each.name for each in self.admin_keys]
        given = [each.key.get_secret_value() for each in self.admin_keys]
        if len({*names}) < len(names) or len({*given}) < len(given):
            raise Wrong("two admin_keys have the same name or key.", "Give each holder a name and a key of their own.")
        if {*given} & {each.key.get_secret_value() for each in self.callers}:
            raise Wrong("a key is in both keys and admin_keys.", "Callers and admins need keys of their own.")
        return self
