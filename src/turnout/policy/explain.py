"""A decision without a call: what would be tried, in which order, what was ruled out, and why."""

from __future__ import annotations

from collections.abc import Mapping

import msgspec

from turnout.policy.base import Context
from turnout.policy.route import Route
from turnout.policy.walk import walk
from turnout.policy.would_have import would_have
from turnout.types.candidate import Candidate, Considered, Declined, Dropped, Predicted
from turnout.types.features import Features
from turnout.types.flag import recorded
from turnout.types.request import Outline


class Explanation(msgspec.Struct, frozen=True, kw_only=True):
    """What a route decides for a request.

    Attributes:
        route: the route's name.
        query: the text that rules looked at.
        features: what the request looks like.
        considered: each rule or branch that was looked at, in order.
        declined: policies without an opinion.
        dropped: candidates ruled out before any call.
        predicted: what each classifier that was asked expects.
        candidates: what would be tried, in order; the first is the choice.
        flags: the variant of each feature flag that was looked at; after `observe:` where it is not applied.
        would_have: the first candidate if the flags that are only observed were applied.
    """

    route: str
    query: str
    features: Features
    considered: tuple[Considered, ...]
    declined: tuple[Declined, ...]
    dropped: tuple[Dropped, ...]
    predicted: tuple[Predicted, ...]
    candidates: tuple[Candidate, ...]
    flags: Mapping[str, str] = {}
    would_have: Candidate | None = None


def explain(route: Route, outline: Outline, context: Context) -> Explanation:
    """Walk the route's plan as if nothing answered, so that the whole chain shows."""
    steps = walk(route.policy, context)
    return Explanation(
        route=route.name,
        query=outline.query,
        features=context.features,
        considered=tuple(step for step in steps if isinstance(step, Considered)),
        declined=tuple(step for step in steps if isinstance(step, Declined)),
        dropped=tuple(step for step in steps if isinstance(step, Dropped)),
        predicted=tuple(step for step in steps if isinstance(step, Predicted)),
        candidates=tuple(step for step in steps if isinstance(step, Candidate)),
        flags=recorded(context.conditions.flags),
        would_have=would_have(route, context),
    )
