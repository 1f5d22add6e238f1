"""Memory: readers who do not read, answers that are too large, and hours of trouble leave a gateway as it was.

The short forms run with every other test; the long one, `SOAK_MINUTES` of it, prints its figures.
"""

from __future__ import annotations

import asyncio
import os
import random
import statistics
import time
from pathlib import Path
from typing import Final

import pytest

from tests.chaos.test_crowds import Told, ask, configured, crowd, descriptors, request, resident_kb, traffic
from tests.processes import GatewayProcess, gateway_process
from tests.waiting import until
from turnout.testing import HostedFaultProvider, running_fault_provider

MINUTES: Final = float(os.environ.get("SOAK_MINUTES", "3"))
TROUBLE: Final = (
    "status(500)",
    "rst_after_request",
    "eof_after(4)",
    "sse_error_at(3)",
    "json_error_200",
    "html_200",
    "gzip",
    "bad_json_at(2)",
    "slice",
    "big_event(1)",
)


async def unread(gateway: GatewayProcess, provider: HostedFaultProvider, readers: int) -> tuple[int, int]:
    """Readers who take nothing of a long stream: KB that the gateway grew by for each, and who is still served."""
    provider.use("tokens(40000)")
    before = resident_kb(gateway.child.pid)
    async with crowd(gateway.port, readers, request(stream=True)):
        await until(lambda: len(provider.requests) >= readers, 120)
        await asyncio.sleep(1.5)
        grown = resident_kb(gateway.child.pid) - before
        provider.use(None)
        told = Told()
        await ask(gateway.port, told)
    return grown // readers, len(told.served_ms)


def test_a_reader_who_does_not_read_stalls_the_provider_and_nobody_else(tmp_path: Path) -> None:
    """Each is owed 8 MB in small events. A stream may hold 256 KB; what the kernel holds for its sockets is its own."""
    with running_fault_provider() as provider, gateway_process(configured(provider), tmp_path) as gateway:
        grown, served = asyncio.run(unread(gateway, provider, 20))
    assert served == 1
    assert grown < 1_000, f"{grown} KB for each reader"


def test_large_events_and_large_requests_leave_the_loop_to_the_others(tmp_path: Path) -> None:
    async def largely(gateway: GatewayProcess, provider: HostedFaultProvider) -> list[float]:
        provider.use("big_event(8)")
        big = asyncio.create_task(ask(gateway.port, Told()))
        waits: list[float] = []
        while not big.done() or len(waits) < 20:
            began = time.perf_counter()
            await asyncio.to_thread(gateway.ready)
            waits.append(time.perf_counter() - began)
        return waits

    with running_fault_provider() as provider, gateway_process(configured(provider), tmp_path) as gateway:
        waits = asyncio.run(largely(gateway, provider))
    assert statistics.median(waits) < 1.0


async def soak(gateway: GatewayProcess, provider: HostedFaultProvider, minutes: float) -> list[int]:
    """Traffic while something else goes wrong every second; the gateway's memory in KB, second by second."""
    draw = random.Random(1)
    sizes = []
    end = time.monotonic() + minutes * 60
    while time.monotonic() < end:
        provider.use(draw.choice(TROUBLE), share=0.5)
        await traffic(gateway.port, rate=50, seconds=1)
        sizes.append(resident_kb(gateway.child.pid))
    return sizes


def soaked(tmp_path: Path, minutes: float) -> tuple[list[int], int]:
    """Memory through the time, and by how many descriptors there are more at its end."""
    with running_fault_provider() as provider, gateway_process(configured(provider), tmp_path) as gateway:
        asyncio.run(soak(gateway, provider, 1 / 30))  # warm
        before = descriptors(gateway.child.pid)
        sizes = asyncio.run(soak(gateway, provider, minutes))
        provider.use(None)
        asyncio.run(until(lambda: descriptors(gateway.child.pid) <= before + 10))
        return sizes, descriptors(gateway.child.pid) - before


def test_trouble_of_every_kind_leaves_no_descriptor_open_and_little_memory(tmp_path: Path) -> None:
    sizes, descriptors_left = soaked(tmp_path, 1 / 15)
    assert descriptors_left <= 10
    assert max(sizes) < 512_000


@pytest.mark.slow
@pytest.mark.timeout(3_600)
def test_a_soak_in_trouble_stays_under_its_ceiling(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    sizes, descriptors_left = soaked(tmp_path, MINUTES)
    third = len(sizes) // 3
    middle, last = statistics.median(sizes[third : 2 * third]), statistics.median(sizes[2 * third :])
    with capsys.disabled():
        print(  # noqa: T201 - what it is run for
            f"\n{MINUTES:g} minutes at 50 requests/s: {middle / 1024:.1f} MB in the second third, "
            f"{last / 1024:.1f} MB in the last, {max(sizes) / 1024:.1f} MB at most; {descriptors_left} more descriptors"
        )
    assert max(sizes) < 512_000
    assert last < middle * 1.05
    assert descriptors_left <= 10
