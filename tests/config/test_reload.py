"""Another configuration takes effect whole or not at all, and no request notices."""

from __future__ import annotations

import asyncio
import logging
import os
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.waiting import until
from turnout.config.build import ConfiguredRouter
from turnout.config.load import LoadedConfig
from turnout.config.reload import Reloader, reloading
from turnout.errors import ConfigError, UnknownRoute
from turnout.testing import FaultProvider
from turnout.types.clock import SystemClock
from turnout.types.conditions import BreakerState

HELLO = [{"role": "user", "content": "Hi"}]
CONFIG = """
providers:
  one: {{dialect: openai, base_url: "{one.openai_base_url}"}}
  two: {{dialect: openai, base_url: "{two.openai_base_url}"}}
targets:
  first:  {{provider: one, model: first}}
  second: {{provider: two, model: second}}
routes:
  ask: {{policy: [{ask}], lists: {{words: {{file: words.txt}}}}}}
"""
WITHOUT_TWO = """
providers: {{one: {{dialect: openai, base_url: "{one.openai_base_url}"}}}}
targets: {{first: {{provider: one, model: first}}}}
routes: {{ask: {{policy: first}}}}
"""


@dataclass
class Setting:
    """A router whose configuration is about to change."""

    router: ConfiguredRouter
    reloader: Reloader
    file: Path
    one: FaultProvider
    two: FaultProvider
    refused: set[str]

    def write(self, text: str, **fields: str) -> None:
        self.file.write_text(text.format(one=self.one, two=self.two, **fields))

    async def asked(self) -> str:
        return (await self.router.chat(route="ask", messages=HELLO)).decision.target or ""


@asynccontextmanager
async def setting(directory: Path) -> AsyncIterator[Setting]:
    file, refused = directory / "turnout.yaml", set[str]()
    (directory / "words.txt").write_text("refund\n")

    def accept(loaded: LoadedConfig) -> None:
        if refused & loaded.config.routes.keys():
            raise ConfigError("this one is not wanted.")

    async with FaultProvider() as one, FaultProvider() as two:
        file.write_text(CONFIG.format(one=one, two=two, ask="first"))
        async with (
            ConfiguredRouter.from_config(file, data=directory / "data") as router,
            reloading(router, SystemClock(), accept) as reloader,
        ):
            yield Setting(router, reloader, file, one, two, refused)


async def test_a_changed_file_takes_effect_by_itself(tmp_path: Path) -> None:
    async with setting(tmp_path) as at:
        assert await at.asked() == "first"
        before = at.reloader.in_effect
        at.write(CONFIG, ask="second")
        await until(lambda: at.reloader.in_effect.version != before.version)
        assert await at.asked() == "second"
        assert at.reloader.in_effect.loaded_at > before.loaded_at
        assert at.reloader.in_effect.error is None


async def test_a_changed_phrase_list_takes_effect_by_itself(tmp_path: Path) -> None:
    async with setting(tmp_path) as at:
        before = at.reloader.in_effect.version
        (tmp_path / "words.txt").write_text("refund\nchargeback\n")
        await until(lambda: at.reloader.in_effect.version != before)
        asked = at.router.explain(route="ask", messages=[{"role": "user", "content": "a chargeback"}])
        assert asked.features.matches == {"words": "chargeback"}


