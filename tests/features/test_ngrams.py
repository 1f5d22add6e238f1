"""N-grams are weighted as scikit-learn weighs them, from fingerprints that repeat no text."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.feature_extraction.text import TfidfVectorizer

from turnout.features.ngrams import LONGEST, make_vocabulary, read_ngrams

QUERIES = [
    "How do I reset my password?",
    "How do I reset my PASSWORD on  the\nphone?",
    "Was kostet der Versand nach Österreich? Grüße",
    "我想退货,怎么办? 2 件",
    "SELECT name, COUNT(*) FROM orders_2024 GROUP BY name;",
    "naïve café 👍🏽 𠀀𠀁-ray ﬁnance İstanbul",
    "a b c d I x",
    "",
    "the the the the password password",
]
TEXT = st.text(alphabet=st.characters(codec="utf-8"), max_size=60) | st.sampled_from(QUERIES)


def weights(collection: list[str], query: str) -> tuple[np.ndarray, np.ndarray]:
    """A query's weights under the vocabulary of a collection, sorted: words', then characters'."""
    vocabulary = make_vocabulary(map(read_ngrams, collection), least=(1, 1))
    weighted = vocabulary.weigh(read_ngrams(query))
    words = weighted.places < vocabulary.words
    return np.sort(weighted.values[words]), np.sort(weighted.values[~words])


def of_sklearn(collection: list[str], query: str) -> tuple[np.ndarray, np.ndarray]:
    words = TfidfVectorizer(ngram_range=(1, 2), sublinear_tf=True)
    characters = TfidfVectorizer(analyzer="char_wb", ngram_range=(3, 5), sublinear_tf=True)
    rows = [each.fit(collection).transform([query]) for each in (words, characters)]
    return np.sort(rows[0].data), np.sort(rows[1].data)


@pytest.mark.parametrize("query", [*QUERIES, "Versand und password: how do they reset?", "x" * 300])
def test_weights_are_those_of_scikit_learn(query: str) -> None:
    for ours, theirs in zip(weights(QUERIES, query), of_sklearn(QUERIES, query), strict=True):
        assert ours.shape == theirs.shape
        np.testing.assert_allclose(ours, theirs, atol=1e-12)


@settings(max_examples=60, deadline=None)
@given(st.lists(TEXT, max_size=6), TEXT)
def test_so_they_are_for_any_text(collection: list[str], query: str) -> None:
    collection = [*collection, "two words"]  # scikit-learn refuses a collection without any
    for ours, theirs in zip(weights(collection, query), of_sklearn(collection, query), strict=True):
        assert ours.shape == theirs.shape
        np.testing.assert_allclose(ours, theirs, atol=1e-9)


def test_of_a_long_text_the_start_and_the_end_are_read() -> None:
    middle = "middle " * LONGEST
    whole = "start " + middle + "secret " + middle + "finish"
    prints = set(read_ngrams(whole).prints.tolist())
    assert prints >= set(read_ngrams("start").prints.tolist())
    assert prints >= set(read_ngrams("finish").prints.tolist())
    assert not prints & set(read_ngrams("secret").prints.tolist())


def test_a_text_of_which_nothing_is_known_has_no_weights() -> None:
    vocabulary = make_vocabulary([read_ngrams("only this")], least=(1, 1))
    assert vocabulary.weigh(read_ngrams("zzzz qqqq")).known == 0.0
    assert len(vocabulary.weigh(read_ngrams("")).places) == 0


def test_the_most_common_ngrams_are_kept() -> None:
    texts = [read_ngrams("common words"), read_ngrams("common words"), read_ngrams("rare")]
    vocabulary = make_vocabulary(texts, least=(1, 1), most=10)
    assert len(vocabulary) == 10
    assert vocabulary.weigh(read_ngrams("rare")).known == 0.0
