"""Several who want to know."""

from __future__ import annotations

from turnout.types.events import Event, Observer


class Observers:
    """Tells each of them, in their order."""

    def __init__(self, *observers: Observer) -> None:
        self._observers = observers

    def observe(self, event: Event) -> None:
        """See `Observer.observe`."""
        for observer in self._observers:
            observer.observe(event)
