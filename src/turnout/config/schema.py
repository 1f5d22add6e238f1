"""Everything that `turnout.yaml` may say. The descriptions are the reference manual and the JSON Schema."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from decimal import Decimal
from pathlib import Path
from typing import Annotated, Any, Final, Literal
from urllib.parse import urlsplit

from pydantic import (
    BeforeValidator,
    Discriminator,
    Field,
    ModelWrapValidatorHandler,
    PrivateAttr,
    SecretStr,
    Tag,
    ValidationInfo,
    field_validator,
    model_validator,
)

from turnout.config.budgets import BudgetList
from turnout.config.evidence import EvidenceConfig
from turnout.config.flags import FlagConfig, NewFlagName, OpenFeatureConfig
from turnout.config.hedging import HedgeConfig
from turnout.config.policies import PolicySpec
from turnout.config.postgres import PostgresConfig
from turnout.config.serving import ServerConfig
from turnout.config.shadowing import ShadowConfig
from turnout.config.state import CacheConfig, StateConfig
from turnout.config.tenants import TenantsSpec
from turnout.config.values import Age, Duration, Names, ProviderName, Section, TargetName, Wrong
from turnout.types.dialect import DialectName, Need
from turnout.types.privacy import PrivacyMode
from turnout.types.timeouts import Timeouts

DIALECTS: Final[Mapping[str, DialectName]] = {
    "openai": DialectName.OPENAI_CHAT,
    "openai_responses": DialectName.OPENAI_RESPONSES,
    "anthropic": DialectName.ANTHROPIC_MESSAGES,
    "gemini": DialectName.GEMINI,
}
"""What a configuration calls each dialect."""

_TIMEOUTS: Final = Timeouts()
_DAY: Final = 86_400.0

Dollars = Annotated[Decimal, Field(ge=0, allow_inf_nan=False)]


def _empty_is_default(value: Any) -> Any:
    """`openai:` with nothing behind it says as much as `openai: {}`."""
    return {} if value is None else value


def _is_base_url(value: str) -> bool:
    try:
        url = urlsplit(value)
        found = url.scheme in {"http", "https"} and bool(url.hostname) and url.port != 0
    except ValueError:
        return False
    return found and not (url.query or url.fragment or url.username or url.password)


class ConcurrencyConfig(Section):
    """How many calls at the same time a provider is sent: as many as it is found to take, within these bounds."""

    max: int = Field(ge=1, description="Never more calls at the same time; the limit begins here.")
    min: int = Field(2, ge=1, description="Never fewer, however often the provider pushes back.")

    @model_validator(mode="after")
    def _in_order(self) -> ConcurrencyConfig:
        if self.min > self.max:
            raise Wrong(f"`min` ({self.min}) is over `max` ({self.max}).", "Lower `min`, or raise `max`.")
        return self


class ProviderConfig(Section):
    """An endpoint with an account. A known name (`openai`, `anthropic`, `groq`, ...) brings every default."""

    dialect: Literal["openai", "openai_responses", "anthropic", "gemini"] | None = Field(
        None, description="What it speaks."
    )
    base_url: str | None = Field(
        None,
        description="What the dialect's official SDK would be given: OpenAI's ends in `/v1`, Anthropic's and "
        "Gemini's do not.",
        examples=["http://localhost:8000/v1"],
    )
    api_key: SecretStr | None = Field(
        None, description="The account's key; by default from the known provider's environment variable. Write ${NAME}."
    )
    stream_usage: bool | None = Field(
        None, description="Whether a stream reports its tokens when asked to (`stream_options.include_usage`)."
    )

    concurrency: ConcurrencyConfig | None = Field(
        None,
        description="A limit on calls at the same time that adapts: it sinks while the provider refuses or is silent, "
        "and rises again. Beyond it the next candidate is asked, or the call waits. By default there is none.",
        examples=[{"max": 200}],
    )

    @field_validator("base_url")
    @classmethod
    def _address(cls, value: str | None) -> str | None:
        if value is None:
            return None
        if not _is_base_url(value):
            raise Wrong(
                "not a base URL.",
                "Write http:// or https://, a host and a path; no key, query or fragment belongs in it.",
            )
        return value.rstrip("/")


class PriceConfig(Section):
    """What a target charges, in USD per million tokens. It overrules the price list."""

    input: Dollars = Field(description="An input token's price, USD per million.")
    output: Dollars = Field(description="An output token's price, USD per million; reasoning tokens are output.")
    cached_input: Dollars | None = Field(
        None,
        description="The price of an input token read from the provider's cache, USD per million; as "
        "`input` if not given.",
    )
    cache_write: Dollars | None = Field(
        None, description="The price of an input token written to the cache, USD per million; as `input` if not given."
    )


class ProbeConfig(Section):
    """How a target is probed: by a request of a few tokens, recorded for the tenant `turnout:probe`."""

    every: Annotated[Duration, Field(ge=1)] = Field(
        description="The time between two probes, of each process; a breaker that may close is probed at once."
    )


class TargetConfig(Section):
    """One model at one provider: the thing that can be called."""

    provider: ProviderName = Field(description="The provider's name.")
    model: str | None = Field(
        None,
        min_length=1,
        description="The provider's name of the model; without it the caller's own `model` is passed on.",
    )
    model_family: str | None = Field(
        None,
        min_length=1,
        description="What its model is called wherever it is served: embeddings fall back only between targets of the "
        "same one. By default `model` without a vendor's prefix (`openai/`).",
    )
    price: PriceConfig | None = Field(
        None,
        description="What it charges; by default from the price list of the day. An unknown price is flagged, never 0.",
    )
    context_tokens: int | None = Field(
        None, gt=0, description="The size of its context window in tokens; by default from the list of models."
    )
    output_tokens: int | None = Field(
        None,
        gt=0,
        description="The most tokens that an answer can have: what a budget holds for a call without `max_tokens`. "
        "By default from the list of models, else 16,384.",
    )
    lacks: list[Need] = Field(
        default_factory=list,
        description="What it cannot do, besides what its dialect, provider and model are known to lack.",
    )
    probe: ProbeConfig | None = Field(
        None,
        description="Ask it something small from time to time, so that no caller's request has to find out how it is. "
        "By default never.",
        examples=[{"every": "30s"}],
    )
    simulated: bool = Field(
        default=False, description="Marks a stand-in that answers without a model, wherever it is shown."
    )


class TimeoutsConfig(Section):
    """How long each phase may take. `total` spans the whole chain, the others apply to each attempt."""

    connect: Duration = Field(_TIMEOUTS.connect, description="Until the connection stands.")
    first_token: Duration = Field(
        _TIMEOUTS.first_token,
        description="Until the first meaningful token; not a role chunk, `message_start` or ping.",
    )
    idle: Duration = Field(_TIMEOUTS.idle, description="Between two pieces of a stream.")
    answer: Duration = Field(
        _TIMEOUTS.answer, description="Until the whole answer, for a call that cannot be streamed."
    )
    total: Duration = Field(_TIMEOUTS.total, description="The request's deadline, across all attempts.")


class CommitAfter(Section):
    """A stream is committed after some tokens."""

    tokens: int = Field(ge=1, description="How many meaningful events are held back before the first is passed on.")


class PhraseFile(Section):
    """A phrase list in a file of its own, a phrase to a line; blank lines and those after a # are left out."""

    file: str = Field(description="The file's path, relative to the configuration's directory.")
    _phrases: tuple[str, ...] = PrivateAttr(())

    @model_validator(mode="after")
    def _read(self, info: ValidationInfo) -> PhraseFile:
        names: Names | None = info.context
        path = (names.directory if names else Path()) / self.file
        try:
            lines = path.read_text(encoding="utf-8-sig").splitlines()
        except (OSError, ValueError) as error:
            reason = error.strerror if isinstance(error, OSError) else "it is not UTF-8 text"
            raise Wrong(
                f"the phrase list {self.file} cannot be read: {reason}.", f"It was looked for at {path}."
            ) from None
        self._phrases = tuple(line.strip() for line in lines if line.strip() and not line.lstrip().startswith("#"))
        return self

    @property
    def phrases(self) -> tuple[str, ...]:
        """What the file holds."""
        return self._phrases


