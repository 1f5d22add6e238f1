"""What a route chooses today: what a classifier has to be better than."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from datetime import datetime
from typing import Final

from turnout.config.build import build_parts
from turnout.config.load import LoadedConfig
from turnout.config.policies import CascadeSpec, ClassifierSpec, PolicySpec, nested
from turnout.errors import TurnoutError
from turnout.insight.train.labels import features_of
from turnout.insight.train.rows import Rows
from turnout.insight.train.training import Rules
from turnout.policy.base import Context
from turnout.policy.route import Route
from turnout.policy.walk import walk
from turnout.router.parts import Parts
from turnout.types.candidate import Candidate
from turnout.types.clock import SystemClock
from turnout.types.conditions import Conditions
from turnout.types.dialect import DialectName
from turnout.types.request import Caller

_GOLDEN: Final = 0.6180339887
"""Multiples of it, modulo 1, fill [0, 1) evenly: splits get their shares, and each time the same."""


def incumbent(route: str, loaded: LoadedConfig | None) -> Rules | None:
    """What the route chooses for requests, where it has rules of its own; else why not is told."""
    if loaded is None or route not in loaded.config.routes:
        return None
    if not _by_rules(loaded.config.routes[route].policy):
        _say("its policy has a classifier or a cascade: compare classifiers with `turnout models compare`")
        return None
    try:
        parts = build_parts(loaded, SystemClock())
    except TurnoutError as error:
        _say(str(error))
        return None
    found = parts.routes.find(route)
    return None if found is None else lambda rows: _chosen(found, parts, rows)


def _say(why: str) -> None:
    sys.stderr.write(f"The route as it is takes no part in the comparison: {why}\n")


def _by_rules(policy: PolicySpec) -> bool:
    """Whether it chooses one target before the call, and by nothing that was learnt from these labels."""
    if isinstance(policy, ClassifierSpec | CascadeSpec):
        return False
    return all(_by_rules(inner) for _, inner in nested(policy))


def _chosen(route: Route, parts: Parts, rows: Rows) -> Sequence[int | None]:
    return [_first(route, parts, rows, place) for place in range(len(rows))]


def _first(route: Route, parts: Parts, rows: Rows, place: int) -> int | None:
    """The place of the target that would be asked first; None where it is none of those with labels."""
    first = first_asked(route, parts, rows.texts[place], rows.times[place], draw=place * _GOLDEN % 1)
    return rows.names.index(first.target) if first is not None and first.target in rows.names else None


def first_asked(route: Route, parts: Parts, text: str, time: str, *, draw: float = 0.0) -> Candidate | None:
    """Whom a route would ask first for a text at a time (ISO 8601; empty for now); None for nobody."""
    context = Context(
        features=features_of(text, route.lists, language=route.reads_language),
        dialect=DialectName.OPENAI_CHAT,
        caller=Caller(),
        conditions=Conditions(now=datetime.fromisoformat(time) if time else SystemClock().now(), draw=draw),
        targets=parts.targets,
        query=text,
    )
    asked = (step for step in walk(route.policy, context) if isinstance(step, Candidate))
    return next(asked, None)
