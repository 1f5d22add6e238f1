"""What a text means, as a vector: static embeddings, which take a table and no model to run."""

from __future__ import annotations

from functools import cache
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from turnout.errors import MissingExtra

if TYPE_CHECKING:
    import numpy as np

    Array = np.ndarray[Any, np.dtype[Any]]

NAME: Final = "wordllama-256"
"""WordLlama's own default: 256 numbers for a text, averaged from those of its tokens."""


def embed(text: str) -> Array:
    """The vector of `text`, of length 1; zeros for a text without tokens. About 100 µs for 300 characters.

    Raises:
        MissingExtra: the extra `embeddings` is not installed.
    """
    vector: Array = embed_all([text])[0]
    return vector


def embed_all(texts: list[str]) -> Array:
    """The vectors of several texts, a row for each. Raises as `embed` does."""
    vectors: Array = load_embeddings().embed(texts, norm=True).astype(float)
    return vectors


@cache
def load_embeddings() -> Any:
    """The table, loaded once in a process; it lies in its package, and nothing is downloaded.

    Raises:
        MissingExtra: the extra `embeddings` is not installed.
    """
    try:
        wordllama = import_module("wordllama")
    except ImportError:
        raise MissingExtra("embeddings", "embeddings") from None
    return wordllama.WordLlama.load(cache_dir=Path(str(wordllama.__file__)).parent, disable_download=True)
