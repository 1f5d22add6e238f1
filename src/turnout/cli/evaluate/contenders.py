"""From configuration files to policies that can be scored."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import NamedTuple

from turnout.config.build import targets_of
from turnout.config.compile import compile_route
from turnout.config.compile_policy import Learnt
from turnout.config.flagging import flag_board
from turnout.config.load import LoadedConfig, load_config
from turnout.config.policies import artefacts
from turnout.config.schema import RouteConfig
from turnout.config.values import did_you_mean
from turnout.errors import ArtefactError, ConfigError
from turnout.insight.evaluate.driving import Contender
from turnout.insight.evaluate.traffic import Asked
from turnout.types.flag import FlagRead
from turnout.types.target import Target


class Entry(NamedTuple):
    """A configuration whose policy takes part.

    Attributes:
        name: what its policy is called: the file's name without its ending.
        route: the route's name.
        given: the route as configured.
        loaded: the configuration.
    """

    name: str
    route: str
    given: RouteConfig
    loaded: LoadedConfig

    @property
    def learns(self) -> bool:
        """Whether its policy names a file of something learnt."""
        return bool(artefacts(self.given.policy))

    def contender(self, learnt: Learnt | None) -> Contender:
        """Its policy, ready to be scored.

        Args:
            learnt: what has been learnt for it; None for what its files hold.

        Raises:
            ConfigError: the policy cannot run.
            MissingExtra: it needs what is not installed.
        """
        try:
            route = compile_route(self.route, self.given, self.loaded, learnt=learnt if self.learns else None)
        except ArtefactError as error:
            raise ConfigError(
                f"the policy of '{self.route}' cannot be trained: {error}", file=self.loaded.file
            ) from error
        board = flag_board(self.loaded.config)

        def flags(asked: Asked, draw: float) -> FlagRead:
            return board.read(asked.caller, asked.moment, draw)

        return Contender(
            self.name,
            route.policy,
            targets_of(self.loaded, datetime.now(UTC)),
            route=route,
            flags=flags,
            reads_text=bool(self.given.phrases()) or self.learns or route.reads_language,
            learns=self.learns,
        )


def entries(files: Sequence[Path], route: str | None) -> list[Entry]:
    """The configurations, each with its route.

    Raises:
        ConfigError: one has no such route, or two would be called alike.
    """
    found: list[Entry] = []
    for file in files:
        loaded = load_config(file, keyless=True)
        name = file.stem if not any(file.stem == each.name for each in found) else str(file.with_suffix(""))
        if name in loaded.config.targets:
            raise ConfigError(
                f"its policy would be called '{name}', as a target is.", fix="Rename the file.", file=str(file)
            )
        chosen = route or loaded.only_route()
        if chosen not in loaded.config.routes:
            raise ConfigError(
                f"there is no route '{chosen}'.", fix=did_you_mean(chosen, loaded.config.routes), file=str(file)
            )
        found.append(Entry(name, chosen, loaded.config.routes[chosen], loaded))
    if len({each.name for each in found}) < len(found):
        raise ConfigError("two of the files are the same.", fix="Give each once.")
    return found


def targets_among(contenders: Sequence[Contender]) -> list[Target]:
    """The targets that the policies choose among, each once."""
    found: dict[str, Target] = {}
    for contender in contenders:
        for name in contender.policy.targets:
            found.setdefault(name, contender.targets[name])
    return list(found.values())
