"""What a calibration changes in the configuration, as a diff."""

from __future__ import annotations

import difflib
import math
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final, NamedTuple

import yaml

from turnout.config.load import LoadedConfig
from turnout.config.policies import CascadeSpec, StageSpec
from turnout.errors import ConfigError

_ACCEPT: Final = re.compile(r"accept:\s*(\{(?:[^{}]|\{(?:[^{}]|\{[^{}]*\})*\})*\})")
"""An `accept` on one line, with mappings of mappings in it (`signals: {judge: {target: gpt-4o}}`)."""


class Stage(NamedTuple):
    """A stage of a route's cascade that judges its answers.

    Attributes:
        spec: as configured.
        number: which one, counted from 1.
        line: where its `accept` stands, counted from 1; None where that is not known.
    """

    spec: StageSpec
    number: int
    line: int | None

    @property
    def target(self) -> str:
        """Whose answers it judges: its first target's."""
        first = self.spec.use
        while not isinstance(first, str):
            first = first.root[0] if hasattr(first, "root") else _refuse()
        return first


def stage_of(loaded: LoadedConfig, route: str, number: int) -> Stage:
    """The stage of a route that is to be calibrated.

    Raises:
        ConfigError: there is none such.
    """
    given = loaded.config.routes.get(route)
    if given is None:
        known = ", ".join(loaded.config.routes)
        raise ConfigError(f"there is no route '{route}'.", fix=f"There are: {known}.", file=loaded.file)
    policy = given.policy
    if not isinstance(policy, CascadeSpec):
        fix = "Its policy must be a cascade: {cascade: [{use: ..., accept: {confidence: 0.85}}, {use: ...}]}."
        raise loaded.document.error(("routes", route, "policy"), f"the route '{route}' is no cascade.", fix)
    if not 1 <= number < len(policy.cascade):
        last = len(policy.cascade) - 1
        raise ConfigError(f"there is no stage {number} that judges its answers.", fix=f"Give --stage 1 to {last}.")
    path = ("routes", route, "policy", "cascade", number - 1, "accept")
    return Stage(policy.cascade[number - 1], number, loaded.document.line(path))


def accept_of(settings: Mapping[str, Any]) -> str:
    """An `accept` on one line, without what is None."""
    said = {name: value for name, value in settings.items() if value is not None}
    told = yaml.safe_dump(said, default_flow_style=True, sort_keys=False, width=math.inf, allow_unicode=True)
    return f"accept: {told.strip()}"


def changed(file: Path, stage: Stage, settings: Mapping[str, Any]) -> str:
    """The configuration's text with other settings in the `accept` of the stage; those not named stay.

    Raises:
        ConfigError: it is not written on one line, so that only its writer can change it.
    """
    lines = file.read_text("utf-8").splitlines(keepends=True)
    place = (stage.line or 0) - 1
    found = _ACCEPT.search(lines[place]) if place >= 0 else None
    if found is None:
        raise ConfigError(
            "the stage's `accept` is not written on one line.",
            fix=f"Change it by hand: {accept_of(settings)}.",
            file=str(file),
            line=stage.line,
        )
    after = accept_of({**yaml.safe_load(found[1]), **settings})
    lines[place] = lines[place][: found.start()] + after + lines[place][found.end() :]
    return "".join(lines)


def difference(file: Path, after: str) -> str:
    """A unified diff."""
    before = file.read_text("utf-8").splitlines(keepends=True)
    return "".join(difflib.unified_diff(before, after.splitlines(keepends=True), str(file), str(file)))


def _refuse() -> str:
    raise ConfigError("the stage's first target depends on the request.", fix="Calibrate a stage with one target.")
