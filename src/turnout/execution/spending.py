"""Money for each attempt: its worst price is held before the call, and what it cost is booked after it."""

from __future__ import annotations

import math
from collections.abc import Awaitable, Callable
from decimal import Decimal
from typing import Final

import msgspec

from turnout.catalog.cost import cost
from turnout.execution.deadline import AttemptFailed
from turnout.execution.limiter import Leave
from turnout.execution.work import Work
from turnout.features.tokens import estimate_tokens
from turnout.providers.endpoint import Endpoint
from turnout.types.candidate import Candidate
from turnout.types.dialect import DialectName
from turnout.types.failure import FailureKind
from turnout.types.money import Price
from turnout.types.spend import Quote, Refusal, Refused, Reservation
from turnout.types.target import Target
from turnout.types.usage import Usage

MARGIN: Final = 2.0
"""How many times our estimate of the input providers may count: estimates are within a factor of two."""
DENSE: Final = 2
"""Bytes of a request to a token at the least: what is not read of it (tools, schemas, documents) is dense at worst."""
TYPICAL_OUTPUT: Final = 500
"""Tokens of an answer that may be as long as it likes."""
UNSEEN_INPUT: Final = 200_000
"""Tokens at the most of an input that a request refers to, where the target's context window is not known."""
UNBOUNDED_OUTPUT: Final = 16_384
"""Tokens at the most of an answer to which neither the caller, nor the target, nor the list of models sets a bound."""
WAIT_S: Final = 10.0
"""How long a call may wait for others to give back what they hold of a budget."""

_FREE: Final = Decimal(0)


class Paid:
    """A leave to call, and the money for it."""

    __slots__ = ("_leave", "_reservation")

    def __init__(self, leave: Leave, reservation: Reservation) -> None:
        self._leave = leave
        self._reservation = reservation

    def settle(self, usd: Decimal | None) -> None:
        """What the call cost is known."""
        self._reservation.settle(usd)

    def succeeded(self) -> None:
        """See `Leave`."""
        self._leave.succeeded()

    def failed(self, reason: str, retry_after_s: float | None = None) -> None:
        """See `Leave`."""
        self._leave.failed(reason, retry_after_s)

    def abandoned(self) -> None:
        """See `Leave`."""
        self._leave.abandoned()


async def paid(
    candidate: Candidate, endpoint: Endpoint, work: Work, admit: Callable[[], Awaitable[Leave | str]]
) -> Leave | str:
    """The leave that `admit` gives, with the money for the call; or why there is none.

    The money comes first: a place or a probe is nothing to wait with.
    """
    reservation = await _reserve(candidate, endpoint, work)
    if isinstance(reservation, Refusal):
        work.trace.refusals.append(reservation)
        return reservation.reason
    leave: Leave | str = ""
    try:
        leave = await admit()
    finally:
        if isinstance(leave, str):
            reservation.settle(_FREE)
    return leave if isinstance(leave, str) else Paid(leave, reservation)


async def _reserve(candidate: Candidate, endpoint: Endpoint, work: Work) -> Reservation | Refusal:
    """Hold the price of a call. A call beside another does not wait: it might be for that one."""
    assert work.spend is not None  # noqa: S101 - as whoever calls has seen
    quote, target = quoted(candidate, endpoint, work), endpoint.target
    held = await work.spend.reserve(target, quote, wait=False)
    if not isinstance(held, Refusal) or held.reason is not Refused.BUDGET_BUSY or candidate.hedge:
        return held
    began = work.clock.monotonic()
    try:
        waiting = work.spend.reserve(target, quote, wait=True)
        return await work.deadline.limit(waiting, WAIT_S, FailureKind.DEADLINE)
    except AttemptFailed:
        return held
    finally:
        work.trace.waited_s += work.clock.monotonic() - began


def quoted(candidate: Candidate, endpoint: Endpoint, work: Work) -> Quote | None:
    """What a call will cost; None where the price is unknown.

    At the worst, the provider counts `MARGIN` times our estimate of the input, or a token for every `DENSE` bytes that
    were sent, or, where a part of it is elsewhere (a file, an earlier answer), all that the target can take; charges it
    at the dearest price of an input token, and writes as much as may be written.
    """
    price = endpoint.price(work.request.route, work.timeline.when(work.clock.monotonic()))
    if price is None:
        return None
    tokens, most = _input_tokens(candidate, endpoint, work), _output_tokens(candidate, endpoint, work)
    longest = max(math.ceil(tokens * MARGIN), _longest_input(endpoint.target, work) if candidate.ask is None else 0)
    long = price.at(longest)
    dearest = Price(
        input=max(long.input, long.cache_write or _FREE, long.cache_write_hour or _FREE), output=long.output
    )
    worst = cost(Usage(input_tokens=longest, output_tokens=most), dearest)
    likely = cost(Usage(input_tokens=tokens, output_tokens=min(most, TYPICAL_OUTPUT)), price)
    return None if worst is None or likely is None else Quote(worst, min(likely, worst))


def _input_tokens(candidate: Candidate, endpoint: Endpoint, work: Work) -> int:
    if candidate.ask is None:
        return work.tokens_at(endpoint.target.name)
    asked = estimate_tokens(msgspec.json.encode(candidate.ask).decode())
    return work.estimator.corrected(endpoint.target.name, asked)


def _longest_input(target: Target, work: Work) -> int:
    """The most tokens that the caller's own request may come to, for all that its size and what it refers to tell."""
    if work.refers:
        return target.context_tokens or UNSEEN_INPUT
    return work.body_bytes // DENSE


def _output_tokens(candidate: Candidate, endpoint: Endpoint, work: Work) -> int:
    """The most tokens that the answers may have. Many servers take a bound below 1 for none."""
    if endpoint.dialect.name is DialectName.OPENAI_EMBEDDINGS:
        return 0
    target, asked = endpoint.target, candidate.ask.max_tokens if candidate.ask is not None else work.max_tokens
    most = target.output_tokens if asked is None or asked < 1 else asked
    if most is None:
        most = min(UNBOUNDED_OUTPUT, target.context_tokens or UNBOUNDED_OUTPUT)
    choices = work.request.body.get("n") if candidate.ask is None else None
    return most * choices if isinstance(choices, int) and choices > 1 else most
