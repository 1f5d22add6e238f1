"""Word and character n-grams of a text, weighted by TF-IDF.

An n-gram is known by a fingerprint of 63 bits and not by its letters: all of a text's are computed at once from one
running sum, and a vocabulary of fingerprints repeats nothing of the texts that it was made from.

What is counted, and how it is weighted, is what scikit-learn's `TfidfVectorizer` does with `analyzer="word"`,
`ngram_range=(1, 2)` and with `analyzer="char_wb"`, `ngram_range=(3, 5)`, both with `sublinear_tf=True`: their columns
side by side have the same values as these, to the rounding of a float.
"""

from __future__ import annotations

from collections.abc import Iterable
from functools import cache
from types import ModuleType
from typing import TYPE_CHECKING, Any, Final, NamedTuple

from turnout.errors import MissingExtra

if TYPE_CHECKING:
    import numpy as np

    Array = np.ndarray[Any, np.dtype[Any]]
    Prints = np.ndarray[Any, np.dtype[np.uint64]]

LONGEST: Final = 1_000
"""Of a longer text, as many characters are read: half of them from its start, half from its end."""
WIDTHS: Final = (3, 4, 5)
"""The characters of a character n-gram."""
SHORTEST_WORD: Final = 2

_BASE: Final = 0x9E3779B97F4A7C15  # odd, so that it has an inverse modulo 2^64; the golden ratio's digits
_FIRST: Final = 0xBF58476D1CE4E5B9
_SECOND: Final = 0x94D049BB133111EB
_CHAR: Final = 1 << 63
_BMP: Final = 0x10000
_SPACE: Final = 32
_ROOM: Final = 1
"""A vocabulary's index has 2 to 4 drawers for each n-gram."""


class Ngrams(NamedTuple):
    """The n-grams of one text.

    Attributes:
        prints: the distinct fingerprints, ascending; those of words first.
        counts: how often each stands in the text.
    """

    prints: Prints
    counts: Array


class Weighted(NamedTuple):
    """A text as a vocabulary sees it.

    Attributes:
        places: of the n-grams that the vocabulary has, ascending.
        values: their weights; the words' and the characters' are each of length 1.
        known: the share of the text's distinct n-grams that the vocabulary has; 0 for a text without any.
    """

    places: Array
    values: Array
    known: float


class Vocabulary:
    """The n-grams that are looked at, and how much each says.

    Args:
        prints: fingerprints, ascending, each once.
        idf: the inverse document frequency of each.

    Attributes:
        words: how many of them are of words; they come first.
    """

    def __init__(self, prints: Prints, idf: Array) -> None:
        np = numpy()
        self.prints = prints
        self.idf = idf
        self.words = int(np.searchsorted(prints, np.uint64(_CHAR)))
        self._shift = np.uint64(64 - max(len(prints), 1).bit_length() - _ROOM)
        drawers = np.arange(1 << (64 - int(self._shift)), dtype=np.uint64) << self._shift
        self._first = np.searchsorted(prints, drawers).astype(np.intp)
        self._ended = np.concatenate((prints, [np.uint64(_CHAR - 1 + _CHAR)]))

    def __len__(self) -> int:
        """How many n-grams."""
        return len(self.prints)

    def weigh(self, ngrams: Ngrams) -> Weighted:
        """The weights of a text's n-grams: (1 + ln count) · idf, divided by their length as a vector."""
        np = numpy()
        prints, counts = ngrams
        if not len(self) or not len(prints):
            return Weighted(np.zeros(0, np.intp), np.zeros(0), 0.0)
        # `take` is a third of the price of brackets, here and wherever a request is read.
        places = self._first.take((prints >> self._shift).astype(np.intp))
        while (behind := self._ended.take(places) < prints).any():
            places += behind
        has = np.flatnonzero(self._ended.take(places) == prints)
        places = places.take(has)
        values = (1.0 + np.log(counts.take(has))) * self.idf.take(places)
        words = int(places.searchsorted(self.words))
        for part in (values[:words], values[words:]):
            np.divide(part, part.dot(part) ** 0.5 or 1.0, out=part)
        return Weighted(places, values, len(has) / len(prints))


def read_ngrams(text: str) -> Ngrams:
    """The n-grams of a text."""
    np = numpy()
    codes = _codes(text)
    size = len(codes)
    powers, inverses = _powers()
    sums = np.zeros(size + 1, np.uint64)
    np.cumsum(codes * powers[1 : size + 1], out=sums[1:])
    prints = np.concatenate((*_words(codes, sums, inverses), _windows(codes, sums, inverses)))
    prints.sort()
    edges = np.flatnonzero(prints[1:] != prints[:-1])
    bounds = np.empty(len(edges) + 2, np.intp) if len(prints) else edges
    bounds[:1], bounds[1:-1], bounds[-1:] = 0, edges + 1, len(prints)
    firsts = bounds[:-1]
    return Ngrams(prints.take(firsts), bounds[1:] - firsts)


