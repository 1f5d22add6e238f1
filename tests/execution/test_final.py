"""The one error that the caller gets, by what was tried."""

from __future__ import annotations

import msgspec
import pytest

from tests.wiring import ANTHROPIC, OPENAI, Wired, endpoint, request, wire
from turnout.errors import NoCapableTarget, RequestFailed, ServingError, UpstreamBusy, UpstreamFailed, UpstreamRejected
from turnout.execution.breaker import BreakerSettings
from turnout.testing import Said, ScriptedProvider
from turnout.types.dialect import Need
from turnout.types.failure import FailureKind

LOST = FailureKind.CONNECTION_LOST


def refused(status: int, code: str | None = None, retry_after: str | None = None) -> Said:
    body = msgspec.json.encode(
        {"error": {"message": f"said {status}", "type": "some_error", "code": code, "param": None}}
    )
    return Said(status=status, chunks=[body], headers={"retry-after": retry_after} if retry_after else {})


def wired_to(*scripts: list[Said | FailureKind]) -> Wired:
    providers = [ScriptedProvider(OPENAI, *script) for script in scripts]
    return wire(
        *(endpoint(f"target-{number}", provider, OPENAI) for number, provider in enumerate(providers)),
        settings=BreakerSettings(consecutive=100),
    )


async def error_of(*scripts: list[Said | FailureKind]) -> ServingError:
    wired = wired_to(*scripts)
    with pytest.raises(ServingError) as caught:
        await wired.router.handle(request())
    assert caught.value.decision_id == wired.decision.id
    assert wired.decision.error == caught.value.kind
    return caught.value


@pytest.mark.parametrize("status", [400, 404, 413, 422])
async def test_the_provider_s_refusal_of_the_request_is_passed_on(status: int) -> None:
    error = await error_of([refused(status)], [])
    assert isinstance(error, UpstreamRejected)
    assert error.failure.status == status
    assert error.message == f"said {status}"
    assert not error.retryable


@pytest.mark.parametrize("status", [401, 403])
async def test_our_own_bad_key_is_never_shown_as_the_caller_s(status: int) -> None:
    error = await error_of([refused(status)], [refused(status)])
    assert isinstance(error, UpstreamFailed)
    assert error.status == 502
    assert not error.retryable
    tried = f"target-0 (authentication {status}), target-1 (authentication {status})"
    assert error.message == f"No provider gave a complete answer. Tried: {tried}."


async def test_who_could_have_answered_but_for_the_request_is_named_beside_those_who_failed() -> None:
    able, unable = ScriptedProvider(OPENAI, refused(500), refused(500)), ScriptedProvider(ANTHROPIC)
    wired = wire(endpoint("able", able, OPENAI), endpoint("unable", unable, ANTHROPIC, lacks={Need.SEED}))
    asked = request()
    asked.body["seed"] = 7
    with pytest.raises(UpstreamFailed, match=r"Tried: able .*\. Not asked: unable \(lacks_seed\)\.$"):
        await wired.router.handle(asked)


async def test_when_all_are_busy_the_soonest_of_them_tells_when_to_come_back() -> None:
    error = await error_of([refused(429, retry_after="30")], [refused(529, retry_after="20")])
    assert isinstance(error, UpstreamBusy)
    assert error.retryable
    assert error.retry_after_s == 20


async def test_an_exhausted_quota_passes_by_no_waiting() -> None:
    error = await error_of([refused(429, "insufficient_quota")], [refused(429, "insufficient_quota")])
    assert isinstance(error, UpstreamFailed)
    assert not error.retryable


async def test_one_that_is_broken_among_the_busy_makes_a_failure() -> None:
    error = await error_of([refused(429)], [LOST, LOST])
    assert type(error) is UpstreamFailed
    assert [failure.kind for failure in error.failures] == ["rate_limited", "connection_lost", "connection_lost"]


async def test_a_prompt_too_long_for_all_is_the_caller_s_to_shorten() -> None:
    error = await error_of([refused(400, "context_length_exceeded")], [])
    assert isinstance(error, UpstreamRejected)
    assert error.failure.kind is FailureKind.CONTEXT_LENGTH


async def test_targets_that_rest_are_said_to_rest() -> None:
    provider = ScriptedProvider(OPENAI, Said(hangs=True))
    wired = wire(endpoint("only", provider, OPENAI), settings=BreakerSettings(consecutive=1))
    permit = wired.breakers["only"].admit()
    assert permit is not None
    permit.failed("server_error")
    probe = wired.breakers["only"].admit(last_resort=True)
    assert probe is not None, "somebody else's probe is under way"
    with pytest.raises(UpstreamBusy, match="resting after failures"):
        await wired.router.handle(request())


async def test_targets_that_cannot_are_said_to_be_unable() -> None:
    wired = wire(endpoint("only", ScriptedProvider(OPENAI), OPENAI, context_tokens=1))
    with pytest.raises(NoCapableTarget, match="context_too_small"):
        await wired.router.handle(request())
    assert wired.decision.outcome == "refused"
    assert wired.ledger.intents == []


@pytest.mark.parametrize("script", [[refused(500), refused(500)], [LOST, LOST]])
async def test_no_message_names_a_key_or_an_address(script: list[Said | FailureKind]) -> None:
    wired = wired_to(script)
    with pytest.raises(RequestFailed) as caught:
        await wired.router.handle(request())
    assert "key-of" not in caught.value.message
    assert "http" not in caught.value.message
