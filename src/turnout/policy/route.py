"""A route: the name that callers ask for, and everything that is decided under it."""

from __future__ import annotations

from dataclasses import dataclass, field
from decimal import Decimal

from turnout.features.phrases import PhraseLists
from turnout.policy.base import Policy
from turnout.policy.evidence import Evidence
from turnout.policy.judgements import Judgements
from turnout.types.caching import Caching
from turnout.types.hedge import Hedge
from turnout.types.privacy import PrivacyMode
from turnout.types.timeouts import Commit, Timeouts


@dataclass(frozen=True, slots=True)
class Shadow:
    """What a share of a route's requests is asked again of, beside the answer that the caller gets.

    Attributes:
        share: of the requests that were answered, 0 to 1.
        to: each as a route of the same name, with a policy of its own.
        daily_usd: the most that it may cost in a day (UTC), in USD.
    """

    share: float
    to: tuple[Route, ...]
    daily_usd: Decimal


@dataclass(frozen=True, slots=True, kw_only=True)
class Route:
    """One route, compiled.

    Attributes:
        name: as configured; may be a pattern (`gpt-*`).
        policy: decides; already wrapped by the filters.
        policy_version: digest of the policy and the phrase lists as configured.
        baseline: the target that would have been used without routing; savings are measured against it.
        lists: the phrase lists that its rules match.
        reads_language: whether any rule asks for the query's language.
        timeouts: limits of each call and of the whole request.
        commit: when a stream is committed.
        content_filter_falls_back: whether a provider's content filter is a reason to ask the next candidate.
        heartbeat_s: seconds after which a stream without a first token is begun for the sake of a heartbeat; None for
            never, which keeps the HTTP status open until the commit.
        latency_budget_s: how long an answer may take where the caller does not say, in seconds; None for no limit.
        hedge: when a silent call gets company; None for never.
        privacy: how much of what was said is kept; None as the installation says.
        caching: whether its answers may be given again; None for never.
        flags: the feature flags that its policy may ask for.
        reads_budgets: whether its policy asks how budgets stand.
        judgements: what the judging of its answers adds up to; None where none are.
        shadow: what some of its requests are asked again of; None for nothing.
        evidence: what is found out about its answers, beside the traffic; None for nothing.
    """

    name: str
    policy: Policy
    policy_version: str = ""
    baseline: str | None = None
    lists: PhraseLists = field(default_factory=PhraseLists)
    reads_language: bool = False
    timeouts: Timeouts = field(default_factory=Timeouts)
    commit: Commit = field(default_factory=Commit)
    content_filter_falls_back: bool = False
    heartbeat_s: float | None = None
    latency_budget_s: float | None = None
    hedge: Hedge | None = None
    privacy: PrivacyMode | None = None
    caching: Caching | None = None
    flags: frozenset[str] = frozenset()
    reads_budgets: bool = False
    judgements: Judgements | None = None
    shadow: Shadow | None = None
    evidence: Evidence | None = None
