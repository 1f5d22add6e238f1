"""Embeddings fall back among targets of one model."""

from __future__ import annotations

import msgspec

from tests.policy.deciding import a_context, a_target, chain, drive, proposed
from turnout.policy.base import Context
from turnout.policy.filters import Filters
from turnout.types.candidate import Candidate, Dropped
from turnout.types.conditions import BreakerState
from turnout.types.dialect import DialectName


def embedding(*targets: str, breakers: dict[str, BreakerState] | None = None) -> Context:
    """Targets written as `name=model`."""
    made = [a_target(each.partition("=")[0], model=each.partition("=")[2]) for each in targets]
    context = a_context(targets=made, breakers=breakers, context_tokens=10**9)
    return msgspec.structs.replace(context, dialect=DialectName.OPENAI_EMBEDDINGS)


def test_the_first_target_sets_the_model_and_a_vendors_prefix_is_none_of_it() -> None:
    context = embedding("a=bge-m3", "b=nomic", "c=BAAI/bge-m3")
    steps, _ = drive(Filters(chain("a", "b", "c")), context)
    assert proposed(steps) == ["a", "c"]
    assert Dropped("b", "other_model") in steps


def test_the_first_sets_it_even_while_it_rests_and_is_asked_after_all() -> None:
    context = embedding("a=one", "b=two", breakers={"a": BreakerState.OPEN})
    steps, _ = drive(Filters(chain("a", "b")), context)
    assert [step for step in steps if isinstance(step, Dropped)] == [
        Dropped("a", "breaker_open"),
        Dropped("b", "other_model"),
    ]
    assert [step.reason for step in steps if isinstance(step, Candidate)] == ["last_resort"]


def test_a_chain_whose_others_are_of_other_models_may_wait_for_its_first() -> None:
    steps, _ = drive(Filters(chain("a", "b")), embedding("a=one", "b=two"))
    assert [step.more for step in steps if isinstance(step, Candidate)] == [False]


def test_conversations_fall_back_across_models() -> None:
    context = msgspec.structs.replace(embedding("a=one", "b=two"), dialect=DialectName.OPENAI_CHAT)
    targets = {name: msgspec.structs.replace(each, context_tokens=None) for name, each in context.targets.items()}
    steps, _ = drive(Filters(chain("a", "b")), msgspec.structs.replace(context, targets=targets))
    assert proposed(steps) == ["a", "b"]
