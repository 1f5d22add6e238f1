"""How long a server is waited for: as long as it takes, and not as long as we do."""

from __future__ import annotations

import asyncio
import time

import pytest

from tests.valkeys import valkey_server
from turnout.state.shared_counters import Answer, Renew
from turnout.state.valkey_client import in_time
from turnout.state.valkey_counters import ValkeyBackend


async def test_who_does_not_answer_is_given_up() -> None:
    with pytest.raises(TimeoutError):
        async with in_time(0.05):
            await asyncio.sleep(60)


async def test_an_answer_that_came_while_we_were_held_up_is_in_time() -> None:
    with valkey_server() as server:
        backend = ValkeyBackend(f"redis://127.0.0.1:{server.port}/0", timeout_s=30)
        await backend.run("us", [Renew()])
        backend._timeout_s = 0.4
        asked = asyncio.create_task(backend.run("us", [Renew()]))
        for _ in range(5):
            await asyncio.sleep(0)
        time.sleep(0.8)
        (answer,) = await asked
        assert isinstance(answer, Answer)
        await backend.close()