Phrase = Annotated[str, Field(min_length=1, pattern=r"\S")]


def _either(of: type[Any] | tuple[type[Any], ...], one: str, other: str) -> Callable[[Any], str]:
    """Tells which of two forms a value means to have, so that only that one's errors are shown."""
    return lambda value: one if isinstance(value, of) else other


PhraseList = Annotated[
    Annotated[list[Phrase], Tag("<phrases>")] | Annotated[PhraseFile, Tag("<file>")],
    Discriminator(_either((list, str), "<phrases>", "<file>")),
]
CommitPoint = Annotated[
    Annotated[Literal["first_token", "finish"], Tag("<point>")] | Annotated[CommitAfter, Tag("<after>")],
    Discriminator(_either(str, "<point>", "<after>")),
]


class RouteConfig(Section):
    """What is decided under the name that callers ask for as `model`; the name may be a pattern (`gpt-*`)."""

    policy: PolicySpec = Field(
        description="A target's name, a list (a fallback chain), or a mapping with one key: rules, "
        "weighted, fastest, cheapest, best, fallback, cascade, classifier, budget, flag, explore."
    )
    baseline: TargetName | None = Field(
        None, description="The target that would have been used without routing; savings are measured against it."
    )
    lists: dict[str, PhraseList] = Field(
        default_factory=dict,
        description="Phrase lists for `matches`: whole words, in any case. Inline, or {file: path} with "
        "a phrase to a line.",
    )
    timeouts: TimeoutsConfig = Field(
        default_factory=TimeoutsConfig, description="Limits of each call and of the whole request."
    )
    commit: CommitPoint = Field(
        "first_token",
        description="When a stream is committed; until then its answer is held and another target can still take over.",
    )
    privacy: PrivacyMode | None = Field(
        None, description="How much of what callers say under this route is kept; by default as `privacy.mode` says."
    )
    latency_budget: Duration | None = Field(
        None,
        description="How long an answer may take, or the first token of a stream: targets that are expected to take "
        "longer are left out while another fits. `x-turnout-latency-budget` takes its place.",
    )
    cache: CacheConfig | None = Field(
        None,
        description="Gives a complete answer again to the same request of the same tenant; by default never.",
        examples=[{"ttl": "10m"}],
    )
    hedge: HedgeConfig | None = Field(
        None,
        description="A second call while the first is silent: shorter waits for a little more money. Off unless given.",
    )
    shadow: ShadowConfig | None = Field(
        None,
        description="Asks others as well for a share of the requests, off the caller's path, to compare. Off unless "
        "given.",
        examples=[{"share": "5%", "to": ["sonnet"], "daily_usd": 5}],
    )
    evidence: EvidenceConfig | None = Field(
        None,
        description="How good answers are, found out beside the traffic: grades of a judging model, agreement with a "
        "strong target, checks of form. Off unless given.",
        examples=[{"judge": {"target": "opus", "share": "2%", "daily_usd": 5}}],
    )
    content_filter_falls_back: bool = Field(
        default=False, description="Whether a provider's content filter is a reason to ask the next target."
    )
    heartbeat: Literal["late", "early"] = Field(
        "late",
        description="When a silent stream may begin to send `server.heartbeat`: `late`, after its commit; `early`, "
        "while the first token is still awaited, at the price of the HTTP status: it is 200 from then on, and a later "
        "failure is an error event.",
    )

    @model_validator(mode="wrap")
    @classmethod
    def _with_lists(cls, data: Any, read: ModelWrapValidatorHandler[RouteConfig], info: ValidationInfo) -> RouteConfig:
        """Tells the validators of `matches` which lists this route has."""
        lists = data.get("lists") if isinstance(data, dict) else None
        if isinstance(info.context, Names):
            info.context.lists = frozenset(lists) if isinstance(lists, dict) else frozenset()
        return read(data)

    def phrases(self) -> dict[str, tuple[str, ...]]:
        """Each list's phrases, wherever they came from."""
        return {
            name: phrases.phrases if isinstance(phrases, PhraseFile) else tuple(phrases)
            for name, phrases in self.lists.items()
        }


