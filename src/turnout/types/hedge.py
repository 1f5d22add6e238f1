"""When a silent call gets company."""

from __future__ import annotations

import msgspec


class Hedge(msgspec.Struct, frozen=True, kw_only=True):
    """A route's hedging: a second call while the first one is silent.

    Attributes:
        route: the route's name.
        after_s: after so many seconds of silence; None goes by the quantile.
        quantile: after the silence within which this share (0 to 1) of the target's recent calls had begun to answer.
        max_share: at most this share (0 to 1) of the route's requests is hedged.
    """

    route: str
    after_s: float | None = None
    quantile: float = 0.95
    max_share: float = 0.05
