"""`turnout replay` over a ledger that real requests wrote: what moves, what it costs, what nobody can know."""

from __future__ import annotations

import json
from collections.abc import Callable
from decimal import Decimal
from multiprocessing import Pipe
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner, Result

from tests.cli.replay.conftest import Written
from tests.cli.replay.recorded import ROUTES, TEXTS, configured, record
from turnout.cli.app import app
from turnout.cli.replay.work import Job, _received, replay_parts
from turnout.errors import ConfigError, LedgerError, TurnoutError
from turnout.insight.query import Filter, decisions
from turnout.insight.replay import run as replay_run
from turnout.insight.replay.run import parts
from turnout.insight.what_if import kept_as
from turnout.ledger.location import database_file
from turnout.ledger.sqlite import SqliteStore

EACH = 2 * len(TEXTS)


def run(*arguments: object) -> Result:
    return CliRunner(env={"COLUMNS": "300"}).invoke(app, ["replay", *map(str, arguments)])


def replayed(written: Written, tmp_path: Path, change: Callable[[str], str], *more: object) -> Any:
    """What is found for the configuration, changed."""
    text = written.config.read_text()
    file = tmp_path / "new.yaml"
    file.write_text(change(text))
    assert text == change(text) or file.read_text() != text
    told = run(file, "--data", written.data, "--current", written.config, "--json", *more)
    assert told.exit_code == 0, told.output
    return json.loads(told.stdout)


def swapped(old: str, new: str) -> Callable[[str], str]:
    def change(text: str) -> str:
        assert old in text
        return text.replace(old, new)

    return change


def test_the_same_configuration_moves_nothing(written: Written, tmp_path: Path) -> None:
    found = replayed(written, tmp_path, str)
    total = found["total"]
    assert (found["decisions"], found["skipped"]) == (EACH * len(ROUTES), {"cached": EACH})
    assert total["requests"] == EACH * (len(ROUTES) - 1)
    assert (total["changed"], total["unknown"], found["moves"], found["unknown"]) == (0, 0, [], {})
    assert total["cost"]["before"] == total["cost"]["low"] == total["cost"]["high"] == total["cost"]["likely"] != 0
    assert total["latency"]["before"] == total["latency"]["low"] == total["latency"]["high"]
    for name in ("escalated", "fell_back", "unanswered"):
        assert total[name] > 0
        assert total[f"{name}_after"] == {"low": total[name], "high": total[name]}


def test_another_version_of_a_policy_that_decides_the_same_moves_nothing(written: Written, tmp_path: Path) -> None:
    """Its requests are decided by what their records say, not by the fact that the policy is the same."""
    renamed = swapped("name: rest, use: [broken, strong, cheap]", "name: others, use: [broken, strong, cheap]")
    assert replayed(written, tmp_path, renamed, "--route", "support")["moves"] == []
    for route, old, new in (
        ("split", "weight: 1}, {use: [b", "weight: 1.0}, {use: [b"),
        (
            "strict",
            "{use: cheap, accept: {confidence: 1}}, {use: strong}]",
            "{use: [cheap], accept: {confidence: 1}}, {use: strong}]",
        ),
        ("lax", "{confidence: 0.01}", "{confidence: 0.02}"),
        # At another place in the policy, two that are equally fast may draw lots otherwise: it stays where it is.
        ("quick", "{policy: {fastest:", "{lists: {unread: [nothing]}, policy: {fastest:"),
        ("refused", "[wrong, cheap]", "{fallback: [wrong, cheap]}"),
        ("flagged", "name: rest, use: strong", "name: others, use: strong"),
    ):
        found = replayed(written, tmp_path, swapped(old, new), "--route", route)
        assert (found["total"]["requests"], found["moves"], found["unknown"]) == (EACH, [], {}), route


def test_what_moves_is_counted_priced_and_explained(written: Written, tmp_path: Path) -> None:
    dear = swapped(
        "name: faq, when: {matches: faq, tokens: {max: 40}}, use: [cheap, strong]",
        "name: faq, when: {matches: faq, tokens: {max: 40}}, use: [strong]",
    )
    found = replayed(written, tmp_path, dear, "--route", "support", "--limit", 1)
    (move,) = found["moves"]
    assert (move["before"], move["after"], move["requests"]) == ("cheap", ["strong"], 2)
    store = SqliteStore(database_file(written.data))
    moved = [each for each in decisions(store, Filter(route="support", rule="faq")) if each.target == "cheap"]
    (answers,) = [[each.attempts[-1] for each in moved]]
    cost = sum((each.cost_usd or Decimal(0) for each in answers), Decimal(0))
    same = sum(Decimal(10) * each.input_tokens + Decimal(20) * each.output_tokens for each in answers) / 10**6
    long = sum(Decimal(10) * each.input_tokens + Decimal(20) * 8 for each in answers) / 10**6
    assert Decimal(str(move["cost"]["before"])) == cost
    assert Decimal(str(move["cost"]["likely"])) == same
    assert Decimal(str(move["cost"]["low"])) == same
    assert Decimal(str(move["cost"]["high"])) == pytest.approx(long, rel=Decimal("0.05"))  # its own usual length
    (example,) = move["examples"]
    assert (example["before"], example["after"]) == (["cheap"], [["strong"]])
    assert example["because"] == "tokens 6 ≤ max 40; matches faq: 'opening hours'"
    assert found["total"]["predicted"] == {"strong": 2}