async def test_what_cannot_be_used_is_refused_whole_and_says_why(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    async with setting(tmp_path) as at:
        before, parts = at.reloader.in_effect, at.router.parts
        at.write(CONFIG, ask="secnd")
        assert not await at.reloader.reload()
        assert not await at.reloader.reload()
        after = at.reloader.in_effect
        assert (after.version, after.loaded_at) == (before.version, before.loaded_at)
        assert "Did you mean 'second'?" in (after.error or "")
        assert at.router.parts is parts
        assert await at.asked() == "first"
        assert len([each for each in caplog.records if "secnd" in each.getMessage()]) == 1, "it is said once"
        at.write(CONFIG, ask="first")
        assert await at.reloader.reload()
        assert at.reloader.in_effect.error is None


async def test_a_file_that_was_refused_takes_effect_once_what_it_lacked_is_there(tmp_path: Path) -> None:
    async with setting(tmp_path) as at:
        before = at.reloader.in_effect.version
        at.write(CONFIG.replace("words.txt", "others.txt"), ask="second")
        await until(lambda: at.reloader.in_effect.error is not None)
        (tmp_path / "others.txt").write_text("refund\n")
        await until(lambda: at.reloader.in_effect.version != before)
        assert at.reloader.in_effect.error is None


async def test_whoever_accepts_may_refuse(tmp_path: Path) -> None:
    async with setting(tmp_path) as at:
        at.refused.add("ask")
        at.write(CONFIG, ask="second")
        assert not await at.reloader.reload()
        assert at.reloader.in_effect.error == "this one is not wanted."
        assert await at.asked() == "first"


async def test_with_reload_off_only_a_signal_changes_it(tmp_path: Path) -> None:
    async with setting(tmp_path) as at:
        at.write(CONFIG + "server: {{reload: false}}\n", ask="first")
        assert await at.reloader.reload()
        before = at.reloader.in_effect.version
        at.write(CONFIG + "server: {{reload: false}}\n", ask="second")
        await asyncio.sleep(1.5)
        assert at.reloader.in_effect.version == before
        assert await at.reloader.reload()
        assert at.reloader.in_effect.version != before


async def test_a_stream_whose_target_is_removed_finishes_and_its_connections_are_closed_after_it(
    tmp_path: Path,
) -> None:
    async with setting(tmp_path) as at:
        at.write(CONFIG, ask="second")
        assert await at.reloader.reload()
        at.two.use("tokens(60)+drip(50)")  # three seconds
        async with await at.router.stream(route="ask", messages=HELLO) as stream:
            chunks = aiter(stream)
            await anext(chunks)
            at.write(WITHOUT_TWO)
            assert await at.reloader.reload()
            assert "second" not in at.router.parts.targets
            await asyncio.sleep(1.5)  # a look at what is unused falls into the stream
            finishes = [chunk["choices"][0]["finish_reason"] async for chunk in chunks if chunk["choices"]]
        assert finishes[-1] == "stop"
        await until(lambda: at.two.open_connections == 0)
        assert await at.asked() == "first"
        with pytest.raises(UnknownRoute):
            await at.router.chat(route="second", messages=HELLO)


async def test_connections_and_breakers_of_what_has_not_changed_are_carried_over(tmp_path: Path) -> None:
    async with setting(tmp_path) as at:
        await at.asked()
        before = at.router.parts
        for name in ("first", "second"):
            for _ in range(5):
                permit = before.breakers[name].admit()
                assert permit is not None
                permit.failed("it was down")
        text = at.file.read_text().replace("model: second", "model: another")
        at.file.write_text(text)
        assert await at.reloader.reload()
        after = at.router.parts
        assert after is not before
        assert after.transports == before.transports
        assert after.breakers["first"] is before.breakers["first"]
        assert after.breakers.not_closed() == {"first": BreakerState.OPEN}, "the changed one starts anew"
        probe = after.breakers["first"].admit(last_resort=True)
        assert probe is not None
        probe.succeeded()
        assert after.breakers.not_closed() == {}
        connections = at.one.open_connections
        await at.asked()
        assert at.one.open_connections == connections == 1


async def test_breakers_beside_the_traffic_and_lines_at_budgets_are_carried_over_too(tmp_path: Path) -> None:
    async with setting(tmp_path) as at:
        shadowed = CONFIG.replace(
            "routes:\n  ask: {{", "routes:\n  ask: {{shadow: {{share: 5%, to: [second], daily_usd: 1}}, "
        )
        at.write(shadowed + "budgets: [{{usd: 1}}]\n", ask="first")
        assert await at.reloader.reload()
        before, budgets = at.router.parts.beside, at.router.budgets
        assert before is not None
        assert budgets is not None
        at.file.write_text(at.file.read_text().replace("usd: 1", "usd: 2"))
        assert await at.reloader.reload()
        after = at.router.parts.beside
        assert after is not None
        assert after is not before
        assert after.breakers["second"] is before.breakers["second"]
        assert at.router.budgets is not None
        assert at.router.budgets is not budgets
        assert at.router.budgets._lines is budgets._lines


async def test_a_rotated_key_takes_effect_though_the_version_has_no_secret_in_it(tmp_path: Path) -> None:
    async with setting(tmp_path) as at:
        text = at.file.read_text()
        for key in ("old-key", "new-key"):
            at.file.write_text(text.replace('"}', f'", api_key: {key}}}'))
            assert await at.reloader.reload()
            await at.asked()
            assert at.one.requests[-1].headers["authorization"] == f"Bearer {key}"


async def test_what_takes_a_restart_is_said(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.WARNING)
    async with setting(tmp_path) as at:
        at.write(CONFIG + "server: {{host: localhost, port: 9999}}\nledger: {{directory: elsewhere}}\n", ask="first")
        assert await at.reloader.reload()
    said = [record.getMessage() for record in caplog.records]
    for name in ("server.host", "server.port", "ledger.directory"):
        assert f"{name} has changed, which takes a restart" in said


async def test_a_file_that_is_replaced_with_an_older_one_is_noticed(tmp_path: Path) -> None:
    async with setting(tmp_path) as at:
        before = at.reloader.in_effect.version
        other = tmp_path / "other.yaml"
        other.write_text(at.file.read_text().replace("[first]", "[second]"))
        os.utime(other, (time.time() - 3600,) * 2)
        other.replace(at.file)
        await until(lambda: at.reloader.in_effect.version != before)


async def test_what_was_learnt_of_how_much_a_provider_takes_is_carried_over(tmp_path: Path) -> None:
    """And the limit of a provider that is called or limited otherwise begins anew."""
    async with setting(tmp_path) as at:
        text = at.file.read_text()
        limiters = []
        for most in ("8", "8 ", "9"):
            at.file.write_text(text.replace("dialect: openai", f"concurrency: {{max: {most}}}, dialect: openai"))
            assert await at.reloader.reload()
            limiters.append(next(iter(at.router.parts.executor.limiters.values())))
        assert limiters[0] is limiters[1]
        assert limiters[2] is not limiters[0]
        assert [limiter.limit for limiter in limiters] == [8, 8, 9]


async def test_a_defect_while_following_the_file_is_told_and_spoils_no_ending(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    def defective(loaded: LoadedConfig) -> None:
        raise ArithmeticError

    file = tmp_path / "turnout.yaml"
    async with FaultProvider() as one:
        file.write_text(WITHOUT_TWO.format(one=one))
        async with (
            ConfiguredRouter.from_config(file, data=tmp_path / "data") as router,
            reloading(router, SystemClock(), defective),
        ):
            file.write_text(WITHOUT_TWO.format(one=one).replace("ask", "other"))
            await until(lambda: "SIGHUP still reads it" in caplog.text)
            assert (await router.chat(route="ask", messages=HELLO)).decision.target == "first"
