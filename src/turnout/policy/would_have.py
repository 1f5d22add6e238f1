"""What would have happened: the decision with the feature flags applied that are only observed."""

from __future__ import annotations

import msgspec

from turnout.policy.base import Context
from turnout.policy.route import Route
from turnout.policy.walk import walk
from turnout.types.candidate import Candidate


def would_have(route: Route, context: Context) -> Candidate | None:
    """The first candidate if the flags that are only observed were applied; None where none is, or nobody would be.

    The policy is pure, so this is what it would have proposed for the very same request.
    """
    flags = context.conditions.flags
    if not flags.held_back:
        return None
    conditions = msgspec.structs.replace(context.conditions, flags=flags.applied())
    steps = walk(route.policy, msgspec.structs.replace(context, conditions=conditions))
    return next((step for step in steps if isinstance(step, Candidate)), None)
