"""`turnout canary`: a flag's variant grows while it does well, and is taken back when it does not."""

from __future__ import annotations

import asyncio
import json
import random
import sys
from collections.abc import Callable
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from tests.ledger import samples
from tests.ledger.test_sqlite import append
from tests.waiting import until
from turnout.cli.app import main
from turnout.config.build import ConfiguredRouter
from turnout.ledger.location import database_file
from turnout.ledger.sqlite import SqliteStore
from turnout.router.library import Answer
from turnout.state.canaries import FILE
from turnout.state.flags import FlagFile
from turnout.testing import running_fault_provider
from turnout.types.clock import timestamp
from turnout.types.decision import Decision
from turnout.types.request import Caller

CONFIG = """
providers: {{own: {{dialect: openai, base_url: "{url}"}}}}
targets:
  usual: {{provider: own, model: small, price: {{input: 1, output: 2}}}}
  trial: {{provider: own, model: "{model}", price: {{input: 1, output: 2}}}}
routes:
  support:
    policy: {{flag: {{name: cheaper, on: trial, off: usual}}}}
    timeouts: {{connect: 30s, first_token: 60s, answer: 60s, total: 90s}}
  other: {{policy: {{flag: {{name: both, on: trial, off: usual}}}}}}
  third: {{policy: {{flag: {{name: both, on: trial, off: usual}}}}}}
flags:
  cheaper: {{by: request}}
  both: {{}}
  idle: {{}}
  many: {{variants: [a, b, c]}}
"""
Said = tuple[int, str, str]
Turnout = Callable[..., Said]