def test_answers_are_judged_again_by_what_was_read_off_them(written: Written, tmp_path: Path) -> None:
    lenient = swapped(
        "strict:  {policy: {cascade: [{use: cheap, accept: {confidence: 1}}",
        "strict:  {policy: {cascade: [{use: cheap, accept: {confidence: 0.01}}",
    )
    found = replayed(written, tmp_path, lenient, "--route", "strict")
    (move,) = found["moves"]
    assert (move["before"], move["after"], move["requests"]) == ("strong", ["cheap"], EACH)
    total = found["total"]
    assert total["escalated"] == EACH
    assert total["escalated_after"] == {"low": 0, "high": 0}
    assert total["predicted"] == {}  # the answer is there, and so is its price
    assert move["cost"]["low"] == move["cost"]["high"] < move["cost"]["before"]


def test_an_answer_that_nobody_judged_is_counted_both_ways(written: Written, tmp_path: Path) -> None:
    cascade = swapped(
        "quick:   {policy: {fastest: [cheap, strong]}}",
        "quick:   {policy: {cascade: [{use: cheap, accept: {confidence: 0.5}}, {use: strong}]}}",
    )
    found = replayed(written, tmp_path, cascade, "--route", "quick")
    assert found["unknown"] == {"judgement": EACH}
    assert found["total"]["escalated_after"] == {"low": 0, "high": EACH}
    cost = found["total"]["cost"]
    assert cost["likely"] is None
    assert cost["low"] < cost["high"]
    assert {tuple(move["after"]) for move in found["moves"]} == {("cheap", "strong")}


def test_a_target_without_a_recorded_call_may_take_any_time(written: Written, tmp_path: Path) -> None:
    found = replayed(
        written,
        tmp_path,
        swapped("thrifty: {policy: {cheapest: [strong, cheap]}}", "thrifty: {policy: unseen}"),
        "--route",
        "thrifty",
    )
    assert found["foreseen"] == [{"target": "unseen", "predicted": EACH, "calls": 0, "failed": 0}]
    latency, cost = found["total"]["latency"], found["total"]["cost"]
    assert latency["high"] == [None, None, None]
    assert cost["low"] < cost["likely"] < cost["high"]
    assert found["total"]["fell_back_after"]["high"] == EACH
    told = run(tmp_path / "new.yaml", "--data", written.data, "--route", "thrifty")
    assert "or more" in told.stdout
    assert "has no recorded call" in told.stdout


def test_a_header_that_no_record_has_leaves_all_ways_open(written: Written, tmp_path: Path) -> None:
    found = replayed(
        written, tmp_path, swapped("- {name: rest, use: cheap}", "- {name: others, use: cheap}"), "--route", "partners"
    )
    assert found["unknown"] == {"header": EACH}
    assert {tuple(move["after"]) for move in found["moves"]} == {("cheap", "strong")}


def test_new_phrases_are_looked_for_where_the_text_was_kept(written: Written, tmp_path: Path) -> None:
    more = swapped("faq: [opening hours, reset my password]", "faq: [opening hours, reset my password, hello]")
    found = replayed(written, tmp_path, more, "--route", "support")
    unknown = found["unknown"]["list"]
    assert unknown == found["total"]["unknown"] > 0
    fewer = swapped("faq: [opening hours, reset my password]", "faq: [opening hours]")
    assert replayed(written, tmp_path, fewer, "--route", "support")["unknown"] == {}  # it was looked for, and not found
    kept = tmp_path / "kept"
    kept.mkdir()
    again = Written(written.provider, kept / "turnout.yaml", kept / "data")
    again.config.write_text(configured(written.provider, "privacy: {mode: full}"))
    record(again.config, again.data)
    known = replayed(again, tmp_path, more, "--route", "support")
    assert known["unknown"] == {}
    (move,) = known["moves"]
    assert (move["before"], move["after"], move["requests"]) == ("strong", ["cheap"], 2)


