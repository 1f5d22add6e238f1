"""What the log-probabilities of an answer's tokens say."""

from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.confidence.signals.holding import answer, held, read, tokens
from turnout.confidence.signals.logprobs import FLOOR
from turnout.types.chat import Text, Thinking, TokenLogprob

NAMES = ["mean_logprob", "min_logprob", "quantile_logprob", "logprob_margin", "token_entropy", "first_token"]
LOGPROBS = st.floats(allow_nan=False, max_value=0.5)
TOKENS = st.lists(
    st.builds(
        TokenLogprob,
        st.text(max_size=3),
        LOGPROBS,
        st.lists(st.tuples(st.text(min_size=1, max_size=3), LOGPROBS), max_size=3).map(tuple),
    ),
    max_size=12,
).map(tuple)


def of(name: str, told: tuple[TokenLogprob, ...], **settings: float) -> float | None:
    return read(name, held(answer("t", logprobs=told)), settings)


def test_mean_minimum_and_quantile_are_of_all_tokens() -> None:
    told = tokens(-1.0, -0.5, -3.0, -0.5, 0.0)
    assert of("mean_logprob", told) == pytest.approx(-1.0)
    assert of("min_logprob", told) == -3.0
    assert of("quantile_logprob", told, at=0.5) == -0.5
    assert of("quantile_logprob", told, at=0.25) == -1.0
    assert of("quantile_logprob", told) == pytest.approx(-3.0 + 0.4 * 2.0)


def test_margin_and_entropy_are_of_the_likeliest_tokens() -> None:
    half = math.log(0.5)
    told = tokens(half, half, top=(math.log(0.25), math.log(0.25)))
    assert of("logprob_margin", told) == pytest.approx(math.log(2))
    assert of("token_entropy", told) == pytest.approx(1.5 * math.log(2))


def test_what_is_not_told_counts_as_one_more_token_in_the_entropy() -> None:
    told = tokens(math.log(0.5), top=(math.log(0.25),))
    assert of("token_entropy", told) == pytest.approx(1.5 * math.log(2))


def test_without_alternatives_there_is_no_margin_and_no_entropy() -> None:
    told = (*tokens(-0.1, top=(-3.0,)), TokenLogprob("x", -0.1))
    assert of("logprob_margin", told) is None
    assert of("token_entropy", told) is None
    assert of("mean_logprob", told) == pytest.approx(-0.1)


def test_the_first_token_is_the_first_that_says_something() -> None:
    told = (TokenLogprob(' "(', -2.0), TokenLogprob("B", math.log(0.75)), TokenLogprob(")", 0.0))
    assert of("first_token", told) == pytest.approx(0.75)
    assert of("first_token", (TokenLogprob("–", math.log(0.5)),)) == pytest.approx(0.5)


def test_a_token_without_text_is_none_of_the_answer() -> None:
    assert of("min_logprob", (*tokens(-0.1, -0.2), TokenLogprob("", -5.0))) == -0.2


def test_reasoning_that_is_shown_apart_is_not_judged() -> None:
    told = (
        TokenLogprob("Hmm", -4.0),
        TokenLogprob(" 2", -4.0),
        TokenLogprob("</think>\n", -4.0),
        TokenLogprob("It is", -0.5),
        TokenLogprob(" 4\n", -0.3),
    )
    thought = answer("", Thinking("Hmm 2"), Text("It is 4"), logprobs=told)
    assert read("mean_logprob", held(thought)) == pytest.approx(-0.4)
    other = answer("", Thinking("Hmm 2"), Text("Something else"), logprobs=told)
    assert read("mean_logprob", held(other)) is None
    silent = answer("", Thinking("Hmm 2"), logprobs=told)
    assert read("mean_logprob", held(silent)) is None


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("odd", [None, float("nan"), "-0.5"])
def test_nothing_is_read_where_a_token_has_no_number(name: str, odd: float) -> None:
    assert of(name, (*tokens(-0.1, top=(-2.0,)), TokenLogprob("x", odd))) is None


@pytest.mark.parametrize("name", NAMES)
def test_nothing_is_read_without_log_probabilities(name: str) -> None:
    assert of(name, ()) is None


@pytest.mark.parametrize("name", NAMES)
def test_each_can_be_read_off_a_beginning(name: str) -> None:
    begun = answer("t", logprobs=tokens(-0.1, top=(-2.0, -3.0)))
    assert read(name, held(begun, whole=False)) == read(name, held(begun))


def test_never_is_a_number_like_others() -> None:
    for never in (-9999.0, -3.4e38, -math.inf):
        assert of("mean_logprob", tokens(-0.2, never)) == pytest.approx((FLOOR - 0.2) / 2)


@given(TOKENS)
def test_they_are_finite_and_of_one_order(told: tuple[TokenLogprob, ...]) -> None:
    read_off = {name: of(name, told) for name in NAMES}
    assert all(value is None or math.isfinite(value) for value in read_off.values())
    least, low, mean = (read_off[name] for name in ("min_logprob", "quantile_logprob", "mean_logprob"))
    if least is None or low is None or mean is None:
        return
    assert FLOOR <= least <= low + 1e-9
    assert least <= mean + 1e-9 <= 1e-8
    assert 0 <= (read_off["first_token"] or 0) <= 1
    margin, entropy = read_off["logprob_margin"], read_off["token_entropy"]
    assert margin is None or 0 <= margin <= -FLOOR
    assert entropy is None or entropy >= -1e-9


@given(TOKENS, st.randoms(use_true_random=False))
def test_all_but_the_first_do_not_depend_on_the_order(told: tuple[TokenLogprob, ...], draws: object) -> None:
    mixed = list(told)
    draws.shuffle(mixed)  # type: ignore[attr-defined]
    for name in NAMES[:-1]:
        assert of(name, tuple(mixed)) == pytest.approx(of(name, told))
