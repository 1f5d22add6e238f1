"""Recorded requests, made small."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

from tests.policy.deciding import a_target
from turnout.insight.evaluate.driving import Contender
from turnout.insight.evaluate.traffic import Answer, Asked
from turnout.policy.base import Policy
from turnout.policy.filters import Filters
from turnout.policy.route import Route
from turnout.types.clock import timestamp
from turnout.types.features import Features

BEGIN = datetime(2026, 3, 1, tzinfo=UTC)
TARGETS = {name: a_target(name) for name in ("cheap", "dear", "other")}


def an_asked(number: int, answers: Mapping[str, Answer] | None = None, **fields: Any) -> Asked:
    tokens = int(fields.pop("tokens", 10))
    given: dict[str, Any] = {
        "id": f"request-{number}",
        "time": timestamp(BEGIN + timedelta(minutes=number)),
        "cluster": f"user-{number % 50}",
        "question": f"question-{number}",
        "features": Features(chars=4 * tokens, tokens=tokens, context_tokens=tokens),
        "answers": answers or {},
        **fields,
    }
    return Asked(**given)


def contender(name: str, policy: Policy, **fields: Any) -> Contender:
    route = Route(name=name, policy=Filters(policy), policy_version=f"version of {name}")
    return Contender(name, route.policy, TARGETS, route=route, **fields)
