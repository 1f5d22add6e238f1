"""`turnout shadows`: what was served beside what others said."""

from __future__ import annotations

import json
import re
import sys
from collections.abc import Callable
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path

import pytest

from tests.ledger import samples
from turnout.cli.app import main
from turnout.ledger.entry import encode_decision
from turnout.ledger.ids import new_decision_id
from turnout.ledger.location import database_file
from turnout.ledger.sqlite import SqliteStore
from turnout.ledger.store import Written
from turnout.types.clock import timestamp
from turnout.types.decision import Decision
from turnout.types.feedback import Feedback, Kind

Turnout = Callable[..., str]


@pytest.fixture
def turnout(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Turnout:
    """Run `turnout shadows` over a data directory: what it says."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("COLUMNS", "120")

    def run(*command: str) -> str:
        monkeypatch.setattr(sys, "argv", ["turnout", "shadows", "--data", str(tmp_path), *command])
        with pytest.raises(SystemExit) as ended:
            main()
        assert not ended.value.code
        return capsys.readouterr().out

    return run


def said(decision: str, score: float, kind: Kind, judge: str) -> Feedback:
    now = datetime.now(UTC)
    return Feedback(
        id=new_decision_id(now), decision=decision, time=timestamp(now), score=score, kind=kind, judge=judge
    )


def a_pair(number: int) -> tuple[Decision, Decision]:
    now = timestamp(datetime.now(UTC))
    served = samples.a_decision(time=now, user=f"u{number}", cost_usd=Decimal("0.001"), latency_ms=800.0)
    attempt = samples.an_attempt(target="opus", purpose="shadow")
    failed = number == 0
    shadow = samples.a_decision(
        time=now,
        user=f"u{number}",
        shadow_of=served.id,
        attempts=(attempt,),
        policy_version="other",
        target=None if failed else "opus",
        outcome="failed" if failed else "answered",
        cost_usd=Decimal("0.004"),
        latency_ms=1200.0,
    )
    return served, shadow


def fill(data: Path, number: int) -> None:
    pairs = [a_pair(each) for each in range(number)]
    told = [
        feedback
        for served, shadow in pairs[1:]
        for feedback in (
            said(served.id, 0.7, "judge", "grader"),
            said(shadow.id, 0.9, "judge", "grader"),
            said(served.id, 1.0, "agreement", "opus"),
        )
    ]
    store = SqliteStore(database_file(data))
    store.append([Written(one, encode_decision(one)) for pair in pairs for one in pair], "journal", None, told)
    store.close()


def test_both_sides_are_told_with_what_the_judge_says(turnout: Turnout, tmp_path: Path) -> None:
    fill(tmp_path, 25)
    out = turnout("support")
    assert "support: 25 requests that were asked of both" in out
    assert "served  haiku      $0.001000    800 ms       –   0.70" in out
    assert "shadow  opus       $0.004000  1,200 ms   4.0 %   0.90" in out
    assert "24 pairs were judged: the shadow's grades are +20.0 points better" in out
    assert "24 of 24 answers say what the shadow says." in out
    (told,) = json.loads(turnout("--json"))
    assert (told["requests"], told["failed"], told["judged"], told["shadow"]) == (25, 1, 24, ["opus"])


def test_few_judgements_prove_nothing(turnout: Turnout, tmp_path: Path) -> None:
    fill(tmp_path, 5)
    assert "4 pairs were judged: too few to tell." in turnout()


def test_a_route_without_shadows_is_told_where_they_come_from(turnout: Turnout, tmp_path: Path) -> None:
    fill(tmp_path, 1)
    assert "see docs/how-to/shadow.md" in turnout("another")
    assert turnout("--since", "0s", "--json") == "[]\n"


def test_the_story_of_a_request_tells_what_was_asked_beside_it(
    turnout: Turnout, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    fill(tmp_path, 2)
    (told,) = json.loads(turnout("--json"))
    assert told["requests"] == 2
    store = SqliteStore(database_file(tmp_path))
    decision = next(store.rows("SELECT decision FROM shadows WHERE target = 'opus'"))[0]
    store.close()
    monkeypatch.setattr(sys, "argv", ["turnout", "decisions", "--data", str(tmp_path), "show", decision])
    with pytest.raises(SystemExit):
        main()
    out = capsys.readouterr().out
    assert "Asked beside it" in out
    assert re.search(r"opus +answered by opus after 1.*s, \$0.004", out)
