"""A request's features, as numbers beside the signals."""

from __future__ import annotations

from typing import Final

import msgspec

from turnout.confidence.signal import Values
from turnout.types.features import Features

REQUEST_VALUES: Final = tuple(each.name for each in msgspec.structs.fields(Features) if each.type in (int, int | None))
"""The names: every feature that is a number."""


def request_values(features: Features) -> Values:
    """A request's features as numbers, by their names; a limit that the caller did not set is 0."""
    return {name: float(getattr(features, name) or 0) for name in REQUEST_VALUES}
