"""A request under rate limits: let in or refused, told how its caller stands, and counted however it ends."""

from __future__ import annotations

from typing import Final

from turnout.errors import RateLimited, RequestTooLarge
from turnout.policy.base import Context
from turnout.router.admitted import Admitted
from turnout.tenancy.rates import Rates, Tokens, TooFast
from turnout.types.decision import Decision
from turnout.types.dialect import DialectName
from turnout.types.request import Caller

TYPICAL_OUTPUT: Final = 500
"""Tokens of an answer that may be as long as it likes."""
NO_TOKENS: Final = Tokens(0, 0)
LONGEST_WAIT_S: Final = 60.0
"""The longest `retry-after` that every release of the official SDKs follows."""


async def begin(rates: Rates, admitted: Admitted, context: Context, tokens: Tokens | None = None) -> None:
    """Let the request in, where limits hold for it. It uses so many tokens, or as many as an answer to it will.

    Raises:
        RateLimited: one is in the way, for a while.
        RequestTooLarge: it has more tokens than its caller may use in a minute.
    """
    limits = rates.limits(context.caller)
    if not limits:
        return
    entered = await rates.enter(limits, _tokens(context) if tokens is None else tokens)
    admitted.standing = admitted.dialect.rate_headers(entered.standing)
    if not isinstance(entered, TooFast):
        admitted.pace = entered
    elif entered.wait_s is None:
        raise RequestTooLarge(entered.why)
    else:
        raise RateLimited(entered.why, retry_after_s=min(entered.wait_s, LONGEST_WAIT_S))


def end(admitted: Admitted, decision: Decision) -> None:
    """The request has ended: all tokens of the calls that were made for it count."""
    if admitted.pace is not None:
        admitted.pace.settle(sum(each.input_tokens + each.output_tokens for each in decision.attempts))


async def count(rates: Rates, caller: Caller) -> None:
    """A request was refused before it could be let in: it counts as one, of no tokens, where limits hold for it."""
    limits = rates.limits(caller)
    if limits:
        entered = await rates.enter(limits, NO_TOKENS)
        if not isinstance(entered, TooFast):
            entered.settle(0)


def _tokens(context: Context) -> Tokens:
    """What a request asks for. Where it sets no bound to its answer, that will be of the usual length."""
    asked = context.features.context_tokens
    if context.dialect is DialectName.OPENAI_EMBEDDINGS:
        return Tokens(asked, asked)
    longest = context.features.max_tokens
    return Tokens(asked, asked + (TYPICAL_OUTPUT if longest is None else longest))
