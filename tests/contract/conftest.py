"""Every implementation of the transport contract."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest

from turnout.providers.aiohttp_transport import AiohttpTransport
from turnout.providers.transport import Transport


@pytest.fixture(params=[AiohttpTransport])
async def transport(request: pytest.FixtureRequest) -> AsyncIterator[Transport]:
    made: Transport = request.param()
    yield made
    await made.close()