@pytest.fixture
def turnout(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Turnout:
    """Run a command in a directory with a configuration: its status and what it said."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("COLUMNS", "200")
    Path("turnout.yaml").write_text(CONFIG.format(url="http://127.0.0.1:1/v1", model="large"), encoding="utf-8")

    def run(*command: str) -> Said:
        monkeypatch.setattr(sys, "argv", ["turnout", *command])
        with pytest.raises(SystemExit) as ended:
            main()
        return int(ended.value.code or 0), *capsys.readouterr()

    return run


def a_request(draw: random.Random, variant: str, *, cost: float = 1.0, reason: str | None = None) -> Decision:
    said = reason or ("in_share" if variant == "on" else "not_in_share")
    usd = Decimal(round(cost * draw.lognormvariate(0, 0.2), 6)) / 1000
    return samples.a_decision(
        time=timestamp(datetime.now(UTC)),
        user=None,
        flags={"cheaper": variant},
        conditions={"flags": {"cheaper": said}},
        latency_ms=800 * draw.lognormvariate(0, 0.2),
        attempts=(samples.an_attempt(cost_usd=usd),),
        cost_usd=usd,
    )


def served(number: int, **of_new: Any) -> None:
    """As many requests on each side."""
    draw, store = random.Random(number), SqliteStore(database_file(Path(".turnout")))
    append(
        store,
        *(a_request(draw, "off") for _ in range(number)),
        *(a_request(draw, "on", **of_new) for _ in range(number)),
    )
    store.close()


async def ask(router: ConfiguredRouter, user: str | None = None) -> Answer:
    return await router.chat(route="support", messages=[{"role": "user", "content": "Hi"}], caller=Caller(user=user))


def share() -> dict[str, float]:
    setting = FlagFile(Path(".turnout")).read()["cheaper"]
    return dict(setting.share) if setting.mode == "on" else {}


def test_an_improvement_grows_step_by_step_and_is_promoted(turnout: Turnout) -> None:
    status, out, err = turnout("canary", "start", "cheaper", "--steps", "5%,50%", "--tolerate", "errors=5%")
    assert status == 0, err
    assert "cheaper: on on support, running at 5 %" in out
    assert "Waits for 200 more requests of 'on' at 5 %." in out
    assert share() == {"on": 0.05}
    _, out, _ = turnout("canary", "step", "cheaper")
    assert out == "cheaper: stays at 5 %.\n"
    served(500, cost=0.7)
    _, out, _ = turnout("canary", "step", "cheaper")
    assert out == "cheaper: 5 % → 50 %: nothing is worse after 500 requests at 5 %\n"
    assert share() == {"on": 0.5}
    served(500, cost=0.7)
    _, out, _ = turnout("canary", "step", "cheaper")
    assert out.startswith("cheaper: 50 % → 100 %: promoted: cost -"), out
    assert share() == {"on": 1.0}
    _, out, _ = turnout("canary", "status", "cheaper")
    assert "1,000 and 1,000 requests. 95 % sure, however often you look." in out
    assert "nobody said" in out
    _, out, _ = turnout("canary", "status")
    assert "promoted" in out
    assert turnout("canary", "step", "cheaper")[1] == "cheaper: stays at 100 %.\n"


def test_a_regression_is_rolled_back_with_its_reason_in_the_record(turnout: Turnout) -> None:
    turnout("canary", "start", "cheaper")
    served(400, cost=1.4)
    status, out, _ = turnout("canary", "step", "cheaper", "--json")
    told = json.loads(out)
    assert (status, told["status"], told["share"]) == (0, "rolled_back", 0.0)
    assert told["because"].startswith("rolled back: cost +")
    assert share() == {}
    assert json.loads(Path(".turnout", FILE).read_text())["cheaper"]["walked"][-1]["because"] == told["because"]


def test_no_difference_is_held_where_it_is_until_somebody_decides(turnout: Turnout) -> None:
    turnout("canary", "start", "cheaper", "--steps", "50%", "--most", "150")
    served(150)
    _, out, _ = turnout("canary", "step", "cheaper", "--every", "1s")
    assert out == "cheaper: held: 150 requests, and no measurable gain\n"
    assert share() == {"on": 0.5}
    _, out, _ = turnout("canary", "promote", "cheaper", "--because", "one provider less")
    assert out == "cheaper: 100 %, one provider less\n"
    turnout("canary", "start", "cheaper", "--steps", "50%", "--tolerate", "errors=20%", "--tolerate", "cost=15%")
    served(500)
    _, out, _ = turnout("canary", "step", "cheaper")
    assert out == "cheaper: held: no difference that matters\n"


def test_only_those_whom_chance_put_on_a_side_are_compared(turnout: Turnout) -> None:
    turnout("canary", "start", "cheaper")
    store = SqliteStore(database_file(Path(".turnout")))
    append(store, *(a_request(random.Random(1), "on", cost=9, reason="user_listed") for _ in range(150)))
    append(store, samples.a_decision(time=timestamp(datetime.now(UTC))))
    store.close()
    _, out, _ = turnout("canary", "status", "cheaper", "--json")
    assert json.loads(out)["requests"] == {"old": 0, "new": 0}


def test_a_canary_is_stopped_by_hand_and_by_whoever_changes_its_flag(turnout: Turnout) -> None:
    turnout("canary", "start", "cheaper")
    status, _, err = turnout("canary", "start", "cheaper")
    assert (status, "is running already" in err) == (2, True)
    assert turnout("canary", "stop", "cheaper")[1] == "cheaper: 0 %, stopped by hand\n"
    assert share() == {}
    turnout("canary", "start", "cheaper")
    turnout("flags", "kill", "cheaper")
    status, _, err = turnout("canary", "step", "cheaper")
    assert (status, "was changed by hand" in err) == (2, True)
    assert FlagFile(Path(".turnout")).read()["cheaper"].killed
    assert "stopped" in turnout("canary", "status")[1]


@pytest.mark.parametrize(
    ("command", "told"),
    [
        (("start", "cheapr"), "there is no flag 'cheapr'"),
        (("start", "idle"), "no route asks for the flag 'idle'"),
        (("start", "both"), "Write --route, one of: other, third."),
        (("start", "many"), "Write --variant, one of: b, c."),
        (("start", "cheaper", "--steps", "5,50"), "Write a percentage"),
        (("start", "cheaper", "--steps", "50%,100%"), "below 100 %"),
        (("start", "cheaper", "--tolerate", "speed=5%"), "write one of cost, latency, errors, quality"),
        (("start", "cheaper", "--quality", "taste"), "write one of feedback, outcome, judge"),
        (("start", "cheaper", "--tolerate", "cost=0%"), "nothing is ever certainly no worse at all"),
        (("step", "cheaper", "--every", "soon"), "Usage"),
        (("step", "cheaper"), "Begin with: turnout canary start cheaper"),
    ],
)
def test_what_cannot_be_is_said_in_a_line(turnout: Turnout, command: tuple[str, ...], told: str) -> None:
    status, out, err = turnout("canary", *command)
    assert status == 2
    assert told in " ".join((out + err).replace("│", " ").split())


def test_a_file_of_canaries_that_cannot_be_read_is_named(turnout: Turnout) -> None:
    assert "There is no canary." in turnout("canary", "status")[1]
    Path(".turnout").mkdir(exist_ok=True)
    Path(".turnout", FILE).write_text("{")
    status, _, err = turnout("canary", "status", "--json")
    assert (status, "does not say what canaries there are" in err) == (1, True)


async def test_a_running_gateway_is_rid_of_a_policy_that_fails(
    turnout: Turnout, monkeypatch: pytest.MonkeyPatch
) -> None:
    with running_fault_provider(seed=1) as provider:
        text = CONFIG.format(url=provider.openai_base_url, model="fault:status(500)")
        Path("turnout.yaml").write_text(text, encoding="utf-8")
        turnout("canary", "start", "cheaper", "--steps", "50%")
        async with ConfiguredRouter.from_config("turnout.yaml") as router:
            for begin in range(0, 260, 10):
                some = [ask(router, user=f"u{number % 60}") for number in range(begin, begin + 10)]
                await asyncio.gather(*some, return_exceptions=True)
        _, out, err = turnout("canary", "step", "cheaper")
        assert "rolled back: errors +100.0 points" in out, err
        async with ConfiguredRouter.from_config("turnout.yaml") as router:
            await until(lambda: router.parts.flags.settings)
            answers = [
                await router.chat(route="support", messages=[{"role": "user", "content": "Hi"}]) for _ in range(9)
            ]
    assert {answer.decision.target for answer in answers} == {"usual"}