def test_without_the_configuration_of_then_no_list_is_known(written: Written, tmp_path: Path, monkeypatch: Any) -> None:
    monkeypatch.chdir(tmp_path)
    file = tmp_path / "new.yaml"
    file.write_text(written.config.read_text().replace("name: rest, use: [broken, ", "name: others, use: [broken, "))
    told = json.loads(run(file, "--data", written.data, "--route", "support", "--json").stdout)
    assert told["unknown"]["list"] > 0
    (tmp_path / "turnout.yaml").write_text(written.config.read_text())
    assert json.loads(run(file, "--data", written.data, "--route", "support", "--json").stdout)["unknown"] == {}


def test_a_route_that_is_gone_is_told(written: Written, tmp_path: Path) -> None:
    found = replayed(written, tmp_path, swapped("  thrifty:", "  frugal:"))
    assert found["skipped"]["no_route"] == EACH
    assert found["idle"] == ["frugal"]
    assert {"route": "flagged", "rule": "watched"} in found["silent"]


def test_the_terminal_and_the_page_say_the_same(written: Written, tmp_path: Path) -> None:
    file = tmp_path / "new.yaml"
    file.write_text(
        written.config.read_text().replace("confidence: 1}", "confidence: 0.01}").replace("  dead:", "  gone:")
    )
    told = run(file, "--data", written.data, "--current", written.config)
    page = run(file, "--data", written.data, "--current", written.config, "--html", tmp_path / "replay.html")
    assert (told.exit_code, page.exit_code, page.stdout) == (0, 0, "")
    html = (tmp_path / "replay.html").read_text()
    assert "<script" not in html
    for said in ("without an answer", "go another way", "because", "confidence", "no request in this period"):
        assert said in told.stdout
        assert said in html


@pytest.mark.parametrize("since", ["1s", "30d"])
def test_an_empty_ledger_says_so(written: Written, tmp_path: Path, since: str) -> None:
    told = run(written.config, "--data", tmp_path, "--since", since)
    assert told.exit_code == 0
    assert "0 decisions, 0 of them decided again" in told.stdout


def test_mistakes_are_told(written: Written, tmp_path: Path) -> None:
    assert isinstance(run(tmp_path / "missing.yaml").exception, ConfigError)
    told = run(written.config, "--data", written.data, "--html", tmp_path / "no" / "where.html")
    assert isinstance(told.exception, ConfigError)


def test_several_processes_find_what_one_finds(written: Written, monkeypatch: pytest.MonkeyPatch) -> None:
    store = SqliteStore(database_file(written.data))
    job = Job(written.config, written.data, store, {}, {}, 3)
    whole = replay_parts(job, parts(store, Filter())[1], lambda _: None)
    monkeypatch.setattr(replay_run, "PART", 40)
    monkeypatch.setattr("os.cpu_count", lambda: 2)
    number, cut = parts(store, Filter())
    seen: list[int] = []
    assert len(cut) > 2
    assert replay_parts(job, cut, seen.append) == whole
    assert sum(seen) == number


def test_what_goes_wrong_in_a_process_is_told() -> None:
    mine, theirs = Pipe(duplex=False)
    theirs.send("the ledger cannot be used")
    with pytest.raises(LedgerError, match="cannot be used"):
        _received(mine)
    theirs.close()
    with pytest.raises(TurnoutError, match="was killed"):
        _received(mine)


def test_what_was_found_is_kept_for_the_dashboard(written: Written, tmp_path: Path) -> None:
    file = tmp_path / "new.yaml"
    file.write_text(written.config.read_text().replace("max: 40}}, use: [cheap, strong]", "max: 40}}, use: [strong]"))
    told = run(file, "--data", written.data, "--current", written.config, "--route", "support", "--save", "dear")
    assert told.exit_code == 0, told.output
    assert "Saved dear: /dashboard/what-if/dear" in told.stderr
    found = kept_as(written.data, "dear")
    assert found is not None
    assert (found.kind, found.of, found.name) == ("replay", ("new.yaml",), "dear")
    assert "go another way" in found.sentences[-1]
    assert [each.title for each in found.tables] == ["Before and after", "What moves", "For example"]
    assert ("support", "cheap", "strong") in [row[:3] for row in found.tables[1].rows]
    same = run(written.config, "--data", written.data, "--current", written.config, "--save", "same")
    assert same.exit_code == 0, same.output
    nothing = kept_as(written.data, "same")
    assert nothing is not None
    assert nothing.sentences[-1].startswith("Nothing moves")
    none = run(
        written.config, "--data", written.data, "--until", "2020-01-01", "--since", "2019-01-01", "--save", "none"
    )
    assert none.exit_code == 0, none.output
    assert [each.tables for each in [kept_as(written.data, "none")] if each] == [()]


def test_a_name_that_is_none_is_refused_before_anything_is_read(written: Written) -> None:
    told = run(written.config, "--data", written.data, "--save", "../elsewhere")
    assert isinstance(told.exception, ConfigError)
    assert "--save cheaper-first" in str(told.exception)
