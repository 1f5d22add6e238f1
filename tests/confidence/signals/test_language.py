"""Whether the answer is in the question's language."""

from __future__ import annotations

import pytest

from tests.confidence.signals.holding import answer, chat, held, read
from turnout.confidence.signals.table import Abilities, signal_named
from turnout.errors import ConfigError
from turnout.features.language import detect_language
from turnout.types.chat import Chat, Image, Message
from turnout.types.features import Features

GERMAN, ENGLISH = "Wie setze ich mein Passwort zurück?", "Open the settings and choose a new password."
ABLE = Abilities(detect=detect_language)


def differs(asked: str, said: str, **fields: Features) -> float | None:
    return read("language_differs", held(answer(said), chat(asked), **fields), abilities=ABLE)


def test_an_answer_in_another_language_is_found() -> None:
    assert differs(GERMAN, ENGLISH) == 1.0
    assert differs(GERMAN, "Öffnen Sie die Einstellungen und wählen Sie ein neues Passwort.") == 0.0
    assert differs("How do I reset my password?", ENGLISH) == 0.0


@pytest.mark.parametrize("said", ["42", "", "17.5 + 3.25 = 20.75 000 000 1"])
def test_where_no_language_is_clear_none_differs(said: str) -> None:
    assert differs(GERMAN, said) == 0.0
    assert differs(said, ENGLISH) == 0.0


def test_the_features_know_the_questions_language_already() -> None:
    french = Features(chars=30, tokens=7, context_tokens=7, language="fr")
    assert differs("How do I reset my password?", ENGLISH, features=french) == 1.0


def test_the_question_is_the_last_text_that_the_user_said() -> None:
    turns = (
        Message("user", chat(GERMAN).messages[0].parts),
        Message("assistant", answer(ENGLISH).parts),
        Message("user", (Image(url="https://example.org/a.png"),)),
    )
    case = held(answer(ENGLISH), Chat(messages=turns))
    assert read("language_differs", case, abilities=ABLE) == 1.0
    assert read("language_differs", held(answer(ENGLISH), Chat(messages=turns[1:])), abilities=ABLE) == 0.0


def test_without_an_identifier_there_is_no_such_signal() -> None:
    with pytest.raises(ConfigError, match=r"language_differs cannot be made: .*turnout\[language\]"):
        signal_named("language_differs")
