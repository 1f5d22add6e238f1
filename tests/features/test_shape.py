"""A request's features are read from its outline, whatever the dialect was."""

from __future__ import annotations

from turnout.features.phrases import PhraseLists
from turnout.features.shape import read_features
from turnout.features.tokens import TOKENS_PER_IMAGE, TOKENS_PER_TOOL, TOKENS_PER_TURN, estimate_tokens
from turnout.types.request import Outline, Said

LISTS = PhraseLists({"faq": ["opening hours"]})


def test_phrases_and_lengths_are_the_last_users_turn() -> None:
    outline = Outline(said=(Said("user", "opening hours?"), Said("assistant", "9 to 5."), Said("user", "thanks!!")))
    features = read_features(outline, lists=LISTS)
    assert features.matches == {}
    assert (features.chars, features.tokens, features.turns) == (8, 2, 2)


def test_the_context_is_everything_that_is_sent() -> None:
    said = (Said("system", "x" * 40), Said("user", "opening hours"))
    features = read_features(Outline(said=said, tools=2, images=1), lists=LISTS)
    text = estimate_tokens("x" * 40) + estimate_tokens("opening hours") + 2 * TOKENS_PER_TURN
    assert features.context_tokens == text + 2 * TOKENS_PER_TOOL + TOKENS_PER_IMAGE
    assert features.matches == {"faq": "opening hours"}


def test_needs_are_sorted_so_that_records_compare() -> None:
    outline = Outline(said=(), needs=frozenset({"tools", "field:b", "images"}), max_tokens=5)
    features = read_features(outline, lists=PhraseLists())
    assert features.needs == ("field:b", "images", "tools")
    assert features.max_tokens == 5


def test_a_conversation_without_a_user_has_an_empty_query() -> None:
    features = read_features(Outline(said=(Said("system", "Hi"),)), lists=LISTS)
    assert (features.chars, features.tokens, features.turns, features.language) == (0, 0, 0, None)
