"""`turnout flags`, as whoever runs the gateway meets it: on this machine and by `/admin`."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.running import RunningGateway, running_gateway
from turnout.cli.app import main
from turnout.state.flags import FILE

ADMIN, VIEWER = "the-key-of-an-admin-of-the-test", "the-key-of-a-viewer-of-the-test"
CONFIG = f"""
providers: {{own: {{dialect: openai, base_url: "http://127.0.0.1:1/v1"}}}}
targets:
  haiku: {{provider: own, price: {{input: 1, output: 2}}}}
  sonnet: {{provider: own, price: {{input: 3, output: 9}}}}
routes:
  support:
    policy: {{rules: [
      {{name: cheap, when: {{flag: haiku-first}}, use: [haiku, sonnet]}},
      {{name: rest, use: [sonnet, haiku]}}]}}
flags:
  haiku-first: {{description: Questions go to Haiku first}}
  style: {{variants: [control, terse, long]}}
server:
  admin_keys: [{{name: ops, key: {ADMIN}, role: admin}}, {{name: product, key: {VIEWER}}}]
"""
Said = tuple[int, str, str]
Turnout = Callable[..., Said]


@pytest.fixture
def turnout(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Turnout:
    """Run a command in a directory with a configuration: its status and what it said."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("COLUMNS", "200")
    Path("turnout.yaml").write_text(CONFIG, encoding="utf-8")

    def run(*command: str) -> Said:
        monkeypatch.setattr(sys, "argv", ["turnout", *command])
        with pytest.raises(SystemExit) as ended:
            main()
        return int(ended.value.code or 0), *capsys.readouterr()

    return run


def shown(turnout: Turnout, *where: str) -> dict[str, Any]:
    status, out, err = turnout("flags", "show", "haiku-first", "--json", *where)
    assert status == 0, err
    setting = json.loads(out)["setting"]
    setting.pop("changed", None)
    return dict(setting)


def test_a_flag_goes_from_observed_to_everybody_and_is_killed_and_revived(turnout: Turnout) -> None:
    for command, told, setting in (
        (("observe", "haiku-first"), "observed only (on for 100 %)", {"mode": "observe", "share": {"on": 1.0}}),
        (("on", "haiku-first", "5%"), "on for 5 %", {"share": {"on": 0.05}}),
        (("set", "haiku-first", "30%"), "on for 30 %", {"share": {"on": 0.3}}),
        (("kill", "haiku-first"), "killed", {"share": {"on": 0.3}, "killed": True}),
        (("revive", "haiku-first"), "on for 30 %", {"share": {"on": 0.3}}),
        (("off", "haiku-first"), "off", {"share": {"on": 0.3}, "mode": "off"}),
        (("on", "haiku-first"), "on for 100 %", {"share": {"on": 1.0}}),
        (("reset", "haiku-first"), "the default for everybody", {}),
    ):
        status, out, _ = turnout("flags", *command)
        assert status == 0
        assert out.startswith(f"haiku-first: {told}  (was: "), out
        assert "Every worker follows within a second." in out
        assert shown(turnout) == setting


def test_who_and_when_are_set_and_taken_back(turnout: Turnout) -> None:
    turnout("flags", "set", "haiku-first", "--user", "ann=on", "--user", "bob=off", "--tenant", "acme=on")
    turnout("flags", "set", "haiku-first", "--from", "2026-12-01T09:00Z", "--until", "2026-12-24T00:00Z")
    turnout("flags", "set", "haiku-first", "--user", "bob=")
    lists = {"on": {"users": ["ann"], "tenants": ["acme"]}}
    times = {"from": "2026-12-01T09:00:00Z", "until": "2026-12-24T00:00:00Z"}
    assert shown(turnout) == {"lists": lists, **times}
    _, out, _ = turnout("flags", "show", "haiku-first")
    assert "users ann; tenants acme" in out
    assert "configured" in out
    turnout("flags", "set", "haiku-first", "--from", "now", "--until", "never")
    assert shown(turnout) == {"lists": lists}


def test_all_are_listed_with_what_asks_for_them(turnout: Turnout) -> None:
    turnout("flags", "set", "style", "terse=10%", "long=5%")
    _, out, _ = turnout("flags", "list")
    assert "long for 5 %, terse for 10 %" in out
    assert "Questions go to Haiku first" in out
    _, out, _ = turnout("flags", "list", "--json")
    assert {state["name"]: state["used_by"] for state in json.loads(out)} == {"haiku-first": ["support"], "style": []}
    _, out, _ = turnout("flags", "on", "style", "terse=20%")
    assert "No route asks for it" in out


