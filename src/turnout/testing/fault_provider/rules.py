"""Which request gets which fault."""

from __future__ import annotations

import random
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from fnmatch import fnmatchcase
from typing import Any

from turnout.testing.fault_provider.ask import Ask
from turnout.testing.fault_provider.fault import HEALTHY, Fault
from turnout.testing.fault_provider.verb import FaultSyntaxError

_MATCHED = ("dialect", "model", "stream")


@dataclass(slots=True)
class Rule:
    """A fault for some requests.

    Attributes:
        fault: what goes wrong.
        share: for which share of the requests that match, from 0 to 1.
        match: `model` and `dialect` as shell patterns, `stream` as a boolean; empty for every request.
        times: for how many requests at most, or None.
        since: seconds of the monotonic clock when it was set.
    """

    fault: Fault
    share: float = 1.0
    match: Mapping[str, Any] = field(default_factory=dict)
    times: int | None = None
    since: float = field(default_factory=time.monotonic)

    def __post_init__(self) -> None:
        unknown = [key for key in self.match if key not in _MATCHED]
        if unknown:
            raise FaultSyntaxError(f"cannot match {unknown[0]!r}; known are {', '.join(_MATCHED)}")
        if self.match and self.fault.acts_before_any_request:
            raise FaultSyntaxError(f"{self.fault} acts before a request is read, and so cannot match one")
        if not 0 <= self.share <= 1:
            raise FaultSyntaxError(f"share must be between 0 and 1, not {self.share}")

    def takes(self, ask: Ask, draw: random.Random) -> bool:
        """Whether this request gets the fault now; it then counts."""
        asked = {"model": ask.model, "dialect": ask.dialect, "stream": ask.stream}
        for key, wanted in self.match.items():
            same = asked[key] == wanted if key == "stream" else fnmatchcase(str(asked[key]), str(wanted))
            if not same:
                return False
        return self.strikes(draw)

    def strikes(self, draw: random.Random) -> bool:
        """Whether the fault acts now, for whatever comes; it then counts."""
        is_due = self.times != 0 and self.fault.is_down(time.monotonic() - self.since)
        if not is_due or (self.share < 1 and draw.random() >= self.share):
            return False
        if self.times is not None:
            self.times -= 1
        return True


def fault_for(ask: Ask, rules: list[Rule], draw: random.Random, started: float) -> Fault:
    """The fault that the model's name asks for, else that of the first rule that takes the request.

    Raises:
        FaultSyntaxError: the model's name asks for one that cannot be read.
    """
    named = Fault.of_model(ask.model)
    if named is not None:
        return named if named.is_down(time.monotonic() - started) else HEALTHY
    return next((rule.fault for rule in rules if rule.takes(ask, draw)), HEALTHY)
