"""A provider of one's own behind OpenFeature: made from the configuration, asked for each request, believed or not."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from openfeature import api
from openfeature.evaluation_context import EvaluationContext
from openfeature.exception import ErrorCode
from openfeature.flag_evaluation import FlagResolutionDetails, Reason
from openfeature.provider.in_memory_provider import InMemoryFlag, InMemoryProvider

from tests.config.configs import BASE, ENV
from tests.waiting import until
from turnout.config.build import ConfiguredRouter
from turnout.config.flags import OpenFeatureConfig
from turnout.config.openfeature import evaluator
from turnout.errors import ConfigError, MissingExtra
from turnout.policy.explain import Explanation
from turnout.state.flag_source import Said
from turnout.types.flag import Flag
from turnout.types.request import Caller

PLAIN = Flag(name="cheap", elsewhere=True)
STYLES = Flag(name="style", variants=("control", "terse"), default="control", elsewhere=True)


def for_acme(_: Any, context: EvaluationContext) -> FlagResolutionDetails[bool]:
    """As a team's targeting would: on for one tenant, and for whom it is asked is in the context."""
    on = context.attributes.get("tenant") == "acme" and context.targeting_key in {"ann", "acme"}
    return FlagResolutionDetails(value=on, reason=Reason.TARGETING_MATCH, variant="on" if on else "off")


def make(*, style: str = "terse") -> InMemoryProvider:
    """What a configuration names as `module:name`."""
    return InMemoryProvider(
        {
            "cheap": InMemoryFlag("off", {"off": False, "on": True}, context_evaluator=for_acme),
            "style": InMemoryFlag(style, {style: style}),
        }
    )


@pytest.fixture(autouse=True)
def nobody_else() -> Iterator[None]:
    yield
    api.shutdown()


HERE = f"{__name__}:make"


def test_a_provider_is_made_from_the_configuration_and_told_who_asks() -> None:
    ask = evaluator(OpenFeatureConfig(provider=HERE, options={"style": "terse"}))
    asyncio.run(until(lambda: ask(STYLES, Caller()) == Said("terse", "provider")))
    assert ask(PLAIN, Caller(user="ann", tenant="acme")) == Said("on", "provider")
    assert ask(PLAIN, Caller(user="bob", tenant="acme")) == Said("off", "provider")
    assert ask(PLAIN, Caller(tenant="acme")) == Said("on", "provider")
    missing = Flag(name="nobody-knows", elsewhere=True)
    assert ask(missing, Caller()) == Said(None, f"provider_{ErrorCode.FLAG_NOT_FOUND.value.lower()}")


def test_without_a_name_it_is_the_provider_that_the_program_has_given_openfeature() -> None:
    api.set_provider_and_wait(make(style="long"))
    ask = evaluator(OpenFeatureConfig())
    assert ask(Flag(name="style", variants=("control", "long"), default="control"), Caller()).variant == "long"


@pytest.mark.parametrize(
    ("given", "told"),
    [
        (OpenFeatureConfig(provider="flagd"), "there is no provider 'flagd'.*pip install openfeature-provider-flagd"),
        (OpenFeatureConfig(provider="nowhere.at:all"), "there is no provider 'nowhere.at:all'.*Write `flagd`"),
        (OpenFeatureConfig(provider=f"{__name__}:nothing"), "there is no provider"),
        (OpenFeatureConfig(provider=HERE, options={"stile": 1}), "cannot be made.*Look at its options"),
    ],
)
def test_a_provider_that_cannot_be_is_told_with_the_fix(given: OpenFeatureConfig, told: str) -> None:
    with pytest.raises(ConfigError, match=told):
        evaluator(given)


def test_without_the_extra_it_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "openfeature", None)
    with pytest.raises(MissingExtra, match=r"turnout\[flags\]"):
        evaluator(OpenFeatureConfig())


ROUTED = f"""{BASE}  r: {{baseline: sonnet, policy: {{flag: {{name: cheap, on: haiku, off: sonnet}}}}}}
flags: {{cheap: {{source: openfeature}}}}
openfeature: {{provider: "{HERE}", timeout: 30s}}
"""


def test_a_router_asks_it_and_a_kill_here_overrules_it(tmp_path: Path) -> None:
    file = tmp_path / "turnout.yaml"
    file.write_text(ROUTED)
    said = [{"role": "user", "content": "hello"}]

    async def explained(router: ConfiguredRouter, user: str) -> Explanation:
        return router.explain(route="r", messages=said, caller=Caller(user=user, tenant="acme"))

    async def run() -> None:
        async with ConfiguredRouter.from_config(file, data=tmp_path / "data", env=ENV) as router:
            ann = await explained(router, "ann")
            assert (ann.candidates[0].target, ann.flags) == ("haiku", {"cheap": "on"})
            assert (await explained(router, "bob")).candidates[0].target == "sonnet"
            (tmp_path / "data" / "flags.json").write_text('{"cheap": {"killed": true}}')
            await until(lambda: router.parts.flags.setting("cheap").killed)
            assert (await explained(router, "ann")).candidates[0].target == "sonnet"

    asyncio.run(run())
