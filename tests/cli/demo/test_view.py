from __future__ import annotations

import io
from decimal import Decimal

import pytest
from rich.console import Console

from turnout.cli.demo.asking import Asked
from turnout.cli.demo.queries import Query
from turnout.cli.demo.view import View, percent, usd
from turnout.types.candidate import Dropped
from turnout.types.decision import Attempt, Decision, DecisionOutcome


def attempt(target: str, *, failed: bool = False) -> Attempt:
    return Attempt(target=target, started="", outcome="failed" if failed else "answered", latency_ms=1)


def decision(target: str | None, *attempts: Attempt, **fields: object) -> Decision:
    outcome: DecisionOutcome = "answered" if target else "failed"
    made = {"id": "1", "time": "", "route": "support", "model": "support", "dialect": "openai_chat", "rule": "faq"}
    return Decision(**(made | {"target": target, "attempts": attempts, "outcome": outcome} | fields))  # type: ignore[arg-type]


def shown(asked: Asked, *, width: int = 120) -> str:
    printed = io.StringIO()
    View(Console(width=width, file=printed), frozenset({"backup"})).asked(asked)
    return printed.getvalue()


def test_a_decision_is_one_line_that_says_who_answered_and_what_it_saved() -> None:
    made = decision("small", attempt("small"), cost_usd=Decimal("0.00002"), baseline_cost_usd=Decimal("0.001"))
    line = shown(Asked(number=7, query=Query(text="Where is it?"), took_s=0.51, text="There.", decision=made))
    assert line.split() == ["7", "Where", "is", "it?", "support", "faq", "small", "0.5", "s", "$0.00002", "98%"]


def test_who_failed_before_stands_before_who_answered_and_a_stand_in_has_a_star() -> None:
    made = decision(
        "backup", attempt("mid", failed=True), attempt("backup"), dropped=(Dropped("strong", "breaker_open"),)
    )
    line = shown(Asked(number=1, query=Query(text="Hi"), took_s=1, text="Hello", decision=made))
    assert "(strong) ✗mid backup*" in line
    assert line.rstrip().endswith("?"), "an unknown cost is no saving"


def test_an_error_is_shown_with_its_words() -> None:
    line = shown(Asked(number=1, query=Query(text="Hi"), took_s=1, error="Every candidate failed.", decision=None))
    assert "nobody" in line
    assert "Every candidate failed." in line


@pytest.mark.parametrize("width", [60, 80, 200])
def test_a_line_never_wraps(width: int) -> None:
    made = decision("backup", attempt("backup"))
    said = shown(Asked(number=123, query=Query(text="word " * 100), took_s=12, text="", decision=made), width=width)
    assert said.count("\n") == 1


@pytest.mark.parametrize(
    ("amount", "said"), [("0.00041", "$0.00041"), ("0", "$0.00000"), ("12.3", "$12.30"), ("1234.5", "$1,234.50")]
)
def test_small_amounts_keep_their_digits(amount: str, said: str) -> None:
    assert usd(Decimal(amount)) == said


def test_an_unknown_amount_is_a_question_mark_and_nothing_to_compare_with_a_dash() -> None:
    assert usd(None) == "?"
    assert percent(Decimal(1), Decimal(0)) == "–"
