"""`turnout decisions`, as its user meets it."""

from __future__ import annotations

import json
import subprocess
import sys
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner, Result

from tests.ledger import samples
from turnout.cli.decision_words import plain
from turnout.cli.decisions import app
from turnout.insight.amount_words import milliseconds, usd
from turnout.ledger.embedded import EmbeddedLedger
from turnout.ledger.journal import Journal
from turnout.ledger.location import journal_directory
from turnout.types.candidate import Dropped
from turnout.types.clock import timestamp
from turnout.types.decision import Decision, DecisionOutcome

ROOT = Path(__file__).parents[2]


@pytest.fixture(autouse=True)
def data(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("TURNOUT_DATA_DIR", str(tmp_path / "data"))
    return tmp_path / "data"


def record(data: Path, *decisions: Decision) -> None:
    ledger = EmbeddedLedger(data)
    ledger.start()
    for decision in decisions:
        ledger.journal.record(decision)
    ledger.close()


def run(*arguments: str) -> Result:
    return CliRunner().invoke(app, list(arguments))


def listed(*arguments: str) -> list[dict[str, Any]]:
    result = run("--json", *arguments)
    assert result.exit_code == 0, result.output
    return [json.loads(line, parse_float=Decimal) for line in result.stdout.splitlines()]


def test_without_any_decision_it_says_what_to_do(data: Path) -> None:
    result = run()
    assert result.exit_code == 0
    assert f"No decisions yet in {data}" in result.stdout
    assert "turnout serve" in result.stdout
    assert not data.exists()


def test_nothing_for_machines_is_no_line_at_all() -> None:
    result = run("--json")
    assert (result.exit_code, result.stdout) == (0, "")
    assert "No decisions yet" in result.stderr


def test_a_filter_that_nothing_fits_says_so(data: Path) -> None:
    record(data, samples.a_decision())
    result = run("--route", "nobody-s")
    assert result.exit_code == 0
    assert "No decision is like that" in result.stdout


def test_the_table_shows_each_decision_with_units_the_newest_last(data: Path) -> None:
    times = ["2026-03-01T11:00:00.000+00:00", "2026-03-01T10:00:00.000+00:00"]
    new, old = (samples.a_decision(time=time) for time in times)
    record(data, new, old)
    header, first, second = run().stdout.splitlines()
    assert header.split() == [
        *("time", "id", "user", "route", "rule", "target", "outcome", "latency", "tokens", "cost", "saved"),
    ]
    assert old.id in first
    assert new.id in second
    for shown in ("user-7", "support", "faq", "haiku", "answered", "842 ms", "412 → 96", "$0.000714", "$0.00196"):
        assert shown in first


def test_every_field_of_the_record_is_in_the_json(data: Path) -> None:
    decision = samples.a_decision(cost_usd=Decimal("0.00071360000000000001"))
    record(data, decision)
    (told,) = listed()
    assert tuple(told) == Decision.__struct_fields__
    assert told["cost_usd"] == decision.cost_usd
    assert told["attempts"][0]["first_token_ms"] == Decimal("311.25")


def test_each_filter_chooses(data: Path) -> None:
    now = datetime.now(UTC)
    wanted = samples.a_decision(
        time=timestamp(now - timedelta(minutes=5)),
        tenant="acme",
        user="ann",
        route="contracts",
        target="gpt-4o",
        outcome="failed",
        rule="rest",
        query_hash="cd" * 32,
        cost_usd=Decimal(2),
        dropped=(Dropped("sonnet", "breaker_open"),),
    )
    record(data, wanted, samples.a_decision(time=timestamp(now - timedelta(hours=2))))
    for option in (
        "--since=1h",
        f"--since={(now - timedelta(minutes=6)).isoformat()}",
        "--tenant=acme",
        "--user=ann",
        "--route=contracts",
        "--target=gpt-4o",
        "--outcome=failed",
        "--rule=rest",
        f"--query-hash={'cd' * 32}",
        "--min-cost=1.5",
        "--fallbacks",
        "--limit=1",
    ):
        assert [told["id"] for told in listed(option)] == [wanted.id], option
    assert len(listed("--until=10m")) == 1
    assert len(listed()) == 2


@pytest.mark.parametrize(
    "arguments",
    [
        ["--since", "soon"],
        ["--since", "999999999w"],
        ["--outcome", "lost"],
        ["--min-cost", "NaN"],
        ["--limit", "0"],
        ["x"],
    ],
)
def test_what_cannot_be_meant_is_a_usage_error(arguments: list[str]) -> None:
    result = run(*arguments)
    assert result.exit_code == 2
    assert "Traceback" not in result.output


def test_show_tells_the_whole_story(data: Path) -> None:
    decision = samples.a_decision(
        dropped=(Dropped("llama-8b", "lacks_tools"), Dropped("mistral", "breaker_open")),
        attempts=(
            samples.an_attempt(
                target="sonnet", outcome="failed", error_class="first_token_timeout", cost_usd=Decimal(0), finish=None
            ),
            samples.an_attempt(started="2026-03-01T09:30:05.002+00:00", cached_tokens=300, estimated=True),
        ),
        tags={"user": "a tag may have any name"},
        sdk_retry=1,
        confidence=0.875,
    )
    record(data, decision)
    result = run("show", decision.id[:23])
    assert result.exit_code == 0
    story = " ".join(result.stdout.split())
    for told in (
        f"Decision {decision.id} answered by haiku after 842 ms",
        "time 2026-03-01 09:30:00.000+00:00",
        "route support (openai_chat, not streamed)",
        "tags user a tag may have any name",
        "question 180 characters, about 42 tokens; 412 in all",
        "matches faq: “reset my password”",
        "escalate passed no phrase",
        "faq decided matches faq",
        "llama-8b it lacks tools",
        "mistral its circuit breaker is open",
        "+0 ms sonnet failed (first token timeout",
        "+5.00 s haiku answered",
        "~412 (300 cached) ~96 ~$0.000714 genai-prices 2026-02-01",
        "total $0.000714 baseline $0.00268 saved $0.00196 (73%)",
        "reason rule:faq confidence 0.88 draw 0.25",
    ):
        assert told in story


@pytest.mark.parametrize(("cache", "told"), [("hit", "the route's cache"), ("replay", "the same idempotency key")])
def test_show_tells_why_nobody_was_called(data: Path, cache: str, told: str) -> None:
    given = Decision(
        id=f"01890000-0000-7000-8000-00000000{len(cache):04}",
        time="2026-01-01T00:00:00.000+00:00",
        route="faq",
        model="faq",
        dialect="openai_chat",
        target="small",
        outcome="answered",
        cache=cache,
    )
    record(data, given)
    assert told in " ".join(run("show", given.id).output.split())


@pytest.mark.parametrize("outcome", ["answered", "failed", "partial", "refused", "cancelled", "interrupted"])
def test_show_has_words_for_a_decision_of_which_little_is_known(data: Path, outcome: DecisionOutcome) -> None:
    bare = Decision(
        id="0" * 32, time="?", route="", model="gpt", dialect="gemini", outcome=outcome, error="deadline_exceeded",
        attempts=(samples.an_attempt(started="?", latency_ms=12_345.0, cost_usd=None, price_version=None),),
    )  # fmt: skip
    record(data, bare)
    result = run("show", "000")
    assert result.exit_code == 0
    assert "unknown" in result.stdout
    assert "12.3 s" in result.stdout


def test_show_says_what_helps_where_only_the_operator_can_mend_it(data: Path) -> None:
    failed = {"outcome": "failed", "provider": "mine"}
    given = samples.a_decision(
        attempts=(
            samples.an_attempt(target="a", error_class="authentication", **failed),
            samples.an_attempt(target="a", error_class="authentication", **failed),
            samples.an_attempt(target="b", error_class="not_found", **failed),
            samples.an_attempt(target="c", error_class="connect_failed", drilled="refuse", **failed),
            samples.an_attempt(target="d", error_class="overloaded", **failed),
            samples.an_attempt(target="e"),
        ),
    )
    record(data, given)
    story = run("show", given.id).stdout
    lines = [" ".join(line.split()) for line in story.partition("What helps\n")[2].partition("\n\n")[0].splitlines()]
    assert len(lines) == 2
    assert lines[0].startswith("a the provider refuses the key: look at providers.mine.api_key")
    assert lines[1] == "b the provider knows no such model or path: look at targets.b.model and providers.mine.base_url"


def test_show_as_json_is_the_record(data: Path) -> None:
    decision = samples.a_decision()
    record(data, decision)
    result = run("show", decision.id, "--json")
    assert json.loads(result.stdout)["id"] == decision.id


def test_an_id_that_fits_none_or_several_is_a_finding(data: Path) -> None:
    record(data, samples.a_decision(id="aa1"), samples.a_decision(id="aa2"))
    several, none = run("show", "aa"), run("show", "bb")
    assert several.exit_code == none.exit_code == 1
    assert "aa1" in several.stderr
    assert "aa2" in several.stderr
    assert "No decision in" in none.stderr


def test_the_data_directory_may_be_said_before_or_after_show(tmp_path: Path) -> None:
    decision = samples.a_decision()
    record(tmp_path / "elsewhere", decision)
    elsewhere = ["--data", str(tmp_path / "elsewhere")]
    assert run(*elsewhere, "show", decision.id).exit_code == 0
    assert run("show", decision.id, *elsewhere).exit_code == 0
    assert run("show", decision.id).exit_code == 1


def test_after_a_crash_everything_is_there_at_the_first_look(data: Path) -> None:
    journal = Journal(journal_directory(data), worker="dead")
    intent, decision = samples.an_intent(), samples.a_decision()
    journal.intend(intent)
    journal.record(decision)
    journal.close()
    assert {told["id"]: told["outcome"] for told in listed()} == {
        intent.id: "interrupted",
        decision.id: "answered",
    }


def test_a_journal_that_cannot_be_taken_in_is_said_and_the_rest_is_shown(data: Path) -> None:
    record(data, samples.a_decision())
    journal = Journal(journal_directory(data), worker="dead")
    (journal.directory / "notes").touch()
    journal.close()
    result = run("--json")
    assert result.exit_code == 0
    assert len(result.stdout.splitlines()) == 1
    assert "Some decisions may be missing" in result.stderr


def test_follow_prints_new_decisions_as_they_come_and_ends_quietly(data: Path) -> None:
    ledger = EmbeddedLedger(data)
    ledger.start()
    first, second = samples.a_decision(), samples.a_decision()
    ledger.journal.record(first)
    assert ledger.drain.flush(5)
    command = [sys.executable, "-c", "from turnout.cli.decisions import app; app()", "--follow", "--json"]
    process = subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    assert process.stdout is not None
    assert json.loads(process.stdout.readline())["id"] == first.id
    ledger.journal.record(second)
    assert json.loads(process.stdout.readline())["id"] == second.id
    process.send_signal(2)
    _, errors = process.communicate(timeout=30)
    assert (process.returncode, errors) == (0, "")
    ledger.close()


def test_a_name_cannot_command_the_terminal(data: Path) -> None:
    record(data, samples.a_decision(user="\x1b]0;owned\x07[red]x\nnew line", reason="\x1b[2J"))
    shown = run().stdout + run("show", "0").stdout
    assert "\x1b" not in shown
    assert "\x07" not in shown
    assert "[red]x" in shown
    assert plain("naïve “text”") == "naïve “text”"


@pytest.mark.parametrize(
    ("amount", "text"),
    [
        (None, "unknown"),
        (Decimal(0), "$0"),
        (Decimal("0.0007136"), "$0.000714"),
        (Decimal("-0.05"), "−$0.0500"),
        (Decimal("12.346"), "$12.35"),
        (Decimal(1234567), "$1,234,567.00"),
        (Decimal("1E-7"), "$0.000000100"),
    ],
)
def test_amounts_show_three_digits_that_count(amount: Decimal | None, text: str) -> None:
    assert usd(amount) == text


@pytest.mark.parametrize(
    ("duration", "text"),
    [(None, "–"), (0.424, "0.42 ms"), (842.0, "842 ms"), (1694.0, "1.69 s"), (12_345.0, "12.3 s")],
)
def test_durations_have_units(duration: float | None, text: str) -> None:
    assert milliseconds(duration) == text
