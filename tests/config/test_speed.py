"""DESIGN's figure for a rule decision: three lists of 200 phrases, a prompt of 2,000 characters, 50 µs."""

from __future__ import annotations

import json
import random
import string
import time

import pytest

from tests.config.configs import loaded
from tests.policy.deciding import NOON, a_target, answers, drive
from turnout.config.compile import compile_routes
from turnout.features.shape import read_features
from turnout.policy.base import Context
from turnout.types.candidate import Candidate
from turnout.types.conditions import Conditions
from turnout.types.dialect import DialectName
from turnout.types.request import Caller, Outline, Said


@pytest.mark.bench
def test_a_rule_decision_takes_less_than_fifty_microseconds() -> None:
    draw = random.Random(1)
    words = ["".join(draw.choices(string.ascii_lowercase, k=draw.randint(3, 9))) for _ in range(3_000)]
    lists = {
        name: [" ".join(draw.choices(words, k=draw.randint(2, 3))) for _ in range(200)]
        for name in ("escalation", "complex", "faq")
    }
    route = compile_routes(
        loaded(
            f"""\
            support:
              lists: {json.dumps(lists)}
              policy:
                rules:
                  - {{name: escalate, when: {{matches: escalation}}, use: [sonnet, gpt-4o]}}
                  - {{name: faq, when: {{matches: faq, not: {{matches: complex}}, tokens: {{max: 200}}}}, use: haiku}}
                  - {{name: images, when: {{images: true}}, use: [sonnet, gpt-4o]}}
                  - {{name: web, when: {{source: "web-*"}}, use: [sonnet, gpt-4o]}}
                  - {{name: rest, use: [haiku, gpt-4o]}}
            """
        )
    ).find("support")
    assert route is not None
    outline = Outline(said=(Said("user", " ".join(draw.choices(words, k=400))[:2_000]),))
    targets = {name: a_target(name, context_tokens=200_000) for name in route.policy.targets}

    def decide() -> list[object]:
        context = Context(
            features=read_features(outline, lists=route.lists),
            dialect=DialectName.OPENAI_CHAT,
            caller=Caller(source="app"),
            conditions=Conditions(now=NOON),
            targets=targets,
        )
        return list(drive(route.policy, context, answers)[0])

    assert [step.target for step in decide() if isinstance(step, Candidate)] == ["haiku"]
    best = min(_seconds_each(decide, 1_000) for _ in range(5))
    assert best < 50e-6, f"{best * 1e6:.1f} µs"


def _seconds_each(decide: object, rounds: int) -> float:
    assert callable(decide)
    began = time.perf_counter()
    for _ in range(rounds):
        decide()
    return (time.perf_counter() - began) / rounds
