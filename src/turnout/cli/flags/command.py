"""`turnout flags`: the commands."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Annotated

import msgspec
import typer
from msgspec import UNSET

from turnout.cli.flags.access import Flags, Where
from turnout.cli.flags.asking import Listed, moment_given, shares_given, with_lists
from turnout.cli.flags.words import print_change, print_list, print_one
from turnout.cli.options import spread
from turnout.cli.screen import screen
from turnout.types.flag import FlagMode
from turnout.types.flag_change import FlagChange, FlagState

app = typer.Typer(no_args_is_help=True, help="Feature flags: look at them, and change them while the gateway runs.")

Name = Annotated[str, typer.Argument(help="The flag's name.")]
Shares = Annotated[
    list[str] | None, typer.Argument(metavar="[SHARE]...", help="30%, or a share for a variant: terse=10%.")
]
Json = Annotated[bool, typer.Option("--json", help="JSON for machines.")]


@app.command("list")
@spread("where")
def list_flags(*, where: Where, json: Json = False) -> None:
    """List every flag: what it is now, and which routes ask for it.

    \b
    turnout flags list
    turnout flags list --json | jq '.[] | select(.setting.killed)'
    """  # noqa: D301 - \b keeps the lines as they are
    states = where.flags().all()
    if json:
        typer.echo(msgspec.json.encode(states))
    else:
        print_list(states, screen())


@app.command()
@spread("where")
def show(name: Name, *, where: Where, json: Json = False) -> None:
    """Show everything about one flag.

    \b
    turnout flags show haiku-first
    """  # noqa: D301 - \b keeps the lines as they are
    state = where.flags().one(name)
    if json:
        typer.echo(msgspec.json.encode(state))
    else:
        print_one(state, screen())


@app.command()
@spread("where")
def on(name: Name, share: Shares = None, *, where: Where, json: Json = False) -> None:
    """Apply a flag: to everybody, or to a share of them.

    \b
    turnout flags on haiku-first 5%
    turnout flags on haiku-first
    turnout flags on style terse=10% long=10%
    """  # noqa: D301 - \b keeps the lines as they are
    _change(where, name, _moded(FlagMode.ON, share), json=json)


@app.command()
@spread("where")
def observe(name: Name, share: Shares = None, *, where: Where, json: Json = False) -> None:
    """Evaluate and record a flag, but apply its default: what would happen shows in decisions and reports.

    \b
    turnout flags observe haiku-first
    turnout report --by flag:haiku-first
    """  # noqa: D301 - \b keeps the lines as they are
    _change(where, name, _moded(FlagMode.OBSERVE, share), json=json)


@app.command()
@spread("where")
def off(name: Name, *, where: Where, json: Json = False) -> None:
    """Give everybody the default. The share, the lists and the times are kept for the next time.

    \b
    turnout flags off haiku-first
    """  # noqa: D301 - \b keeps the lines as they are
    _change(where, name, lambda _: FlagChange(mode=FlagMode.OFF), json=json)


@app.command()
@spread("where")
def kill(name: Name, *, where: Where, json: Json = False) -> None:
    """Give everybody the default at once, whatever else is set; nothing but `revive` or `reset` brings it back.

    \b
    turnout flags kill haiku-first
    turnout flags kill haiku-first --url https://gateway.internal --key $TURNOUT_ADMIN_KEY
    """  # noqa: D301 - \b keeps the lines as they are
    _change(where, name, lambda _: FlagChange(killed=True), json=json)


@app.command()
@spread("where")
def revive(name: Name, *, where: Where, json: Json = False) -> None:
    """Take back a kill: the flag is as it was before.

    \b
    turnout flags revive haiku-first
    """  # noqa: D301 - \b keeps the lines as they are
    _change(where, name, lambda _: FlagChange(killed=False), json=json)


@app.command()
@spread("where")
def reset(name: Name, *, where: Where, json: Json = False) -> None:
    """Forget all that was changed at run time, a kill as well: the flag is as the configuration says.

    \b
    turnout flags reset haiku-first
    """  # noqa: D301 - \b keeps the lines as they are
    flags = where.flags()
    _tell(flags.one(name), flags.reset(name), json=json)


@dataclass(frozen=True, kw_only=True)
class Given:
    """The options that say who and when."""

    user: Annotated[
        list[str] | None, typer.Option(help="What a user gets in any case: alice=on; alice= takes it back.")
    ] = None
    tenant: Annotated[list[str] | None, typer.Option(help="What a tenant gets in any case: acme=on.")] = None
    from_: Annotated[str | None, typer.Option("--from", help="From when on: 2026-12-01T09:00Z, or `now`.")] = None
    until: Annotated[str | None, typer.Option(help="Until when; `never` takes the bound away.")] = None


@app.command("set")
@spread("where")
@spread("given")
def set_flag(name: Name, share: Shares = None, *, given: Given, where: Where, json: Json = False) -> None:
    """Change a flag's share, lists or times; whether it is on, off or observed stays as it is.

    \b
    turnout flags set haiku-first 30%
    turnout flags set haiku-first --user alice=on --tenant bank=off
    turnout flags set haiku-first --from 2026-12-01T09:00Z --until 2026-12-24T00:00Z
    """  # noqa: D301 - \b keeps the lines as they are
    if not share and given == Given():
        raise typer.BadParameter("say what to set: a share, --user, --tenant, --from or --until.")
    listed = Listed(tuple(given.user or ()), tuple(given.tenant or ()))

    def asked(state: FlagState) -> FlagChange:
        lists = with_lists(state, listed)
        return FlagChange(
            share=shares_given(state, share) if share else UNSET,
            lists=UNSET if lists is None else lists,
            from_=moment_given(given.from_, "--from", none="now"),
            until=moment_given(given.until, "--until", none="never"),
        )

    _change(where, name, asked, json=json)


def _moded(mode: FlagMode, share: Sequence[str] | None) -> Callable[[FlagState], FlagChange]:
    def asked(state: FlagState) -> FlagChange:
        if state.elsewhere and not share:
            return FlagChange(mode=mode)
        return FlagChange(mode=mode, share=shares_given(state, share or ["100%"]))

    return asked


def _change(where: Where, name: str, asked: Callable[[FlagState], FlagChange], *, json: bool) -> None:
    flags: Flags = where.flags()
    before = flags.one(name)
    _tell(before, flags.change(name, asked(before)), json=json)


def _tell(before: FlagState, after: FlagState, *, json: bool) -> None:
    if json:
        typer.echo(msgspec.json.encode(after))
    else:
        print_change(before, after, screen())
