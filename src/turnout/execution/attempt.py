"""One attempt: its times, tokens and cost, booked exactly once however it ends."""

from __future__ import annotations

from collections.abc import Awaitable
from decimal import Decimal
from typing import Final, Protocol, TypeVar

from turnout.catalog.cost import cost
from turnout.execution.deadline import AttemptFailed
from turnout.execution.health import TargetWatch
from turnout.execution.limiter import Leave
from turnout.execution.spending import Paid
from turnout.execution.verdict import VERDICTS
from turnout.execution.work import Work
from turnout.features.tokens import tokens_in_chars
from turnout.providers.endpoint import Endpoint
from turnout.providers.transport import Fault, TransportFailed
from turnout.types.candidate import Candidate
from turnout.types.chat import Finish
from turnout.types.clock import timestamp
from turnout.types.decision import Attempt, AttemptOutcome
from turnout.types.failure import Failure, FailureKind
from turnout.types.money import Price
from turnout.types.usage import Usage

_NOTHING: Final = Usage()
T = TypeVar("T")

_FREE: Final = Decimal(0)


class Facts(Protocol):
    """What is known of an answer, whole or in part: a unary answer's facts, or a stream's reader."""

    @property
    def usage(self) -> Usage | None:
        """The tokens as last reported."""
        ...

    @property
    def finish(self) -> Finish | None:
        """The provider's finish signal, once there."""
        ...

    @property
    def model(self) -> str | None:
        """The model that the provider says answers."""
        ...

    @property
    def output_chars(self) -> int:
        """Characters generated so far."""
        ...