def make_vocabulary(texts: Iterable[Ngrams], *, least: tuple[int, int] = (2, 3), most: int = 2**17) -> Vocabulary:
    """The vocabulary of a collection of texts.

    Args:
        texts: their n-grams.
        least: in how many texts an n-gram of words, and one of characters, must stand.
        most: how many n-grams to keep: those that stand in the most texts.
    """
    np = numpy()
    every = [text.prints for text in texts]
    prints, counts = np.unique(np.concatenate(every), return_counts=True)
    enough = counts >= np.where(prints < np.uint64(_CHAR), *least)
    prints, counts = prints[enough], counts[enough]
    if len(prints) > most:
        kept = np.sort(np.argsort(-counts, kind="stable")[:most])
        prints, counts = prints[kept], counts[kept]
    return Vocabulary(prints, idf(counts, len(every)))


def idf(counts: Array, texts: int) -> Array:
    """ln((1 + texts) / (1 + count)) + 1: the smoothed inverse document frequency, as scikit-learn has it."""
    weights: Array = numpy().log((1 + texts) / (1 + counts.astype(float))) + 1.0
    return weights


def numpy() -> ModuleType:
    """The module.

    Raises:
        MissingExtra: the extra `learn` is not installed.
    """
    try:
        import numpy as np
    except ImportError:
        raise MissingExtra("a classifier", "learn") from None
    return np


def _codes(text: str) -> Prints:
    """The characters' numbers, folded: lower case, single spaces, one at either end."""
    np = numpy()
    if len(text) > LONGEST:
        text = f"{text[: LONGEST // 2]} {text[-LONGEST // 2 :]}"
    folded = f" {' '.join(text.lower().split())} "
    raw = folded.encode("utf-32-le", "surrogatepass")
    codes: Prints = np.frombuffer(raw, np.uint32).astype(np.uint64)
    return codes


def _words(codes: Prints, sums: Prints, inverses: Prints) -> tuple[Prints, Prints]:
    """The fingerprints of the words of two characters or more, and of the pairs of neighbours among them."""
    np = numpy()
    inside = _in_word(codes)
    turns = np.flatnonzero(inside[1:] != inside[:-1]) + 1  # a space stands at either end, so they come in pairs
    starts, ends = turns[::2], turns[1::2]
    long = ends - starts >= SHORTEST_WORD
    starts, ends = starts[long], ends[long]
    words = (sums.take(ends) - sums.take(starts)) * inverses.take(starts)
    pairs = words[:-1] * np.uint64(_FIRST) + words[1:] * np.uint64(_SECOND)
    return words >> np.uint64(1), pairs >> np.uint64(1)


def _windows(codes: Prints, sums: Prints, inverses: Prints) -> Prints:
    """The fingerprints of all n-grams of characters that lie within a word and the spaces around it."""
    np = numpy()
    letters = codes != np.uint64(_SPACE)
    within, insides, prints = letters, [], []
    for width in WIDTHS:
        within = letters[1:-1] if width == WIDTHS[0] else within[:-1] & letters[width - 2 : -1]
        insides.append(within)
        prints.append((sums[width:] - sums[:-width]) * inverses[: len(within)])
    found: Prints = np.concatenate(prints)[np.concatenate(insides)] >> np.uint64(1) | np.uint64(_CHAR)
    return found


def _in_word(codes: Prints) -> Array:
    """Which characters are part of a word: letters, digits, the underscore, as regular expressions have it."""
    np = numpy()
    table = _table()
    if codes.max() < _BMP:
        return table.take(codes.astype(np.intp))
    inside: Array = table[np.minimum(codes, np.uint64(_BMP))]
    for place in np.flatnonzero(codes >= np.uint64(_BMP)):
        inside[place] = chr(int(codes[place])).isalnum()
    return inside


@cache
def _table() -> Array:
    """For each character of the basic plane whether it is part of a word; and False for all others."""
    np = numpy()
    table: Array = np.array([chr(code).isalnum() or code == ord("_") for code in range(_BMP)] + [False])
    return table


@cache
def _powers() -> tuple[Prints, Prints]:
    """The powers of the base modulo 2^64, and of its inverse."""
    np = numpy()
    most = 4 * LONGEST  # folding can make a text longer: a character's lower case may be three
    inverse = pow(_BASE, -1, 1 << 64)
    with np.errstate(over="ignore"):
        return tuple(
            np.cumprod(np.concatenate((np.ones(1, np.uint64), np.full(most, base, np.uint64))))
            for base in (_BASE, inverse)
        )
