"""The record of a request in which chance had a part says how probable everything was that might have been called."""

from __future__ import annotations

from dataclasses import replace

import msgspec
import pytest

from tests.wiring import OPENAI, OneRoute, endpoint, listen, request, wire
from turnout.ledger.entry import decode_decision, encode_decision
from turnout.policy.explore import Explore
from turnout.policy.fallback import Fallback
from turnout.policy.filters import Filters
from turnout.policy.single import Single
from turnout.testing import ScriptedProvider
from turnout.types.candidate import Candidate
from turnout.types.failure import FailureKind


def single(name: str, reason: str, *, more: bool = False) -> Single:
    return Single(Candidate(target=name, reason=reason, more=more))


@pytest.mark.parametrize("fails", [False, True])
async def test_the_propensity_is_that_of_what_was_called_first(*, fails: bool) -> None:
    other = ScriptedProvider(OPENAI, *([FailureKind.SERVER_ERROR] * 8 if fails else ["Hi."]))
    wired = wire(endpoint("usual", ScriptedProvider(OPENAI, "Hi."), OPENAI), endpoint("other", other, OPENAI))
    routes = wired.router.parts.routes
    assert isinstance(routes, OneRoute)
    usual = Fallback((single("usual", "primary"),))
    explore = Explore(0.9999999, [single("other", "explore", more=True)], usual, "explore")
    routes.route = replace(routes.route, policy=Filters(explore))
    reply = await wired.router.handle(request())
    await listen(reply, OPENAI)
    decision = decode_decision(msgspec.Raw(encode_decision(wired.decision)))  # as the ledger has it
    assert decision.target == ("usual" if fails else "other")
    assert decision.propensity == pytest.approx(0.9999999)
    assert decision.conditions["chances"] == {
        "first": "other",
        "of": {"other": pytest.approx(0.9999999), "usual": pytest.approx(1e-7)},
    }
