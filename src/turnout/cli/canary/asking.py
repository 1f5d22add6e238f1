"""What the options of `turnout canary start` ask for."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Annotated, cast, get_args

import typer

from turnout.config.flags import parse_share
from turnout.config.values import Wrong
from turnout.errors import ConfigError
from turnout.insight.canary.measure import MEASURES
from turnout.types.canary import Canary, Walked
from turnout.types.clock import timestamp
from turnout.types.feedback import Kind
from turnout.types.flag_change import FlagState


@dataclass(frozen=True, kw_only=True)
class Plan:
    """The options that say how a canary grows, and what it is judged by."""

    variant: Annotated[str | None, typer.Option(help="The new side; by default the only one that is not old.")] = None
    route: Annotated[str | None, typer.Option(help="Whose requests are compared; the one that asks for it.")] = None
    steps: Annotated[str, typer.Option(help="The shares that it takes, one after another.")] = "1%,5%,25%,50%"
    tolerate: Annotated[
        list[str] | None,
        typer.Option(help="How much worse is tolerated: cost=5%, latency=10%, errors=1%, quality=3% (of 0 to 1)."),
    ] = None
    quality: Annotated[
        str, typer.Option(help="The evidence that quality is measured by: feedback, outcome, judge, agreement, check.")
    ] = "feedback"
    alpha: Annotated[float, typer.Option(min=0.001, max=0.5, help="How often the verdict may be wrong.")] = 0.05
    enough: Annotated[int, typer.Option(min=1, help="Requests of the variant within a step before the next.")] = 200
    most: Annotated[int, typer.Option(min=100, help="Requests of the variant before it is held, undecided.")] = 50_000


def canary_asked(state: FlagState, plan: Plan) -> Canary:
    """The canary that the options ask for, about to take its first share.

    Raises:
        ConfigError: the flag has several variants or routes to choose from, or is not ours to change.
    """
    if state.elsewhere:
        fix = "Take a flag of `source: turnout`."
        raise ConfigError(f"the flag '{state.name}' is evaluated by your own provider.", fix=fix)
    steps = tuple(sorted({_share(each, "--steps") for each in plan.steps.split(",")}))
    if not 0 < steps[0] <= steps[-1] < 1:
        raise typer.BadParameter("shares above 0 % and below 100 %, like 1%,5%,25%,50%.", param_hint="--steps")
    return Canary(
        flag=state.name,
        variant=_variant(state, plan.variant),
        route=_route(state, plan.route),
        by=state.by,
        steps=steps,
        tolerances=dict(_tolerance(each) for each in plan.tolerate or ()),
        alpha=plan.alpha,
        quality=_kind(plan.quality),
        enough=plan.enough,
        most=plan.most,
        walked=(Walked(timestamp(datetime.now(UTC)), steps[0], "started"),),
    )


def _variant(state: FlagState, given: str | None) -> str:
    others = [each for each in state.variants if each != state.default]
    if given is None and len(others) == 1:
        return others[0]
    if given not in others:
        raise ConfigError(f"which variant of '{state.name}' is new?", fix=f"Write --variant, one of: {_names(others)}.")
    return given


def _route(state: FlagState, given: str | None) -> str:
    if given is None and len(state.used_by) == 1:
        return state.used_by[0]
    if not state.used_by:
        fix = "Write the route's policy as {flag: {name: ..., on: the new policy, off: the old one}}."
        raise ConfigError(f"no route asks for the flag '{state.name}'.", fix=fix)
    if given not in state.used_by:
        fix = f"Write --route, one of: {_names(state.used_by)}."
        raise ConfigError(f"which route's requests are to be compared for '{state.name}'?", fix=fix)
    return given


def _kind(given: str) -> Kind:
    found = next((each for each in get_args(Kind) if each == given), None)
    if found is None:
        raise typer.BadParameter(f"{given!r}: write one of {_names(get_args(Kind))}.", param_hint="--quality")
    return cast("Kind", found)


def _tolerance(given: str) -> tuple[str, float]:
    name, equals, amount = given.partition("=")
    if not equals or name not in MEASURES:
        raise typer.BadParameter(
            f"{given!r}: write one of {_names(tuple(MEASURES))}, like cost=5%.", param_hint="--tolerate"
        )
    tolerance = _share(amount, "--tolerate")
    if not tolerance:
        raise typer.BadParameter(f"{given!r}: nothing is ever certainly no worse at all.", param_hint="--tolerate")
    return name, tolerance


def _share(given: str, option: str) -> float:
    try:
        return parse_share(given)
    except Wrong as wrong:
        raise typer.BadParameter(f"{given!r}: {wrong.problem} {wrong.fix}", param_hint=option) from None


def _names(names: Sequence[str]) -> str:
    return ", ".join(names)
