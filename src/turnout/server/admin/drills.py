"""Outage drills by `/admin`: what can be taken away, what is, and the switch."""

from __future__ import annotations

from datetime import timedelta
from typing import Annotated

import msgspec

from turnout.config.build import ConfiguredRouter
from turnout.config.drilling import DrillSwitch
from turnout.errors import InvalidRequest
from turnout.ledger.ids import new_decision_id
from turnout.policy.dependence import depends_on
from turnout.providers.endpoint import Endpoint
from turnout.server.admin.access import Role
from turnout.server.admin.operation import Answered, Asked, Operation
from turnout.types.clock import Clock, timestamp
from turnout.types.drill import MAX_SECONDS, Drill, Drillable, DrillMode


class DrillPlan(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A drill that is asked for.

    Attributes:
        target: a target's name, or a provider's for all of its targets.
        mode: what they seem to suffer from.
        share: of the calls to them, which part is taken away.
        seconds: how long it lasts.
        force: begin even where a route has no other target, and its callers would get errors.
    """

    target: str
    mode: DrillMode
    share: Annotated[float, msgspec.Meta(gt=0, le=1)] = 1.0
    seconds: Annotated[float, msgspec.Meta(gt=0, le=MAX_SECONDS)] = 60.0
    force: bool = False


class DrillState(msgspec.Struct, frozen=True, kw_only=True):
    """The drill that is under way, or has just been ended; null where there is none."""

    drill: Drill | None


class Drills:
    """The operations.

    Args:
        router: whose targets.
        switch: begins and ends.
        clock: for times.
    """

    def __init__(self, router: ConfiguredRouter, switch: DrillSwitch, clock: Clock) -> None:
        self._router = router
        self._switch = switch
        self._clock = clock

    def operations(self) -> list[Operation]:
        """What can be asked."""
        return [
            Operation(
                method="GET",
                path="/admin/targets",
                needs=Role.VIEWER,
                summary="Every target, and the routes that have no other.",
                answer=self._targets,
                gives=list[Drillable],
            ),
            Operation(
                method="GET",
                path="/admin/drill",
                needs=Role.VIEWER,
                summary="The outage drill that is under way.",
                answer=self._show,
                gives=DrillState,
            ),
            Operation(
                method="POST",
                path="/admin/drill",
                needs=Role.ADMIN,
                summary="Begin an outage drill: take a target away. It ends by itself.",
                answer=self._begin,
                takes=DrillPlan,
                gives=DrillState,
                refuses={
                    404: "There is no such target or provider.",
                    409: "Another drill is under way, or a route has no other target.",
                },
            ),
            Operation(
                method="DELETE",
                path="/admin/drill",
                needs=Role.ADMIN,
                summary="End the outage drill that is under way.",
                answer=self._end,
                gives=DrillState,
            ),
        ]

    async def _targets(self, _: Asked) -> Answered:
        return Answered(body=self._all())

    async def _show(self, _: Asked) -> Answered:
        return Answered(body=DrillState(drill=self._switch.read()))

    async def _begin(self, asked: Asked) -> Answered:
        plan: DrillPlan = asked.body
        taken = self._named(plan.target)
        alone = self._alone(set(taken))
        if alone and not plan.force:
            raise _refusal(
                409,
                f"Requests to {', '.join(alone)} would have nobody left to answer them, and get errors. "
                "Give every branch another target, or begin the drill with `force`.",
            )
        now = self._clock.now()
        drill = Drill(
            id=new_decision_id(now),
            targets=taken,
            mode=plan.mode,
            share=plan.share,
            began=timestamp(now),
            until=timestamp(now + timedelta(seconds=plan.seconds)),
            seconds=plan.seconds,
        )
        running = self._switch.begin(drill)
        if running is not None:
            names = ", ".join(running.targets)
            raise _refusal(409, f"A drill of {names} is under way until {running.until}. End it first.")
        return Answered(body=DrillState(drill=drill))

    async def _end(self, _: Asked) -> Answered:
        return Answered(body=DrillState(drill=self._switch.end()))

    def _all(self) -> list[Drillable]:
        return [self._drillable(endpoint) for endpoint in self._router.parts.endpoints.values()]

    def _drillable(self, endpoint: Endpoint) -> Drillable:
        target = endpoint.target
        return Drillable(
            name=target.name,
            provider=target.provider,
            model=target.model,
            price=endpoint.price(target.model or "", self._clock.now()),
            alone=self._alone({target.name}),
        )

    def _named(self, name: str) -> tuple[str, ...]:
        targets = self._router.parts.targets
        found = (name,) if name in targets else tuple(each for each in targets if targets[each].provider == name)
        if not found:
            known = ", ".join(sorted({*targets, *(target.provider for target in targets.values())}))
            raise _refusal(404, f"There is no target or provider '{name}'. There are: {known}.")
        return found

    def _alone(self, targets: set[str]) -> tuple[str, ...]:
        """The routes of which some request would fail without these targets."""
        routes = {name: self._router.parts.routes.find(name) for name in self._router.loaded.config.routes}
        return tuple(name for name, route in routes.items() if route and depends_on(route.policy, targets))


def _refusal(status: int, message: str) -> InvalidRequest:
    refused = InvalidRequest(message, param="target")
    refused.status = status
    return refused
