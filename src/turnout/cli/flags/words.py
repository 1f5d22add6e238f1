"""How feature flags read in a terminal."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from rich.console import Console
from rich.table import Table
from rich.text import Text

from turnout.config.flagging import setting_words
from turnout.types.flag import Audience, FlagMode, Setting
from turnout.types.flag_change import FlagState

_STYLES = {FlagMode.ON: "green", FlagMode.OFF: "dim", FlagMode.OBSERVE: "yellow"}
_WHOM = {"user": "of the users", "tenant": "of the tenants", "request": "of the requests"}


def print_list(states: Sequence[FlagState], console: Console) -> None:
    """All flags, a line each."""
    if not states:
        console.print("The configuration declares no flags. Add them under `flags:`; see docs/how-to/flags.md.")
        return
    table = Table(box=None, pad_edge=False, header_style="dim")
    for title in ("flag", "now", "by", "used by", "for"):
        table.add_column(title)
    for state in states:
        now = Text(_now(state), _style(state.setting))
        used = Text(", ".join(state.used_by) or "nothing", "" if state.used_by else "yellow")
        table.add_row(Text(state.name, "bold"), now, Text(state.by), used, Text(state.description or ""))
    console.print(table)


def print_one(state: FlagState, console: Console) -> None:
    """Everything about one flag."""
    console.print(Text(state.name, "bold"), end="")
    console.print(Text(f"  {state.description}" if state.description else ""))
    table = Table.grid(padding=(0, 2))
    for name, value in _facts(state):
        table.add_row(Text(f"  {name}", "dim"), Text(value))
    console.print(table)


def print_change(before: FlagState, after: FlagState, console: Console) -> None:
    """What a command has come to."""
    now = Text(_now(after), _style(after.setting))
    console.print(Text.assemble((after.name, "bold"), ": ", now, (f"  (was: {_now(before)})", "dim")))
    if not after.used_by:
        console.print(Text("No route asks for it, so nothing changes.", "yellow"))
    console.print(Text("Every worker follows within a second.", "dim"))


def _now(state: FlagState) -> str:
    if state.elsewhere and not state.setting.killed and state.setting.mode is not FlagMode.OFF:
        observed = " (observed only)" if state.setting.mode is FlagMode.OBSERVE else ""
        return f"as your provider says{observed}"
    return setting_words(state.setting)


def _style(setting: Setting) -> str:
    if setting.killed:
        return "bold red"
    return _STYLES[setting.mode] if setting.share or setting.lists or setting.mode is not FlagMode.ON else "dim"


def _facts(state: FlagState) -> Iterator[tuple[str, str]]:
    setting = state.setting
    yield "now", _now(state)
    if setting != state.configured:
        yield "configured", setting_words(state.configured)
    yield "changed", (setting.changed or "never: it is as the configuration says").replace("T", " ")
    yield "variants", ", ".join(f"{each} (default)" if each == state.default else each for each in state.variants)
    if setting.share:
        yield "share", f"{_shares(setting.share)} {_WHOM[state.by]}, who stay on their side"
    for variant, audience in setting.lists.items():
        yield f"get {variant}", _named(audience)
    yield "used by", ", ".join(state.used_by) or "nothing"


def _shares(share: Mapping[str, float]) -> str:
    return ", ".join(f"{variant} {part * 100:g} %" for variant, part in share.items())


def _named(audience: Audience) -> str:
    users, tenants = sorted(audience.users), sorted(audience.tenants)
    told = [f"users {', '.join(users)}" if users else "", f"tenants {', '.join(tenants)}" if tenants else ""]
    return "; ".join(filter(None, told))
