"""The query's language, where a rule asks for it."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from importlib.util import find_spec

import pytest

from turnout.errors import MissingExtra
from turnout.features.language import detect_language, load_language_model


@pytest.fixture(autouse=True)
def _fresh() -> Iterator[None]:
    load_language_model.cache_clear()
    yield
    load_language_model.cache_clear()


def test_without_the_extra_the_command_that_installs_it_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "py3langid.langid", None)
    with pytest.raises(MissingExtra, match=r"pip install 'turnout\[language\]'"):
        detect_language("Where is my order?")


@pytest.mark.skipif(find_spec("py3langid") is None, reason="the extra `language` is not installed")
def test_short_questions_are_told_apart() -> None:
    told = {
        "Where is my order?": "en",
        "How do I reset my password?": "en",
        "Wie setze ich mein Passwort zurück?": "de",
        "Comment réinitialiser mon mot de passe ?": "fr",
        "¿Dónde está mi pedido?": "es",
        "Dove è il mio ordine?": "it",
        "где мой заказ": "ru",
        "我想退款": "zh",
        "パスワードを忘れました": "ja",
        "42 + 17 = ?": None,
        "": None,
    }
    assert {text: detect_language(text) for text in told} == told
