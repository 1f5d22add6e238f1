"""A request under an idempotency key: begun once, its answer recorded, its claim given back where there is none."""

from __future__ import annotations

import asyncio

from turnout.cache.answers import LARGEST, Stored, attempt_of
from turnout.cache.idempotency import Idempotency
from turnout.router.admitted import Admitted


async def begin(idempotency: Idempotency, admitted: Admitted) -> Stored | None:
    """The recorded answer, if there is one. Otherwise the request is served, under a claim where there can be one.

    Raises:
        StillInProgress: the first request under the key is under way.
        KeyReused: the first one said something else.
    """
    found = await idempotency.begin(admitted.request, admitted.id)
    if isinstance(found, Stored):
        admitted.cache, admitted.recalled = "replay", found.answer
        return found
    if found is not None:
        admitted.claim = found
        admitted.holding = asyncio.create_task(idempotency.hold(found))
    return None


def end(idempotency: Idempotency, admitted: Admitted) -> None:
    """The request has ended. Without an answer, the caller may try again under the same key."""
    if admitted.holding is not None:
        admitted.holding.cancel()
    if admitted.claim is not None and admitted.decision is not None and admitted.decision.outcome != "answered":
        idempotency.release(admitted.claim)


def record(idempotency: Idempotency, admitted: Admitted, content_type: str, body: bytes | None) -> None:
    """The caller has the whole answer: it is recorded under the key, unless it is too long for that."""
    claim, decision = admitted.claim, admitted.decision
    if claim is None or decision is None:
        return
    answer = admitted.recalled or attempt_of(decision)
    if body is None or len(body) > LARGEST or answer is None:
        idempotency.release(claim)
        return
    stream = admitted.request.stream
    stored = Stored(decision=decision.id, answer=answer, content_type=content_type, body=body, stream=stream)
    idempotency.settle(claim, stored)
