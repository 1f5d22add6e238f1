"""Vectors of two models do not compare, so embeddings fall back among targets of one model only."""

from __future__ import annotations

from typing import Final

from turnout.policy.base import Context, Policy
from turnout.policy.walk import walk
from turnout.types.candidate import Candidate
from turnout.types.dialect import EMBEDDING
from turnout.types.target import Target

OTHER_MODEL: Final = "other_model"


def of_other_models(policy: Policy, context: Context) -> dict[str, str]:
    """The targets that embed with another model than the one that `policy` proposes first, each with the reason.

    The first holds even while its breaker is open: what is asked of another model then would be stored beside vectors
    that it has nothing to do with.
    """
    embedding = [target for target in _proposed(policy, context) if target.dialect in EMBEDDING]
    if not embedding:
        return {}
    model = family_of(embedding[0])
    return {target.name: OTHER_MODEL for target in embedding if family_of(target) != model}


def family_of(target: Target) -> str:
    """What the target's model is called wherever it is served: as configured, else its name without a vendor's prefix.

    Empty for a target that passes on the name that the caller asked for.
    """
    return target.model_family or (target.model or "").lower().rpartition("/")[2]


def _proposed(policy: Policy, context: Context) -> list[Target]:
    steps = walk(policy, context)
    return [context.targets[step.target] for step in steps if isinstance(step, Candidate)]
