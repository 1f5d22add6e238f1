"""The subcommands: where each one stands, and a group that imports one only when it is asked for."""

from __future__ import annotations

from collections.abc import Mapping
from importlib import import_module
from typing import Any, Final

import typer
from typer.core import TyperGroup

COMMANDS: Final[Mapping[str, str]] = {
    "init": "turnout.cli.init:init",
    "demo": "turnout.cli.demo.command:demo",
    "serve": "turnout.cli.serve:serve",
    "explain": "turnout.cli.explain:explain",
    "report": "turnout.cli.report.command:report",
    "forecast": "turnout.cli.forecast:forecast",
    "reconcile": "turnout.cli.reconcile:reconcile",
    "shadows": "turnout.cli.shadows:shadows",
    "replay": "turnout.cli.replay.command:replay",
    "suggest": "turnout.cli.suggest.command:suggest_rules",
    "drift": "turnout.cli.drift:drift",
    "drill": "turnout.cli.drill.command:drill",
    "calibrate": "turnout.cli.calibrate.command:calibrate_route",
    "evaluate": "turnout.cli.evaluate.command:evaluate_policies",
    "advise": "turnout.cli.advise.command:advise_routing",
    "canary": "turnout.cli.canary.command:app",
    "train": "turnout.cli.train.command:train_route",
    "models": "turnout.cli.models:app",
    "decisions": "turnout.cli.decisions:app",
    "flags": "turnout.cli.flags.command:app",
    "ledger": "turnout.cli.ledger:app",
    "tenants": "turnout.cli.tenants:app",
    "keys": "turnout.cli.keys:app",
    "config": "turnout.cli.config:app",
    "fault-provider": "turnout.cli.fault_provider:fault_provider",
}
"""In the order of the help: the word, and the function or the group of further commands behind it."""


class LazyCommands(TyperGroup):
    """The group of all subcommands. Whoever asks for one of them does not wait for the imports of the others."""

    def __init__(self, **attributes: Any) -> None:
        super().__init__(**attributes)
        self.commands: dict[str, Any] = dict.fromkeys(COMMANDS)

    def get_command(self, ctx: Any, cmd_name: str) -> Any:
        """The command of this name, imported at the first look; None if there is no such command."""
        if self.commands.get(cmd_name, self) is None:
            self.commands[cmd_name] = _command(cmd_name, *COMMANDS[cmd_name].split(":"))
        return super().get_command(ctx, cmd_name)


def _command(name: str, module: str, attribute: str) -> Any:
    found = getattr(import_module(module), attribute)
    if isinstance(found, typer.Typer):
        command: Any = typer.main.get_group(found)
        command.name = name
        return command
    alone = typer.Typer(add_completion=False, rich_markup_mode="rich")
    alone.command(name)(found)
    return typer.main.get_command(alone)
