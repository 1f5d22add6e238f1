"""How the judging of a route's answers stands at this moment."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

import msgspec


class Standing(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """What a cascade reads besides the answer itself.

    Attributes:
        keep_from: answers of at least this rank (`Judged.rank`) are kept for the escalations to suffice for worse ones;
            None where the cascade's own threshold holds alone.
        spent: no further escalation is allowed now.
        shifted: the inputs whose values have moved away from those that a calibration was fitted on, by its id.
    """

    keep_from: float | None = None
    spent: bool = False
    shifted: Mapping[str, tuple[str, ...]] = msgspec.field(default_factory=dict)


NOTHING_JUDGED: Final = Standing()
"""Of a route without a cascade, or of one without a bound or a calibration."""
