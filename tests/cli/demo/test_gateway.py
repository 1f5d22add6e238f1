from __future__ import annotations

from pathlib import Path

import aiohttp
import pytest

from turnout.cli.demo.gateway import GatewayFailed, running_gateway

CONFIG = """
providers: {mine: {dialect: openai, base_url: "http://127.0.0.1:1/v1"}}
targets: {only: {provider: mine, model: m}}
"""


async def test_the_gateway_is_ready_within_the_block_and_gone_after_it(tmp_path: Path) -> None:
    (tmp_path / "turnout.yaml").write_text(CONFIG)
    async with aiohttp.ClientSession() as session:
        async with running_gateway(tmp_path / "turnout.yaml", tmp_path) as address:
            answer = await session.get(f"{address}/v1/models")
            assert answer.status == 200
            answer.release()
        with pytest.raises(aiohttp.ClientConnectionError):
            await session.get(f"{address}/v1/models")


async def test_a_gateway_that_does_not_start_says_why(tmp_path: Path) -> None:
    (tmp_path / "turnout.yaml").write_text("targets: {only: {provider: nobody}}")
    with pytest.raises(GatewayFailed, match="unknown provider 'nobody'"):
        async with running_gateway(tmp_path / "turnout.yaml", tmp_path):
            pass
