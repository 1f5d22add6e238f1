"""Signals that ask: what they ask, and what they make of what they hear."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.confidence.signals.holding import answer, chat, held, tokens
from turnout.confidence.signal import Ask, Held, Score
from turnout.confidence.signals.json_schema import violates
from turnout.confidence.signals.judge import grade_in
from turnout.confidence.signals.table import Abilities, signal_named
from turnout.errors import ConfigError
from turnout.types.chat import (
    Answer,
    Chat,
    Image,
    Message,
    OutputFormat,
    Text,
    TokenLogprob,
    Tool,
    ToolCall,
    ToolChoice,
    ToolResult,
)

Replies = Sequence[Answer | float | None]


def ask(
    name: str, case: Held, replies: Replies, settings: Mapping[str, Any] | None = None, **abilities: Callable[..., Any]
) -> tuple[float | None, list[Ask | Score]]:
    """Read a signal; what it asks gets these replies."""
    signal = signal_named(name, settings, abilities=Abilities(**abilities))
    reading, asked = signal.read(case), []
    heard: Answer | float | None = None
    try:
        while True:
            asked.append(reading.send(heard))
            heard = replies[len(asked) - 1]
    except StopIteration as stop:
        assert len([each for each in asked if isinstance(each, Ask)]) <= signal.calls
        assert all(each.target == signal.target for each in asked if isinstance(each, Ask))
        return stop.value, asked


def says(*words: tuple[str, float]) -> Answer:
    """A reply of one token, chosen before the others."""
    top = tuple((word, math.log(chance)) for word, chance in words)
    return answer(words[0][0], logprobs=(TokenLogprob(*top[0], top),))


# --- P(True) ----------------------------------------------------------------------------------------------------


def test_p_true_is_the_share_of_true_among_true_and_false() -> None:
    case = held(question=chat(stop=("\n",), format=OutputFormat(kind="json_object"), temperature=1.5, stream=True))
    value, asked = ask("p_true", case, [says(("True", 0.6), (" false", 0.15), ("Maybe", 0.2), ("TRUE", 0.1))])
    assert value == pytest.approx(0.7 / 0.85)
    (question,) = asked
    assert isinstance(question, Ask)
    assert question.logprobs
    assert question.target is None
    sent = question.chat
    assert sent.messages[:1] == case.question.messages
    assert sent.messages[1] == Message("assistant", (Text("Open the settings."),))
    assert "True or False" in str(sent.messages[2])
    assert (sent.logprobs, sent.stream, sent.stop, sent.format) == (True, False, (), None)


@pytest.mark.parametrize(
    "reply", [None, 0.5, answer("True"), says(("Perhaps", 0.9)), answer("", logprobs=tokens(-0.1))]
)
def test_p_true_knows_nothing_where_neither_word_was_told(reply: Answer | float | None) -> None:
    assert ask("p_true", held(), [reply])[0] is None


def test_p_true_reads_the_first_word() -> None:
    quoted = answer('"True"', logprobs=(TokenLogprob('"', -0.1), *says(("False", 0.5), ("True", 0.5)).logprobs))
    assert ask("p_true", held(), [quoted])[0] == pytest.approx(0.5)


def test_p_true_asks_nothing_about_calls_silence_or_a_beginning() -> None:
    for case in (held(answer("", ToolCall("c", "time", "{}"))), held(answer(" ")), held(whole=False)):
        assert ask("p_true", case, []) == (None, [])


def test_p_true_may_not_be_answered_by_a_call() -> None:
    case = held(question=chat(tools=(Tool(name="time"),), tool_choice=ToolChoice(mode="required")))
    (question,) = ask("p_true", case, [None])[1]
    assert isinstance(question, Ask)
    assert question.chat.tool_choice == ToolChoice(mode="none")


# --- Judge ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "grade"),
    [
        ('It is right.\n{"score": 8}', 0.8),
        ('{"score": 3} was my first thought.\n```json\n{"reason": "complete", "score": "9.5"}\n```', 0.95),
        ("Score: 7/10", 0.7),
        ("**Score:** 7", 0.7),
        ("On a score from 0 to 10: the grade is 4.", 0.4),
        ("I would give it 6 out of 10. Not 9 / 100.", 0.6),
        ("10", 1.0),
        (" 0.\n", 0.0),
        ('{"score": 11}', None),
        ('{"score": -1}', None),
        ("Score: 85/100", None),
        ("There are 3 mistakes in it.", None),
        ("", None),
    ],
)
def test_a_grade_is_found_in_many_forms(text: str, grade: float | None) -> None:
    assert grade_in(text) == grade


@given(st.text())
def test_a_grade_is_on_the_scale_whatever_the_judge_says(text: str) -> None:
    grade = grade_in(text)
    assert grade is None or 0 <= grade <= 1


def test_a_judge_sees_question_and_answer_and_not_who_wrote_it() -> None:
    question = Chat(
        system=(Text("You sell trains."),),
        messages=(
            Message("user", (Text("What is this?"), Image(url="https://example.org/a.png"))),
            Message("assistant", (ToolCall("c", "look", "{}"),)),
            Message("user", (ToolResult("c", (Text("a turnout"),)),)),
        ),
    )
    settings = {"target": "large", "rubric": "It names the thing.", "max_tokens": 50, "temperature": None}
    value, asked = ask("judge", held(answer("A turnout."), question), [answer('{"score": 9}')], settings)
    assert value == 0.9
    (judgement,) = asked
    assert isinstance(judgement, Ask)
    assert (judgement.target, judgement.logprobs) == ("large", False)
    text, image = judgement.chat.messages[0].parts
    assert isinstance(text, Text)
    for told in (
        "You sell trains.",
        "What is this?",
        "[image]",
        "[calls look",
        "a turnout",
        "A turnout.",
        "It names the",
    ):
        assert told in text.text
    assert "small" not in text.text  # the target whose answer it is
    assert image == Image(url="https://example.org/a.png")
    assert (judgement.chat.max_tokens, judgement.chat.temperature) == (50, None)


def test_a_judge_may_be_held_to_a_form() -> None:
    value, asked = ask("judge", held(), [answer('{"score":7}')], {"target": "large", "structured": True})
    assert value == 0.7
    (judgement,) = asked
    assert isinstance(judgement, Ask)
    assert judgement.chat.format is not None
    assert judgement.chat.format.schema is not None
    assert not violates(judgement.chat.format.schema, {"score": 7})
    assert violates(judgement.chat.format.schema, {"score": 11})
    assert "in one or two sentences" not in str(judgement.chat.messages)


def test_an_answer_cannot_close_its_own_marks() -> None:
    first = ask("judge", held(answer("Fine.")), [None], {"target": "large"})[1][0]
    other = ask("judge", held(answer("Fine!")), [None], {"target": "large"})[1][0]
    assert isinstance(first, Ask)
    assert isinstance(other, Ask)
    marks = [str(each.chat.messages[0]).partition("<answer-")[2][:12] for each in (first, other)]
    assert marks[0] != marks[1]


def test_a_judge_is_shown_the_end_of_a_long_conversation() -> None:
    (asked,) = ask("judge", held(question=chat("x" * 5_000 + " the end")), [None], {"target": "large", "chars": 300})[1]
    assert isinstance(asked, Ask)
    shown = str(asked.chat.messages[0])
    assert "x the end" in shown
    assert len(shown) < 2_500


def test_a_judge_that_does_not_answer_has_said_nothing() -> None:
    assert ask("judge", held(), [None], {"target": "large"})[0] is None
    assert ask("judge", held(), [answer("Hm.")], {"target": "large"})[0] is None
    assert ask("judge", held(whole=False), [], {"target": "large"}) == (None, [])


def test_a_judge_has_to_be_named() -> None:
    with pytest.raises(ConfigError, match=r"the signal judge needs the setting `target`. Its settings: target, rubric"):
        signal_named("judge")


# --- Agreement --------------------------------------------------------------------------------------------------


def test_agreement_is_the_share_of_samples_that_say_the_same() -> None:
    samples = [answer("The answer is 42."), answer("So it is 6 × 7.\n#### 42.0"), answer("41")]
    value, asked = ask("agreement", held(answer("42")), samples)
    assert value == pytest.approx(2 / 3)
    assert len(asked) == 3


def test_samples_can_differ() -> None:
    case = held(question=chat(temperature=0.0, seed=7, logprobs=True, top_logprobs=3, stream=True, foreign=("n",)))
    _, asked = ask("agreement", case, [None, None], {"samples": 2, "temperature": 0.9})
    sent = [each.chat for each in asked if isinstance(each, Ask)]
    assert [each.seed for each in sent] == [8, 9]
    assert {(each.temperature, each.logprobs, each.top_logprobs, each.stream, each.foreign) for each in sent} == {
        (0.9, False, None, False, ())
    }
    (warm,) = ask("agreement", held(question=chat(temperature=1.2)), [None], {"samples": 1})[1]
    assert isinstance(warm, Ask)
    assert (warm.chat.temperature, warm.chat.seed) == (1.2, None)


def test_samples_that_failed_do_not_count() -> None:
    assert ask("agreement", held(answer("42")), [None, answer("42"), None])[0] == 1.0
    assert ask("agreement", held(answer("42")), [None, None, None])[0] is None
    assert ask("agreement", held(whole=False), []) == (None, [])


def test_agreement_by_meaning_is_the_cosine_of_embeddings() -> None:
    directions = {"yes": [1.0, 0.0], "surely": [3.0, 4.0], "no": [-1.0, 0.0], "": [0.0, 0.0]}
    replies = [answer("surely"), answer("no"), answer("", ToolCall("c", "time", "{}"))]
    value, _ = ask(
        "agreement", held(answer("yes")), replies, {"by": "meaning"}, embed=lambda texts: [directions[t] for t in texts]
    )
    assert value == pytest.approx((0.6 + 0.0 + 0.0) / 3)
    with pytest.raises(ConfigError, match=r"by meaning needs embeddings: pip install 'turnout\[embeddings\]'"):
        signal_named("agreement", {"by": "meaning"})


@given(st.lists(st.sampled_from(["42", "42.0", "41", "B", "Paris", "paris."]), min_size=1, max_size=5))
def test_agreement_does_not_depend_on_the_order_of_the_samples(texts: list[str]) -> None:
    settings = {"samples": len(texts)}
    values = {
        ask("agreement", held(answer("42")), [answer(text) for text in order], settings)[0]
        for order in (texts, sorted(texts), texts[::-1])
    }
    (value,) = values
    assert value is not None
    assert 0 <= value <= 1


# --- Scores by the user's own code ------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("name", "settings"),
    [
        ("python", {"call": "shop.quality:score"}),
        ("ours", {"signal": "http", "url": "http://scorer.internal:8080/score", "headers": {"x-key": "k"}}),
    ],
)
def test_a_score_is_asked_for_by_name(name: str, settings: dict[str, Any]) -> None:
    question = chat(system=(Text("Be brief."),))
    value, asked = ask(name, held(answer("42", ToolCall("c", "time", "{}")), question), [0.25], settings)
    assert value == 0.25
    (score,) = asked
    assert isinstance(score, Score)
    assert score.scorer == name
    assert score.case == {
        "question": [
            {"role": "system", "text": "Be brief."},
            {"role": "user", "text": "How do I reset my password?"},
        ],
        "answer": "42",
        "tool_calls": [{"name": "time", "arguments": "{}"}],
        "finish": "stop",
        "target": "small",
        "features": score.case["features"],
    }
    assert score.case["features"]["chars"] == 27.0
    assert ask(name, held(), [None], settings)[0] is None
    assert ask(name, held(whole=False), [], settings) == (None, [])


@pytest.mark.parametrize(
    ("name", "settings", "told"),
    [
        ("python", {"call": "shop.quality.score"}, "the setting call of the signal python is 'shop.quality.score'"),
        ("python", {"call": "a:b", "timeout": "soon"}, "the setting timeout of the signal python is 'soon'"),
        ("python", {"call": "a:b", "timeout": "0s"}, "cannot be made: a duration is more than 0"),
        ("http", {"url": "scorer.internal/score"}, "cannot be made: the url is that of a service, like http://"),
        ("http", {"url": "file:///etc/passwd"}, "cannot be made: the url is that of a service"),
        ("http", {}, "the signal http needs the setting `url`"),
    ],
)
def test_a_scorer_that_cannot_be_is_told(name: str, settings: dict[str, Any], told: str) -> None:
    with pytest.raises(ConfigError, match=told):
        signal_named(name, settings)


def test_a_scorers_key_is_not_shown() -> None:
    signal = signal_named("http", {"url": "http://scorer.internal/", "headers": {"authorization": "Bearer k-1"}})
    assert "k-1" not in repr(signal)
    assert "k-1" not in str(signal)
