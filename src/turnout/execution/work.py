"""What the executor is asked to do for one request."""

from __future__ import annotations

from collections.abc import Callable

import msgspec

from turnout.execution.deadline import Deadline
from turnout.execution.trace import Trace
from turnout.features.tokens import TokenEstimator
from turnout.types.candidate import Candidate
from turnout.types.chat import Chat
from turnout.types.clock import Clock, Timeline
from turnout.types.health import too_slow
from turnout.types.hedge import Hedge
from turnout.types.request import Request
from turnout.types.spend import Spend
from turnout.types.target import Target
from turnout.types.timeouts import Commit, Timeouts
from turnout.wire.dialect import CallerDialect


class Work(msgspec.Struct, kw_only=True):
    """One request on its way.

    Attributes:
        request: what the caller sent.
        dialect: the caller's dialect.
        decision_id: the id of its record.
        input_tokens: our estimate of the input's tokens, by script alone.
        estimator: corrects it by what each target has reported.
        timeouts, commit, content_filter_falls_back: the route's.
        timeline: its wall time.
        deadline: by when it must have ended.
        announce: called once, with the first target and the input's tokens there, before anything is sent to it:
            journals the intent.
        latency_budget_s: how long the answer may take in all, in seconds; None for no limit.
        predicted_ms: how long a target will probably take, in ms.
        hedge: when a silent call of it gets company; None for never.
        hedged: it has had a second call.
        heard: the call under way, or one of them, has begun to answer.
        trace: what happens to it.
        spend: what pays its calls; None where nobody counts what it costs.
        max_tokens: the most tokens that the caller wants; None where it did not say.
        body_bytes: the size of the request, in bytes: tools, schemas and documents, which nobody estimates, are a part
            of it; 0 where it has images, whose size tells nothing of their price.
        refers: whether a part of the input is elsewhere, so that nobody can tell how long it is.
        outgrown: the largest context window that the request has been found too large for; 0 for none.
    """

    request: Request
    dialect: CallerDialect
    decision_id: str
    input_tokens: int
    estimator: TokenEstimator
    timeouts: Timeouts
    commit: Commit
    content_filter_falls_back: bool
    timeline: Timeline
    deadline: Deadline
    announce: Callable[[Target, int], None]
    latency_budget_s: float | None = None
    predicted_ms: Callable[[str], float | None] = lambda _: None
    hedge: Hedge | None = None
    hedged: bool = False
    heard: bool = False
    trace: Trace = msgspec.field(default_factory=Trace)
    spend: Spend | None = None
    max_tokens: int | None = None
    body_bytes: int = 0
    refers: bool = False
    outgrown: int = 0
    _chat: Chat | None = None
    _announced: bool = False

    @property
    def clock(self) -> Clock:
        """The clock that times it."""
        return self.deadline.clock

    def tokens_at(self, target: str) -> int:
        """Our estimate of the input's tokens as `target` would count them."""
        return self.estimator.corrected(target, self.input_tokens)

    def too_slow(self, candidate: Candidate) -> str | None:
        """Why a candidate does not fit into what earlier attempts have left of the latency budget; None if it does."""
        if self.latency_budget_s is None or not self.trace.attempts or candidate.reason == "last_resort":
            return None
        left_s = self.latency_budget_s - (self.clock.monotonic() - self.timeline.began)
        return too_slow(self.predicted_ms(candidate.target), left_s)

    @property
    def chat(self) -> Chat:
        """What the caller asked, free of its dialect. Raises `InvalidRequest` where the body is no request of it."""
        if self._chat is None:
            self._chat = self.dialect.decode_request(self.request.body)
        return self._chat

    def dispatching(self, target: Target) -> None:
        """The first byte is about to be sent to `target`."""
        if not self._announced:
            self._announced = True
            self.announce(target, self.tokens_at(target.name))
