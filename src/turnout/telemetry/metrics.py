"""Counts what happens: the observer behind `/metrics`."""

from __future__ import annotations

import platform
import threading
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import Final

from turnout.telemetry import table
from turnout.telemetry.decided import DecisionCounts, Names
from turnout.telemetry.shared import Counted, SharedCells
from turnout.telemetry.table import Metric
from turnout.types.decision import Decision
from turnout.types.events import (
    BreakerChanged,
    ConfigurationRefused,
    Configured,
    Event,
    FeedbackGiven,
    RecordLost,
    ShadowDropped,
    Shadowed,
    TurnedAway,
)

SHARE_S: Final = 0.5
"""How often what was counted is written for the other processes to see, in seconds."""

_FROM_THE_START: Final = ((table.RELOADS, "accepted"), (table.RELOADS, "refused"), (table.TURNED_AWAY, "overloaded"))
"""Series that are there before they count: Prometheus sees no increase in one that begins with 1."""

Measured = Iterable[tuple[Metric, tuple[str, ...], float]]


class Metrics:
    """Counts in memory, and shares with the other processes of the installation twice a second.

    Args:
        directory: where the processes keep what they counted; made if it is missing.
        version: turnout's own.
    """

    def __init__(self, directory: Path, *, version: str) -> None:
        self._shared = SharedCells(directory)
        self._measure: Callable[[], Measured] = tuple
        self._lock = threading.Lock()
        self._sharing = threading.Lock()
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._share_for_ever, name="turnout-metrics", daemon=True)
        family = self._shared.cells.family
        self._decisions = DecisionCounts(self._shared.cells)
        self._config = family(table.CONFIG)
        self._counters: Mapping[type, Callable[[Event], None]] = {
            BreakerChanged: self._breaker_changed,
            Configured: self._configured,
            ConfigurationRefused: self._refused,
            FeedbackGiven: self._feedback_given,
            RecordLost: self._lost,
            ShadowDropped: self._shadow_dropped,
            Shadowed: self._shadowed,
            TurnedAway: self._turned_away,
        }
        family(table.BUILD).put((version, platform.python_version()), 1.0)
        family(table.PROCESSES).put((), 1.0)
        for metric, label in _FROM_THE_START:
            family(metric).add((label,), 0.0)

    def observe(self, event: Event) -> None:
        """See `Observer.observe`."""
        with self._lock:
            if isinstance(event, Decision):
                self._decisions.count(event)
            else:
                self._counters[type(event)](event)

    def start(self, measure: Callable[[], Measured]) -> None:
        """Begin to share. Once.

        Args:
            measure: the gauges as they are now; called from another thread.
        """
        self._measure = measure
        self._thread.start()

    def close(self) -> None:
        """Share what was counted last, and end."""
        self._stop.set()
        if self._thread.is_alive():
            self._thread.join()
        self._share()
        self._shared.close()

    def counted(self) -> list[Counted]:
        """What every process has counted, this one up to now."""
        self._share()
        with self._lock:
            own = Counted(list(self._shared.cells.series), self._shared.cells.values[:], alive=True)
        return [own, *self._shared.others()]

    def _share_for_ever(self) -> None:
        while not self._stop.wait(SHARE_S):
            self._share()

    def _share(self) -> None:
        """Take the gauges' values, and write everything down."""
        measured = list(self._measure())
        with self._sharing:
            with self._lock:
                for metric, labels, value in measured:
                    self._shared.cells.family(metric).put(labels, value)
                snapshot = self._shared.snapshot()
            self._shared.write(*snapshot)

    def _breaker_changed(self, event: Event) -> None:
        if isinstance(event, BreakerChanged):
            self._add(table.BREAKERS, event.target, event.state.value)

    def _configured(self, event: Event) -> None:
        if isinstance(event, Configured):
            self._decisions.names = Names(event.routes, event.providers, event.tenants)
            self._config.clear()
            self._config.put((event.version,), 1.0)
            if not event.first:
                self._add(table.RELOADS, "accepted")

    def _feedback_given(self, event: Event) -> None:
        if isinstance(event, FeedbackGiven):
            route = event.route if event.route in self._decisions.names.routes else table.OTHER
            self._add(table.FEEDBACK, route)
            if event.feedback.score is not None:
                self._shared.cells.family(table.SCORE).observe((route,), event.feedback.score)

    def _shadowed(self, event: Event) -> None:
        if isinstance(event, Shadowed):
            self._decisions.count_shadow(event.shadow)

    def _shadow_dropped(self, event: Event) -> None:
        if isinstance(event, ShadowDropped):
            route = event.route if event.route in self._decisions.names.routes else table.OTHER
            self._add(table.SHADOWS_DROPPED, route, event.reason)

    def _refused(self, _: Event) -> None:
        self._add(table.RELOADS, "refused")

    def _lost(self, _: Event) -> None:
        self._add(table.LOST)

    def _turned_away(self, event: Event) -> None:
        if isinstance(event, TurnedAway):
            self._add(table.TURNED_AWAY, event.error)

    def _add(self, metric: Metric, *labels: str) -> None:
        self._shared.cells.family(metric).add(labels)
