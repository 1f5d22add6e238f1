"""What callers are told of a route or target."""

from __future__ import annotations

from collections.abc import Iterable
from typing import NamedTuple

from turnout.router.parts import Parts


class Listed(NamedTuple):
    """A name that can be asked for as `model`.

    Attributes:
        name: it.
        input_tokens: the longest input that all of its targets take, in tokens; None where one's is not known.
        output_tokens: the longest answer that all of them give, in tokens; None where one's is not known.
    """

    name: str
    input_tokens: int | None
    output_tokens: int | None


def listed(parts: Parts, name: str) -> Listed | None:
    """What is known of a name; None where nothing can be asked for by it."""
    route = parts.routes.find(name)
    if route is None:
        return None
    targets = [parts.targets[target] for target in route.policy.targets]
    return Listed(
        name,
        _smallest(target.context_tokens for target in targets),
        _smallest(target.output_tokens for target in targets),
    )


def _smallest(limits: Iterable[int | None]) -> int | None:
    smallest: int | None = None
    for limit in limits:
        if limit is None:
            return None
        smallest = limit if smallest is None else min(smallest, limit)
    return smallest
