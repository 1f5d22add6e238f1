"""The shape of a signal, and of one that is read off an answer without asking anything."""

from __future__ import annotations

from typing import ClassVar

import msgspec

from turnout.confidence.signal import Held, Reading


class Named(msgspec.Struct, frozen=True, kw_only=True):
    """What every signal of the table says of itself; its fields are its settings.

    Attributes:
        name: what records, artefacts and configurations call it.
    """

    name: str
    needs: ClassVar[frozenset[str]] = frozenset()
    prefix: ClassVar[bool] = False
    asks: ClassVar[str] = "nobody"
    """Whom it asks, and how often, in words."""

    @property
    def calls(self) -> int:
        """See `turnout.confidence.signal.Signal`."""
        return 0

    @property
    def target(self) -> str | None:
        """See `turnout.confidence.signal.Signal`."""
        return None

    def read(self, held: Held) -> Reading:
        """See `turnout.confidence.signal.Signal`."""
        raise NotImplementedError


class Measure(Named, frozen=True, kw_only=True):
    """A signal that asks nothing."""

    def read(self, held: Held) -> Reading:
        """See `turnout.confidence.signal.Signal`."""
        yield from ()  # a generator all the same: one shape for those that ask and those that do not
        return self.measure(held) if held.whole or self.prefix else None

    def measure(self, held: Held) -> float | None:
        """The number; None where it cannot be read off this answer."""
        raise NotImplementedError
