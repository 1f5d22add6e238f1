"""Ids of decisions: UUIDv7 (RFC 9562, section 5.7), so that they sort by time."""

from __future__ import annotations

import os
from datetime import UTC, datetime, timedelta

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MILLISECOND = timedelta(milliseconds=1)
_VERSION_7 = 0x7 << 76
_VARIANT = 0b10 << 62
_LOW_62 = (1 << 62) - 1
_LOW_74 = (1 << 74) - 1


class DecisionIds:
    """Makes ids that are unique across processes, and that only ever grow within one.

    Within a millisecond, and while the wall clock is set back, the 74 random bits are counted up by a random step
    (RFC 9562, section 6.2, method 2). The randomness is the kernel's, so a forked process repeats nothing.
    """

    def __init__(self) -> None:
        self._last = 0

    def new(self, at: datetime) -> str:
        """A new id.

        Args:
            at: the wall time that the id is to sort by, aware.
        """
        random = int.from_bytes(os.urandom(10), "big")
        last = self._last
        value = ((at - _EPOCH) // _MILLISECOND) << 74
        if value >> 74 > last >> 74:
            value |= random & (_LOW_74 >> 1)  # the top bit stays free, so that counting up cannot run over
        else:
            value = last + 1 + (random & 0xFFFFFFFF)
        self._last = value
        stamp_and_a = value >> 62
        digits = (
            f"{(stamp_and_a >> 12) << 80 | _VERSION_7 | (stamp_and_a & 0xFFF) << 64 | _VARIANT | value & _LOW_62:032x}"
        )
        return f"{digits[:8]}-{digits[8:12]}-{digits[12:16]}-{digits[16:20]}-{digits[20:]}"


new_decision_id = DecisionIds().new
"""A new decision's id for a request admitted at the given wall time; grows within this process."""
