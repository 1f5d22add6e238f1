"""How many tokens a request has, as the target would count them that it would go to first.

No model is asked, so there is no decision to record, and nothing to pay: it counts against limits of requests alone.
"""

from __future__ import annotations

from typing import Final

from turnout.errors import UpstreamRejected
from turnout.execution.counting import count_there, refused
from turnout.execution.final import final_error
from turnout.execution.work import Work
from turnout.policy.base import Context
from turnout.policy.route import Route
from turnout.policy.walk import walk
from turnout.router.admitted import Admitted
from turnout.types.candidate import Candidate, Dropped
from turnout.types.reply import Reply, header_value
from turnout.wire.anthropic_messages.counting import encode_count

_OTHER_DIALECT: Final = "other_dialect"
_TOO_LONG: Final = "context_too_small"


async def count(admitted: Admitted, route: Route, context: Context, work: Work) -> Reply:
    """Count, where the target's provider does so itself; else, or where that fails, estimate.

    Raises:
        RequestFailed: no target can serve the request, or the provider refuses it.
    """
    endpoint = admitted.parts.endpoints[_first(route, context, work)]
    name, why = endpoint.target.name, _OTHER_DIALECT
    counting = endpoint.counting(admitted.request.dialect)
    if counting is not None:
        told = await count_there(work, counting)
        if isinstance(told, bytes):
            return _reply(admitted, route, name, told, [("x-turnout-count", "provider")])
        if refused(told):
            raise UpstreamRejected(told.message, failures=(told,))
        why = told.kind
    said = [
        ("x-turnout-count", "estimate"),
        ("x-turnout-count-reason", why),
        ("x-turnout-count-ratio", f"{work.estimator.ratio(name):.3f}"),
    ]
    return _reply(admitted, route, name, encode_count(work.tokens_at(name)), said)


def _first(route: Route, context: Context, work: Work) -> str:
    """The target that would be called first.

    A request that is too long for every one is counted all the same: who asks how long it is means to shorten it.
    """
    steps = walk(route.policy, context)
    for step in steps:
        if isinstance(step, Candidate) and step.purpose == "answer" and step.ask is None:
            return step.target
    work.trace.dropped = [step for step in steps if isinstance(step, Dropped)]
    for drop in work.trace.dropped:
        if drop.reason == _TOO_LONG:
            return drop.target
    error = final_error(work)
    error.decision_id = None  # there is no record of it
    raise error


def _reply(admitted: Admitted, route: Route, target: str, body: bytes, said: list[tuple[str, str]]) -> Reply:
    headers = [
        ("content-type", "application/json"),
        ("x-request-id", admitted.id),
        ("request-id", admitted.id),
        ("x-turnout-route", header_value(route.name)),
        ("x-turnout-target", header_value(target)),
        *said,
        *admitted.standing,
    ]
    return Reply(200, headers, body=body)
