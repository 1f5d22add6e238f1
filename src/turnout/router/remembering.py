"""Answers that were given before: looked up before anything is decided, kept once they are complete."""

from __future__ import annotations

from collections.abc import AsyncGenerator, AsyncIterator, Callable
from contextlib import aclosing
from typing import Final

import msgspec

from turnout.cache.answers import LARGEST, Answers, Stored, answer_of
from turnout.cache.key import Proposed, answer_key, is_never_the_same
from turnout.policy.base import Context
from turnout.policy.filters import Filters
from turnout.policy.route import Route
from turnout.policy.walk import walk
from turnout.router.admitted import Admitted, Sought
from turnout.types.candidate import Candidate
from turnout.types.reply import Pieces, Reply
from turnout.types.spend import Refusal

_NOT_THIS: Final = frozenset({"no-cache", "no-store"})


async def look_up(answers: Answers, admitted: Admitted, route: Route, context: Context) -> Stored | None:
    """The answer to the same request, if the route may give it again; what became of it is noted in `admitted`."""
    request, caching = admitted.request, route.caching
    if caching is None:
        return None
    admitted.cache = "bypass"
    wanted = {each.strip().lower() for each in request.caller.headers.get("cache-control", "").split(",")}
    if "no-store" in wanted or is_never_the_same(request):
        return None
    ways = [_proposed(route, context)]
    if route.reads_budgets and context.conditions.budgets:
        ways += _before_it_got_tight(route, context)
    keys = [answer_key(answers.secret, request, route.name, route.policy_version, each) for each in ways]
    if keys[0] is None:
        return None
    admitted.sought = Sought(caching, keys[0])
    if wanted & _NOT_THIS:
        return None
    admitted.cache = "miss"
    for key in filter(None, dict.fromkeys(keys)):
        found = await answers.find(caching.place, request.caller.tenant, key)
        if found is not None:
            admitted.cache, admitted.recalled = "hit", found.answer
            return found
    return None


def _before_it_got_tight(route: Route, context: Context) -> list[Proposed]:
    """What the policy would have proposed with all budgets whole: an answer of those is better, and free.

    Not so on a step of the ladder where even what is remembered is kept back.
    """
    steps = walk(route.policy, context)
    if any(isinstance(step, Refusal) and not step.remembered for step in steps):
        return []
    whole = msgspec.structs.replace(context, conditions=msgspec.structs.replace(context.conditions, budgets={}))
    return [_proposed(route, whole)]


def recalled(stored: Stored, headers: list[tuple[str, str]]) -> Reply:
    """The reply that gives an answer again, byte for byte."""
    told = [
        *headers,
        ("content-type", stored.content_type),
        ("x-turnout-original", stored.decision),
        ("x-turnout-attempts", "0"),
        ("x-turnout-cost", "0"),
    ]
    if not stored.stream:
        return Reply(200, told, body=stored.body)
    return Reply(200, [*told, ("cache-control", "no-cache")], stream=Replayed(stored.body))


Heard = Callable[[bytes | None], None]
"""Is told the whole answer that the caller got; None for one that is too long to be kept."""


def overheard(reply: Reply, told: Heard) -> Reply:
    """The reply, of which `told` hears: now, or when its stream has come to its end."""
    if reply.stream is not None:
        reply.stream = Overheard(reply.stream, told)
    elif reply.body is not None:
        told(reply.body if len(reply.body) <= LARGEST else None)
    return reply


def keep(answers: Answers, admitted: Admitted, content_type: str, body: bytes | None) -> None:
    """Keep an answer to be given again, if its decision tells that it is a complete one."""
    sought, decision, request = admitted.sought, admitted.decision, admitted.request
    answer = answer_of(decision) if decision is not None else None
    if body is None or sought is None or decision is None or answer is None:
        return
    stored = Stored(decision=decision.id, answer=answer, content_type=content_type, body=body, stream=request.stream)
    answers.keep(sought.caching.place, request.caller.tenant, sought.key, stored, sought.caching.ttl_s)


class Overheard:
    """See `turnout.types.reply.Pieces`: the pieces of a stream, told once the last one is through."""

    def __init__(self, pieces: Pieces, told: Heard) -> None:
        self._inner = pieces
        self._told = told
        self._pieces = self._run()

    def __aiter__(self) -> AsyncIterator[bytes]:
        return self._pieces

    async def aclose(self) -> None:
        """See `Pieces.aclose`."""
        await self._pieces.aclose()
        await self._inner.aclose()

    async def _run(self) -> AsyncGenerator[bytes, None]:
        heard: list[bytes] = []
        size = 0
        async with aclosing(self._inner) as pieces:
            async for piece in pieces:
                size += len(piece)
                if size <= LARGEST:
                    heard.append(piece)
                yield piece
        self._told(b"".join(heard) if size <= LARGEST else None)


class Replayed:
    """See `turnout.types.reply.Pieces`: a whole stream at once."""

    def __init__(self, body: bytes) -> None:
        self._pieces = _one(body)

    def __aiter__(self) -> AsyncIterator[bytes]:
        return self._pieces

    async def aclose(self) -> None:
        """See `Pieces.aclose`."""
        await self._pieces.aclose()


async def _one(body: bytes) -> AsyncGenerator[bytes, None]:
    yield body


def _proposed(route: Route, context: Context) -> Proposed:
    """What the policy would have asked, whatever is wrong with it just now: an answer outlives an outage."""
    policy = route.policy
    bare = policy.policy if isinstance(policy, Filters) else policy
    steps = [step for step in walk(bare, context) if isinstance(step, Candidate)]
    rules = frozenset(step.rule for step in steps if step.rule is not None)
    return Proposed(rules, [context.targets[step.target] for step in steps])
