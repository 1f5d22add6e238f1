"""What the process says of itself, line by line: as text, or as one JSON object for each line."""

from __future__ import annotations

import logging
import sys
import traceback
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Final, Literal

import msgspec

from turnout.types.clock import timestamp
from turnout.types.decision import Attempt, Decision
from turnout.types.events import Event
from turnout.types.failure import FailureKind

LogFormat = Literal["text", "json"]
LogLevel = Literal["debug", "info", "warning", "error"]

NOTE: Final = "decision "
"""How the note begins that the router leaves on a defect: the decision's id follows."""
_TEXT: Final = "%(asctime)s %(levelname)-7s %(message)s"
_MENDABLE: Final = frozenset({FailureKind.AUTHENTICATION, FailureKind.QUOTA_EXHAUSTED})
_log = logging.getLogger(__name__)
_access = logging.getLogger("turnout.access")


@dataclass(frozen=True, slots=True, kw_only=True)
class LogSettings:
    """What a process logs, and how.

    Attributes:
        log_format: as text, or as a JSON object for each line.
        log_level: the least that is logged.
        access_log: whether there is a line for each decision, at level `info`.
    """

    log_format: LogFormat = "text"
    log_level: LogLevel = "info"
    access_log: bool = False


def configure_logs(settings: LogSettings) -> None:
    """Let everything that this process logs go to standard error, in one form. Later calls replace earlier ones."""
    console = logging.StreamHandler(sys.stderr)
    console.setFormatter(JsonLines() if settings.log_format == "json" else logging.Formatter(_TEXT))
    logging.basicConfig(handlers=[console], level=settings.log_level.upper(), force=True)
    logging.captureWarnings(capture=True)


class JsonLines(logging.Formatter):
    """One JSON object for each line: `time`, `level`, `logger`, `message`, and where there is one `decision`."""

    def format(self, record: logging.LogRecord) -> str:
        """The line. What has no JSON form is written as text: a log must not fail."""
        return msgspec.json.encode(dict(_fields(record)), enc_hook=str).decode()


class AccessLog:
    """Logs a line for each decision. Sums it up: the record has the rest, and no log needs it."""

    def observe(self, event: Event) -> None:
        """See `Observer.observe`."""
        if isinstance(event, Decision):
            told = {
                "decision": event.id,
                "route": event.route,
                "target": event.target,
                "outcome": event.outcome,
                "error": event.error,
                "attempts": len(event.attempts),
                "latency_ms": event.latency_ms,
                "cost_usd": event.cost_usd,
            }
            line = "%s: %s by %s in %.0f ms"
            _access.info(line, event.route, event.outcome, event.target, event.latency_ms, extra={"fields": told})


class Complaints:
    """Warns of targets whose calls fail by what only the operator can mend: once, and again once they have answered.

    The record has every one of them, but nobody looks there while fallbacks answer in their place.
    """

    def __init__(self) -> None:
        self._told: set[str] = set()

    def observe(self, event: Event) -> None:
        """See `Observer.observe`."""
        if isinstance(event, Decision) and (self._told or len(event.attempts) > 1 or event.outcome == "failed"):
            for attempt in event.attempts:
                self._hear(attempt, event.id)

    def _hear(self, attempt: Attempt, decision: str) -> None:
        if attempt.outcome == "answered":
            self._told.discard(attempt.target)
        elif attempt.error_class in _MENDABLE and attempt.drilled is None and attempt.target not in self._told:
            self._told.add(attempt.target)
            line = "calls to %s fail until somebody mends it (%s at the provider %s): turnout decisions show %s"
            _log.warning(line, attempt.target, attempt.error_class, attempt.provider, decision)


def _fields(record: logging.LogRecord) -> Iterator[tuple[str, Any]]:
    yield "time", timestamp(datetime.fromtimestamp(record.created, UTC))
    yield "level", record.levelname.lower()
    yield "logger", record.name
    yield "message", _printable(record.getMessage())
    yield from getattr(record, "fields", {}).items()
    error = record.exc_info[1] if record.exc_info else None
    if error is not None:
        notes = [note for note in getattr(error, "__notes__", ()) if note.startswith(NOTE)]
        if notes:
            yield "decision", notes[0].removeprefix(NOTE)
        yield "error", type(error).__name__
        yield "traceback", _printable("".join(traceback.format_exception(error)))


def _printable(text: str) -> str:
    """Without the lone surrogates that UTF-8 cannot hold."""
    return text.encode("utf-8", "backslashreplace").decode()
