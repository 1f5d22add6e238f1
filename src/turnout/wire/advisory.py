"""Fields of a request that ask for nothing an answer would show, and may be left out of a translation."""

from __future__ import annotations

from typing import Any

import msgspec


class Advisory(msgspec.Struct, frozen=True):
    """Why a field may be left out when a request is translated.

    Attributes:
        reason: in one sentence, for the documentation.
        only: the values for which that holds; None for every value. With any other, the field is a need.
    """

    reason: str
    only: tuple[Any, ...] | None = None

    def allows(self, value: Any) -> bool:
        """Whether the field may be left out with this value."""
        return self.only is None or any(value is allowed or value == allowed for allowed in self.only)