class PrivacyConfig(Section):
    """How much of what callers say is kept.

    `hash`: a keyed hash and what the request looked like, no text. `redacted`: also the text, with secrets, e-mail and
    IP addresses, phone, card and account numbers masked. `full`: also the text as it was.
    """

    mode: PrivacyMode = Field("hash", description="What is kept where neither the route nor the tenant says.")
    tenants: dict[str, PrivacyMode] = Field(
        default_factory=dict,
        description="What is kept of a tenant's requests, by its name. Where its route says something too, the "
        "stricter holds.",
    )
    rotate: Duration = Field(
        30 * _DAY,
        description="How long the key of the query hash is in use. Then it is destroyed: hashes of before compare with "
        "nothing any more, and nobody can find out what they stand for.",
    )
    phone_regions: list[Annotated[str, Field(pattern="^[A-Z]{2}$")]] = Field(
        default_factory=lambda: ["US"],
        description="`redacted` masks phone numbers with a + and their country anywhere, and those of these countries "
        "(ISO 3166) also without.",
    )


class RetentionConfig(Section):
    """How long what is recorded is kept: `90d`, `12h`, or `forever`. Older rows are removed a few at a time."""

    decisions: Age = Field(
        90 * _DAY, description="Decisions with their attempts, the drops and what was said of their answers."
    )
    texts: Age = Field(7 * _DAY, description="What was said, where `privacy` keeps it.")
    rollups: Age = Field(400 * _DAY, description="Sums by hour and day, which reports over longer times read.")