def test_a_kill_waits_for_no_other_part_of_the_configuration(turnout: Turnout) -> None:
    Path("turnout.yaml").write_text(CONFIG + "\nnonsense: ${NOT_SET_ANYWHERE}\n")
    status, out, _ = turnout("flags", "kill", "haiku-first")
    assert (status, out.splitlines()[0]) == (0, "haiku-first: killed  (was: the default for everybody)")


@pytest.mark.parametrize(
    ("command", "status", "told"),
    [
        (("on", "haiku-frist"), 2, "there is no flag 'haiku-frist'. There are: haiku-first, style."),
        (("on", "haiku-first", "5"), 2, "Write a percentage"),
        (("on", "haiku-first", "on=60%", "off=60%"), 1, "its shares are more than 100 % together."),
        (("on", "style", "5%"), 2, "Write terse=5%"),
        (("on", "style", "blue=5%"), 1, "it has no variant 'blue', but control, terse, long."),
        (("set", "haiku-first"), 2, "say what to set"),
        (("set", "haiku-first", "--user", "ann"), 2, "Write alice=on"),
        (("set", "haiku-first", "--until", "tomorrow"), 2, "no moment with a time zone"),
        (("list", "--config", "none.yaml"), 2, "there is no such file"),
    ],
)
def test_what_cannot_be_is_said_in_a_line(turnout: Turnout, command: tuple[str, ...], status: int, told: str) -> None:
    got, out, err = turnout("flags", *command)
    assert got == status
    assert told in " ".join((out + err).replace("│", " ").split())


def test_a_file_of_flags_that_cannot_be_read_is_named(turnout: Turnout) -> None:
    Path("turnout.yaml").write_text(CONFIG.replace("haiku-first: {desc", "haiku-first: {shares: 5%, desc"))
    status, _, err = turnout("flags", "list")
    assert (status, "turnout config check" in err) == (2, True)


def test_explain_tells_what_a_flag_is_and_what_an_observed_one_would_do(turnout: Turnout) -> None:
    turnout("flags", "observe", "haiku-first")
    _, out, _ = turnout("explain", "--route", "support", "--user", "ann", "hello")
    assert "flag:     haiku-first observe:on" in out
    assert "chosen:   sonnet" in out
    assert "would be: haiku  (rule:cheap), if what is observed were applied" in out


@pytest.fixture(scope="module")
def gateway(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningGateway]:
    with running_gateway(CONFIG, tmp_path_factory.mktemp("gateway")) as gateway:
        yield gateway


def test_a_gateway_elsewhere_is_asked_by_its_admin_api(turnout: Turnout, gateway: RunningGateway) -> None:
    there = ("--url", gateway.url, "--key", ADMIN)
    status, out, _ = turnout("flags", "on", "haiku-first", "30%", *there)
    assert (status, out.splitlines()[0]) == (0, "haiku-first: on for 30 %  (was: the default for everybody)")
    assert shown(turnout, *there) == {"share": {"on": 0.3}}
    assert (gateway.data / FILE).exists()
    assert not Path(".turnout", FILE).exists()
    _, out, _ = turnout("flags", "list", "--url", gateway.url, "--key", VIEWER)
    assert "on for 30 %" in out
    turnout("flags", "reset", "haiku-first", *there)
    assert shown(turnout, *there) == {}


def test_a_gateway_refuses_what_cannot_be_and_whoever_may_not(turnout: Turnout, gateway: RunningGateway) -> None:
    there = ("--url", gateway.url, "--key", ADMIN)
    for command, told in (
        (("on", "nothing", *there), "There is no flag 'nothing'. There are: haiku-first, style."),
        (("on", "style", "blue=5%", *there), "it has no variant 'blue'"),
        (("kill", "haiku-first", "--url", gateway.url, "--key", VIEWER), "The gateway refuses"),
        (("kill", "haiku-first", "--url", gateway.url), "--key or TURNOUT_ADMIN_KEY brings one"),
    ):
        status, _, err = turnout("flags", *command)
        assert (status, told in err) == (1, True), err
    (gateway.data / FILE).write_text("{")
    try:
        status, _, err = turnout("flags", "kill", "haiku-first", *there)
        assert (status, "Mend it, or remove it" in err) == (1, True), err
    finally:
        (gateway.data / FILE).unlink()