class LiveAttempt:
    """An attempt under way. Exactly one of `answered`, `failed`, `cancelled`, `discarded` and `stopped` ends it.

    Attributes:
        candidate, endpoint, work: what is attempted.
        dispatched: it was sent, or begun to be; before that it costs nothing and leaves no line in the record.
        status: the provider's HTTP status, once there.
        facts: what is known of the answer so far.
        fault: what an outage drill does to it.
        hides: it asked for log-probabilities, and the caller did not.
        tails: it asked how sure the target is, in a tail that the caller does not see.
        began: when it began, on the monotonic clock.
        booked: whether it has ended.
    """

    __slots__ = (
        "_bill",
        "_first_token_ms",
        "_latency_ms",
        "_leave",
        "_output_tokens",
        "_paid",
        "_place",
        "_started",
        "_watch",
        "began",
        "booked",
        "candidate",
        "dispatched",
        "endpoint",
        "facts",
        "fault",
        "hides",
        "status",
        "tails",
        "work",
    )

    def __init__(self, candidate: Candidate, endpoint: Endpoint, leave: Leave, watch: TargetWatch, work: Work) -> None:
        self.candidate = candidate
        self.endpoint = endpoint
        self.work = work
        self.dispatched = False
        self.status: int | None = None
        self.facts: Facts | None = None
        self.fault: Fault | None = None
        self.hides = False
        self.tails = False
        self.began = work.clock.monotonic()
        self.booked = False
        self._leave = leave
        self._paid = leave if isinstance(leave, Paid) else None
        self._bill: Usage | None = None
        self._place = work.trace.begin()
        self._started = work.timeline.when(self.began)
        self._first_token_ms: float | None = None
        self._latency_ms = 0.0
        self._output_tokens = 0
        self._watch = watch
        watch.began()

    async def wait(
        self, awaitable: Awaitable[T], seconds: float, late: FailureKind, *, since: float | None = None
    ) -> T:
        """Await something of the provider's, as `Deadline.limit` does; the wait is not counted as turnout's own time.

        Raises:
            AttemptFailed: it came too late, or the transport broke.
        """
        began = self.work.clock.monotonic()
        try:
            return await self.work.deadline.limit(awaitable, seconds, late, since)
        except TransportFailed as error:
            raise AttemptFailed(error.failure) from error
        finally:
            self.work.trace.waited_s += self.work.clock.monotonic() - began

    def saw_token(self) -> None:
        """The first meaningful token has come."""
        if self._first_token_ms is None:
            self._first_token_ms = self._elapsed_ms()
            self.work.heard = True

    def completed(self) -> None:
        """The whole answer is here, so what it cost is known, whoever gets it and whenever that turns out."""
        if self._paid is not None:
            self._paid.settle(cost(self._used(), self._price()))

    def answered(self) -> None:
        """A complete answer, and the caller gets it."""
        if self._book("answered", billed=True):
            self._succeeded()

    def discarded(self) -> None:
        """A complete answer, and the caller gets another."""
        if self._book("discarded", billed=True):
            self._succeeded()

    def stopped(self) -> None:
        """The beginning of an answer that was going well, and is not wanted."""
        if self._book("discarded", billed=True):
            self._leave.succeeded()
            self._watch.unknown(*self._times())

    def failed(self, failure: Failure) -> None:
        """No complete answer."""
        verdict = VERDICTS[failure.kind]
        if not self._book("failed", billed=verdict.billed, failure=failure):
            return
        if self.candidate.purpose != "judge":
            self.work.trace.failures.append(failure)
        if verdict.counts:
            self._leave.failed(failure.kind, failure.retry_after_s)
            self._watch.failed(*self._times())
        else:
            self._abandoned()

    def cancelled(self) -> None:
        """The caller left, or another answer made this one unnecessary."""
        if self._book("cancelled", billed=True):
            self._abandoned()

    def _succeeded(self) -> None:
        self._leave.succeeded()
        self._watch.answered(*self._times(), self._output_tokens)

    def _abandoned(self) -> None:
        self._leave.abandoned()
        self._watch.unknown(*self._times())

    def _times(self) -> tuple[float, float | None]:
        """How long it took, once that is booked, and took to its first token, in seconds."""
        first = self._first_token_ms
        return self._latency_ms / 1000, None if first is None else first / 1000

    def _elapsed_ms(self) -> float:
        return round((self.work.clock.monotonic() - self.began) * 1000, 3)

    def _book(self, outcome: AttemptOutcome, *, billed: bool, failure: Failure | None = None) -> bool:
        """Write the attempt into the trace; False if that was done before."""
        if self.booked:
            return False
        self.booked = True
        self._latency_ms = self._elapsed_ms()
        if not self.dispatched:
            self._settle(_FREE)
            return True
        facts, fault = self.facts, self.fault
        billed = billed and (fault is None or fault.sent)
        usage = self._used() if billed else _NOTHING
        self._output_tokens = usage.output_tokens
        price = self._price()
        spent = cost(usage, price) if billed else _FREE
        self._settle(spent)
        self.work.trace.book(
            self._place,
            Attempt(
                target=self.endpoint.target.name,
                provider=self.endpoint.target.provider,
                purpose=self.candidate.purpose,
                started=timestamp(self._started),
                outcome=outcome,
                error_class=failure.kind if failure else None,
                status=self.status,
                model=facts.model if facts else None,
                finish=facts.finish if facts else None,
                first_token_ms=self._first_token_ms,
                latency_ms=self._latency_ms,
                input_tokens=usage.input_tokens,
                cached_tokens=usage.cached_tokens,
                cache_write_tokens=usage.cache_write_tokens,
                output_tokens=usage.output_tokens,
                reasoning_tokens=usage.reasoning_tokens,
                cost_usd=spent,
                estimated=usage.estimated,
                price_version=price.at(usage.input_tokens).version if price else None,
                hedge=self.candidate.hedge,
                drilled=fault.drill.id if fault else None,
            ),
        )
        return True

    def _settle(self, usd: Decimal | None) -> None:
        if self._paid is not None:
            self._paid.settle(usd)

    def _price(self) -> Price | None:
        return self.endpoint.price(self.work.request.route, self._started)

    def _used(self) -> Usage:
        """As `_usage`, which learns from what it finds, and so is asked once."""
        if self._bill is None:
            self._bill = self._usage()
        return self._bill

    def _usage(self) -> Usage:
        """What the provider reported at its end; else our estimate of what it will bill."""
        facts, target = self.facts, self.endpoint.target.name
        reported = facts.usage if facts else None
        if reported is not None and facts is not None and facts.finish is not None:
            self.work.estimator.observe(target, self.work.input_tokens, reported.input_tokens)
            return reported
        seen = tokens_in_chars(facts.output_chars) if facts else 0
        if reported is None:
            return Usage(input_tokens=self.work.tokens_at(target), output_tokens=seen, estimated=True)
        return Usage(
            input_tokens=reported.input_tokens,
            cached_tokens=reported.cached_tokens,
            cache_write_tokens=reported.cache_write_tokens,
            cache_write_hour_tokens=reported.cache_write_hour_tokens,
            output_tokens=max(reported.output_tokens, seen),
            reasoning_tokens=reported.reasoning_tokens,
            estimated=True,
        )