class LedgerConfig(Section):
    """Where decisions are recorded."""

    directory: str | None = Field(
        None,
        description="The data directory, relative to the configuration's; else $TURNOUT_DATA_DIR, else `.turnout`.",
    )
    required: bool = Field(
        default=False,
        description="When a decision cannot be journalled: true refuses the request (503), false serves and counts it.",
    )
    retention: RetentionConfig = Field(
        default_factory=RetentionConfig, description="How long what is recorded is kept."
    )
    postgres: PostgresConfig | None = Field(None, description="Where decisions are copied to as well.")


class OtlpConfig(Section):
    """An OpenTelemetry collector that decisions are exported to, by OTLP over HTTP."""

    endpoint: str | None = Field(
        None,
        description="The collector's address, without `/v1/traces`; else as the variables `OTEL_EXPORTER_OTLP_*` say.",
        examples=["http://localhost:4318"],
    )
    headers: dict[str, SecretStr] = Field(default_factory=dict, description="Headers for the collector: its key, say.")
    traces: bool = Field(default=True, description="Whether each decision is a span, with its attempts as children.")
    metrics: bool = Field(default=True, description="Whether the GenAI metrics are exported.")

    @field_validator("endpoint")
    @classmethod
    def _address(cls, value: str | None) -> str | None:
        if value is not None and not _is_base_url(value):
            raise Wrong("not an address.", "Write http:// or https://, a host and a port: http://localhost:4318.")
        return value


class TelemetryConfig(Section):
    """Whom the gateway tells what it does, besides `/metrics`."""

    otlp: Annotated[OtlpConfig | None, BeforeValidator(_empty_is_default)] = Field(
        None,
        description="An OpenTelemetry collector; by default the one that the environment names, if it names one. "
        "Takes the extra `telemetry`.",
    )


class Config(Section):
    """The whole configuration."""

    providers: dict[str, Annotated[ProviderConfig, BeforeValidator(_empty_is_default)]] = Field(
        default_factory=dict, description="Endpoints with an account, by name; a known name needs nothing else."
    )
    targets: dict[str, TargetConfig] = Field(min_length=1, description="Models that can be called, by name.")
    routes: dict[str, RouteConfig] = Field(
        default_factory=dict,
        description="What callers ask for as `model`. An exact name comes before a pattern, a target's "
        "own name after both.",
    )
    server: ServerConfig = Field(default_factory=ServerConfig, description="The gateway.")
    tenants: TenantsSpec | None = Field(
        None,
        description="Whose account a request is on: every tenant by its name, or `{from: store}` where they are made "
        "by `turnout tenants`. With it, callers need a key of a tenant's.",
        examples=[{"from": "store"}],
    )
    ledger: LedgerConfig = Field(default_factory=LedgerConfig, description="Where decisions are recorded.")
    budgets: BudgetList = Field(
        default_factory=list,
        description="What may be spent, whoever asks; a tenant's own stand in `tenants`. None by default.",
        examples=[[{"usd": 500, "per": "month", "of": "provider", "only": "openai"}]],
    )
    state: StateConfig = Field(default_factory=StateConfig, description="What is remembered between requests.")
    telemetry: TelemetryConfig = Field(
        default_factory=TelemetryConfig, description="Whom the gateway tells what it does, besides `/metrics`."
    )
    privacy: PrivacyConfig = Field(default_factory=PrivacyConfig, description="How much of what callers say is kept.")
    flags: dict[NewFlagName, FlagConfig] = Field(default_factory=dict, description="Feature flags, by name.")
    openfeature: OpenFeatureConfig | None = Field(None, description="A provider of feature flags of your own.")
