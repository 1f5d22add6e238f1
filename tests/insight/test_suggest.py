"""What is mined is what was planted, measured on other requests; where there is nothing, that is said."""

from __future__ import annotations

import random

from hypothesis import given, settings
from hypothesis import strategies as st

from turnout.insight.suggest import Case, Suggestion, measure, suggest, wilson

WORDS = (
    "order",
    "card",
    "parcel",
    "invoice",
    "address",
    "delivery",
    "question",
    "account",
    "number",
    "today",
    "please",
)


def planted(number: int, *, easy: float = 0.97, rest: float = 0.4, seed: int = 1, times: bool = False) -> list[Case]:
    """Requests about opening hours are easy; short ones are too, unless they are about a refund."""
    draw = random.Random(seed)
    cases = []
    for place in range(number):
        words = [draw.choice(WORDS) for _ in range(draw.randint(5, 60))]
        kind = place % 4
        if kind == 0:
            words[2:2] = ["opening", "hours"]
        if kind == 1:
            words[1:1] = ["refund"]
        short = kind != 1 and len(words) <= 15
        chance = easy if kind == 0 or short else 0.05 if kind == 1 else rest
        cases.append(
            Case(
                text=" ".join(words),
                tokens=len(words),
                good=draw.random() < chance,
                saving_usd=0.01,
                group=str(place),
                time=f"2026-01-01T00:00:00.{place:06d}" if times else "",
            )
        )
    return cases


def test_planted_phrases_and_lengths_are_found_and_measured_on_other_requests() -> None:
    for times in (False, True):
        found = suggest(planted(3_000, times=times))
        assert found.holds, found.verdict
        assert any({"opening", "hours"} & set(phrase.text.split()) for phrase in found.easy)
        assert found.most_tokens is not None
        assert 8 <= found.most_tokens <= 17
        assert "refund" in " ".join(phrase.text for phrase in found.hard)
        assert found.mined + found.checked == 3_000
        measured = found.measured
        assert measured.precision is not None
        assert measured.precision > 0.93
        assert measured.low < measured.precision < measured.high
        assert measured.saving_usd is not None
        assert abs(measured.saving_usd - 0.01 * measured.support) < 1e-9
        assert f"{measured.support} of {found.checked} further requests" in found.verdict


def test_chance_alone_is_no_rule() -> None:
    draws = random.Random(7)
    for seed in range(5):
        cases = [case._replace(good=draws.random() < 0.6) for case in planted(600, seed=seed)]
        found = suggest(cases)
        assert not found.holds
        assert "Nothing beats what is there" in found.verdict or "Nothing can be said" in found.verdict


def test_what_goes_there_already_is_left_to_what_is_there() -> None:
    cases = [case._replace(left="opening hours" in case.text or case.tokens <= 17) for case in planted(2_000)]
    found = suggest(cases)
    assert not found.holds
    assert found.left == sum(case.left for case in cases)


def test_where_everything_is_served_well_no_rule_is_needed() -> None:
    found = suggest([case._replace(good=True) for case in planted(400)])
    assert "No rule is needed" in found.verdict
    assert not found.holds


def test_a_rule_that_saves_nothing_or_takes_too_few_is_not_proposed() -> None:
    dear = [case._replace(saving_usd=-0.01) for case in planted(2_000)]
    assert "save nothing" in suggest(dear).verdict
    few = suggest(planted(90, easy=1.0, rest=0.3))
    assert not few.holds


def test_no_group_is_in_both_parts() -> None:
    cases = [case._replace(group=str(place // 10)) for place, case in enumerate(planted(500, times=True))]
    found = suggest(cases)
    assert found.mined + found.checked <= 500


def test_nothing_at_all_is_nothing() -> None:
    found = suggest([])
    assert isinstance(found, Suggestion)
    assert (found.holds, found.measured.support, found.measured.precision) == (False, 0, None)
    assert measure([Case("a", 1, good=True)]).saving_usd is None


@settings(max_examples=50, deadline=None)
@given(number=st.integers(1, 500), data=st.data())
def test_wilsons_interval_holds_the_share_and_narrows(number: int, data: st.DataObject) -> None:
    good = data.draw(st.integers(0, number))
    low, high = wilson(good, number)
    assert 0 <= low <= good / number + 1e-9
    assert good / number - 1e-9 <= high <= 1
    wider = wilson(10 * good, 10 * number)
    assert wider[1] - wider[0] < high - low
