"""A thing to be done once, whoever of several processes does it."""

from __future__ import annotations

import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import closing
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from turnout.state.claims import LEASE_S, Claim, Claims, Taken
from turnout.state.database import Unavailable
from turnout.testing import FrozenClock

ONE = Claim("tenant", b"key", b"asked", "first")
AGAIN = Claim("tenant", b"key", b"asked", "second")


@pytest.fixture
def clock() -> FrozenClock:
    return FrozenClock()


@pytest.fixture
def workers(tmp_path: Path, clock: FrozenClock) -> Iterator[tuple[Claims, Claims]]:
    file = tmp_path / "state.sqlite"
    with closing(Claims(file, 10_000, clock)) as one, closing(Claims(file, 10_000, clock)) as other:
        yield one, other


async def take(claims: Claims, claim: Claim) -> Taken | None:
    """Take it, however busy the machine is."""
    while True:
        try:
            return await claims.take(claim)
        except Unavailable:
            continue


async def test_only_one_process_gets_a_claim_and_the_other_is_told_the_result(
    workers: tuple[Claims, Claims],
) -> None:
    one, other = workers
    assert await take(one, ONE) is None
    assert await take(other, AGAIN) == Taken(same=True, result=None)
    assert await take(other, replace(AGAIN, asked=b"else")) == Taken(same=False, result=None)
    assert await take(other, replace(AGAIN, tenant="another")) is None
    one.settle(ONE, b"result", 60)
    while (told := await take(other, AGAIN)) == Taken(same=True, result=None):
        pass
    assert told == Taken(same=True, result=b"result")


async def test_what_was_released_may_be_claimed_again_and_a_result_is_not_released(
    workers: tuple[Claims, Claims], clock: FrozenClock
) -> None:
    one, _ = workers
    assert await take(one, ONE) is None
    one.release(AGAIN)  # not theirs
    assert await take(one, AGAIN) == Taken(same=True, result=None)
    one.release(ONE)
    assert await take(one, AGAIN) is None
    one.settle(AGAIN, b"result", 60)
    one.release(AGAIN)
    assert await take(one, ONE) == Taken(same=True, result=b"result")
    clock.advance(60)
    assert await take(one, ONE) is None


async def test_the_claim_of_a_dead_process_expires_and_that_of_a_living_one_is_renewed(
    workers: tuple[Claims, Claims], clock: FrozenClock
) -> None:
    one, other = workers
    assert await take(one, ONE) is None
    clock.advance(LEASE_S - 1)
    one.renew(ONE)
    assert await take(one, AGAIN) == Taken(same=True, result=None)  # written in order, so renewed by now
    clock.advance(LEASE_S - 1)
    assert await take(other, AGAIN) == Taken(same=True, result=None)
    clock.advance(1)
    assert await take(other, AGAIN) is None
    one.settle(ONE, b"late", 60)  # too late: the claim is another's by now
    assert await take(one, ONE) == Taken(same=True, result=None)


async def test_results_are_bounded_and_those_that_expire_first_go_first(workers: tuple[Claims, Claims]) -> None:
    one, _ = workers
    for number in range(12):
        claim = Claim("tenant", bytes([number]), b"asked", "first")
        assert await take(one, claim) is None
        one.settle(claim, b"x" * 1000, 60 + number)
    assert await take(one, Claim("tenant", bytes([11]), b"asked", "x")) == Taken(same=True, result=b"x" * 1000)
    assert await take(one, Claim("tenant", bytes([0]), b"asked", "x")) is None


async def test_a_file_that_is_no_database_is_unavailable(tmp_path: Path, clock: FrozenClock) -> None:
    file = tmp_path / "state.sqlite"
    file.write_bytes(b"this is not a database" * 100)
    with closing(Claims(file, 10_000, clock)) as claims:
        for _ in range(2):
            with pytest.raises(Unavailable):
                await claims.take(ONE)


async def test_a_claim_of_a_process_that_was_killed_is_free_once_its_lease_is_over(tmp_path: Path) -> None:
    file = tmp_path / "state.sqlite"
    died = subprocess.run([sys.executable, "-c", DYING, str(file)], check=False, timeout=60)
    assert died.returncode == -signal.SIGKILL
    for later, expected in ((LEASE_S - 10, Taken(same=True, result=None)), (LEASE_S + 10, None)):
        clock = FrozenClock(now=datetime.now(UTC) + timedelta(seconds=later))
        with closing(Claims(file, 10_000, clock)) as claims:
            assert await take(claims, AGAIN) == expected


DYING = """
import asyncio, os, signal, sys
from pathlib import Path
from turnout.state.claims import Claim, Claims
from turnout.types.clock import SystemClock

claims = Claims(Path(sys.argv[1]), 10_000, SystemClock())
assert asyncio.run(claims.take(Claim("tenant", b"key", b"asked", "first"))) is None
os.kill(os.getpid(), signal.SIGKILL)
"""
