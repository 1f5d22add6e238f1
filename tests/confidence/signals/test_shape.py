"""How an answer ended, and how it says what it says."""

from __future__ import annotations

import pytest

from tests.confidence.signals.holding import answer, held, read
from turnout.confidence.signals.table import Abilities
from turnout.types.chat import Finish, Refusal, Thinking, ToolCall

CALL = ToolCall("c", "weather", '{"city":"Oslo"}')


@pytest.mark.parametrize("finish", list(Finish))
def test_truncated_is_what_was_cut_off(finish: Finish) -> None:
    cut = finish in (Finish.LENGTH, Finish.CONTEXT_FULL, Finish.PAUSE)
    assert read("truncated", held(answer(finish=finish))) == float(cut)


@pytest.mark.parametrize(
    "text",
    [
        "I'm sorry, but I can't help with that.",
        "I’m sorry, but I can’t assist with that request.",
        "I apologize, but I cannot provide that.",
        "Unfortunately, I am unable to answer this question.",
        "I cannot, in good faith, provide medical advice.",
        "As an AI language model, I don't have access to that.",
        "That goes against my guidelines.",
        "Es tut mir leid, aber das geht nicht.",
        "Ich kann Ihnen dabei leider nicht helfen.",
        "Je suis désolé, mais je ne peux pas vous aider.",
        "Lo siento, pero no puedo ayudar con eso.",
        "Mi dispiace, ma non posso aiutarti.",
        "Desculpe, mas não posso ajudar.",
        "很抱歉,我无法回答这个问题。",
        "申し訳ありませんが、お答えできません。",
    ],
)
def test_a_refusal_is_found_in_many_words(text: str) -> None:
    assert read("refused", held(answer(text))) == 1.0
    assert read("refused", held(answer(text), whole=False)) == 1.0


@pytest.mark.parametrize(
    "text",
    [
        "",
        "Open the settings, then choose a new password.",
        "Sorry to hear that! You can reset it in the settings.",
        "You cannot change your name there; write to us and we will help.",
        "I can help with that.",
        "A refusal reads like this. " * 12 + "I'm sorry, but I can't help with that.",
    ],
)
def test_an_answer_is_no_refusal(text: str) -> None:
    assert read("refused", held(answer(text))) == 0.0


def test_what_the_provider_calls_a_refusal_is_one() -> None:
    assert read("refused", held(answer("", Refusal("No.")))) == 1.0
    assert read("refused", held(answer("Well", finish=Finish.CONTENT_FILTER))) == 1.0


def test_hedging_is_doubt_per_word() -> None:
    sure, unsure = "It is 42.", "I think it is probably 42, but I'm not entirely sure."
    assert read("hedging", held(answer(sure))) == 0.0
    assert read("hedging", held(answer(unsure))) == pytest.approx(3 / 12)
    assert read("hedging", held(answer("Das ist vielleicht falsch."))) == pytest.approx(1 / 4)
    assert read("hedging", held(answer(""))) == 0.0


def test_empty_is_an_answer_that_says_and_does_nothing() -> None:
    assert read("empty", held(answer(""))) == 1.0
    assert read("empty", held(answer(" \n"))) == 1.0
    assert read("empty", held(answer("", Thinking("Well.")))) == 1.0
    assert read("empty", held(answer("Yes"))) == 0.0
    assert read("empty", held(answer("", CALL))) == 0.0
    assert read("empty", held(answer("", Refusal("No.")))) == 0.0


def test_the_length_is_that_of_text_and_arguments() -> None:
    assert read("answer_chars", held(answer("Yes", CALL))) == 3 + len(CALL.arguments)


def test_what_only_a_whole_answer_tells_is_not_read_off_a_beginning() -> None:
    for name in ("truncated", "empty", "answer_chars", "schema_invalid", "tools_invalid", "language_differs"):
        able = Abilities(detect=lambda text: text[:2])
        assert read(name, held(answer("Yes"), whole=False), abilities=able) is None
