"""Faults, written as verbs joined by `+`: `usage(absent)+stall_after(5, 30)`."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from difflib import get_close_matches
from typing import Any

from turnout.testing.fault_provider.table import VERBS
from turnout.testing.fault_provider.verb import FaultSyntaxError, Stage, Value, Verb

_CALL = re.compile(r"\s*(?P<verb>[\w-]+)\s*(?:\((?P<args>[^()]*)\)\s*)?(?P<joint>\+|$)")
_ROUTED = frozenset({"flap", "healthy"})
MARKER = "fault:"


@dataclass(frozen=True, slots=True)
class Fault:
    """Verbs with their arguments, in the order in which they act. Without any, the provider is healthy."""

    calls: tuple[tuple[Verb, tuple[Value, ...]], ...] = ()
    text: str = field(default="healthy", compare=False)

    @classmethod
    def parse(cls, text: str) -> Fault:
        """Read a fault.

        Raises:
            FaultSyntaxError: what is wrong, and what to write instead.
        """
        calls: list[tuple[Verb, tuple[Value, ...]]] = []
        position = 0
        while True:
            match = _CALL.match(text, position)
            if match is None:
                raise FaultSyntaxError(f"cannot read {text[position:]!r}; write verb(argument, ...)+verb")
            verb = _named(match["verb"])
            calls.append((verb, verb.bind([arg for arg in (match["args"] or "").split(",") if arg.strip()])))
            position = match.end()
            if not match["joint"]:
                return cls(tuple(sorted(calls, key=_turn)), text.strip())

    @classmethod
    def of_model(cls, model: str) -> Fault | None:
        """The fault that a model's name asks for (`anything` before `fault:` is ignored), or None.

        Raises:
            FaultSyntaxError: it asks for one that cannot be read.
        """
        _, asked, text = model.partition(MARKER)
        return cls.parse(text) if asked else None

    def find(self, name: str) -> tuple[Value, ...] | None:
        """The arguments that the verb was given, or None if this fault has no such verb."""
        return next((values for verb, values in self.calls if verb.name == name), None)

    @property
    def flaps_the_port(self) -> bool:
        """Whether `flap` stands alone: what comes and goes is then the port itself."""
        return self.find("flap") is not None and all(verb.name in _ROUTED for verb, _ in self.calls)

    @property
    def acts_before_any_request(self) -> bool:
        """Whether it acts on the port or on a new connection, when no request can have been read."""
        return self.flaps_the_port or any(self.find(name) is not None for name in ("refuse", "rst_on_accept"))

    def is_down(self, elapsed_s: float) -> bool:
        """Whether it acts at this time, in seconds since it was set: always, unless it flaps."""
        spans = self.find("flap")
        if spans is None:
            return True
        down, up = (float(span) for span in spans)
        return elapsed_s % (down + up) < down

    def edit(self, subject: Any, *stages: Stage) -> None:
        """Let the verbs of these stages change the answer or the script."""
        for verb, values in self.calls:
            if verb.stage in stages and verb.edit is not None and verb.fits(subject.streamed):
                verb.edit(subject, *values)

    def __str__(self) -> str:
        return self.text


HEALTHY = Fault()
_ORDER = {name: place for place, name in enumerate(VERBS)}


def _turn(call: tuple[Verb, tuple[Value, ...]]) -> tuple[int, int]:
    verb, _ = call
    return verb.stage, _ORDER[verb.name]


def _named(name: str) -> Verb:
    verb = VERBS.get(name)
    if verb is not None:
        return verb
    near = get_close_matches(name, VERBS, n=1)
    hint = f", did you mean {near[0]!r}?" if near else f"; known are {', '.join(VERBS)}"
    raise FaultSyntaxError(f"unknown verb {name!r}{hint}")
