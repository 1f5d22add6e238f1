"""Labelled requests, as training takes them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, Final, Self

import msgspec

from turnout.features.ngrams import numpy
from turnout.types.features import Features

if TYPE_CHECKING:
    import numpy as np

    Array = np.ndarray[Any, np.dtype[Any]]

TIMELESS: Final = ""


class Rows(msgspec.Struct, frozen=True, kw_only=True):
    """Requests with what came of them: of all sequences one entry, and of all arrays one row, for each request.

    Attributes:
        names: the targets, the cheapest first.
        texts: what the user said last.
        features: what the requests looked like.
        acceptable: for each target 1 where its answer was good enough, 0 where not, NaN where that is not known.
        cost_usd, latency_ms, output_tokens: of each target's answer; NaN where that is not known.
        groups: what belongs together (the same question, say) and is never split between training and checking.
        times: when each was asked, ISO 8601; all empty where nobody knows.
        segments: what the model card reports by (a language, a customer group); all empty for none.
        topics: what the requests are about, where labels say; all empty for none.
    """

    names: tuple[str, ...]
    texts: Sequence[str]
    features: Sequence[Features]
    acceptable: Any
    cost_usd: Any
    latency_ms: Any
    output_tokens: Any
    groups: Sequence[str]
    times: Sequence[str]
    segments: Sequence[str]
    topics: Sequence[str]

    def __len__(self) -> int:
        """How many requests."""
        return len(self.texts)

    def take(self, chosen: Any) -> Self:
        """Those of a mask, an index or a slice."""
        places = numpy().arange(len(self))[chosen]
        picked: dict[str, Any] = {"names": self.names}
        for name in ("acceptable", "cost_usd", "latency_ms", "output_tokens"):
            picked[name] = getattr(self, name)[places]
        for name in ("texts", "features", "groups", "times", "segments", "topics"):
            column = getattr(self, name)
            picked[name] = [column[place] for place in places]
        return type(self)(**picked)

    @property
    def complete(self) -> Any:
        """A mask of the requests of which every target's worth is known."""
        return ~numpy().isnan(self.acceptable).any(axis=1)
