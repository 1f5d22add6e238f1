"""Answers that were given before: looked up before anything is decided, kept once they are complete."""

from __future__ import annotations

from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import aclosing
from dataclasses import dataclass
from typing import Final

from turnout.cache.answers import LARGEST, Answers, Stored, answer_of
from turnout.cache.key import answer_key, is_never_the_same
from turnout.policy.base import Context, Policy
from turnout.policy.filters import Filters
from turnout.policy.route import Route
from turnout.policy.walk import walk
from turnout.router.admitted import Admitted, Sought
from turnout.types.candidate import Candidate
from turnout.types.reply import Pieces, Reply
from turnout.types.target import Target

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
    proposed = _proposed(route.policy, context)
    key = answer_key(answers.secret, request, route.name, route.policy_version, proposed)
    if key is None:
        return None
    admitted.sought = Sought(caching, key)
    if wanted & _NOT_THIS:
        return None
    admitted.cache = "miss"
    found = await answers.find(caching.place, request.caller.tenant, key)
    if found is not None:
        admitted.cache, admitted.recalled = "hit", found.answer
    return found


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


def keep(answers: Answers, admitted: Admitted, reply: Reply) -> Reply:
    """Keep the answer of a reply, now or when its stream has come to its end."""
    if admitted.sought is None:
        return reply
    keeper = _Keeper(answers, admitted, dict(reply.headers)["content-type"])
    if reply.stream is not None:
        reply.stream = Overheard(reply.stream, keeper)
    elif reply.body is not None:
        keeper.keep(reply.body)
    return reply


@dataclass(frozen=True, slots=True)
class _Keeper:
    """Keeps the answer to one request."""

    answers: Answers
    admitted: Admitted
    content_type: str

    def keep(self, body: bytes) -> None:
        """Keep the body, if the decision tells that it is a complete answer."""
        sought, decision, request = self.admitted.sought, self.admitted.decision, self.admitted.request
        answer = answer_of(decision) if decision is not None else None
        if sought is None or decision is None or answer is None or len(body) > LARGEST:
            return
        stored = Stored(
            decision=decision.id, answer=answer, content_type=self.content_type, body=body, stream=request.stream
        )
        self.answers.keep(sought.caching.place, request.caller.tenant, sought.key, stored, sought.caching.ttl_s)


class Overheard:
    """See `turnout.types.reply.Pieces`: the pieces of a stream, kept once the last one is through."""

    def __init__(self, pieces: Pieces, keeper: _Keeper) -> None:
        self._inner = pieces
        self._keeper = keeper
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
        if size <= LARGEST:
            self._keeper.keep(b"".join(heard))


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


def _proposed(policy: Policy, context: Context) -> list[Target]:
    """What the policy would have asked, whatever is wrong with it just now: an answer outlives an outage."""
    bare = policy.policy if isinstance(policy, Filters) else policy
    return [context.targets[step.target] for step in walk(bare, context) if isinstance(step, Candidate)]
