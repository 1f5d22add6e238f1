"""`turnout canary`: the commands."""

from __future__ import annotations

import time
from typing import Annotated

import msgspec
import typer

from turnout.cli.canary.asking import Plan, canary_asked
from turnout.cli.canary.place import Canaries, Where
from turnout.cli.canary.words import look_json, print_all, print_look, print_moved
from turnout.cli.options import spread
from turnout.cli.screen import screen
from turnout.config.durations import parse_duration
from turnout.types.canary import Canary, CanaryStatus

app = typer.Typer(
    no_args_is_help=True, help="Canaries: a new policy takes a growing share of a route, and the evidence decides."
)

Flag = Annotated[str, typer.Argument(help="The feature flag that the new policy hangs on.")]
Json = Annotated[bool, typer.Option("--json", help="JSON for machines.")]
Because = Annotated[str, typer.Option("--because", help="Why, for the record.")]


@app.command()
@spread("plan")
@spread("where")
def start(flag: Flag, *, plan: Plan, where: Where, json: Json = False) -> None:
    """Give a flag's variant the first share of its route, to be compared with the default.

    \b
    turnout canary start cheaper
    turnout canary start cheaper --steps 5%,50% --tolerate cost=2% --tolerate latency=20%
    """  # noqa: D301 - \b keeps the lines as they are
    canary = canary_asked(where.flags().one(flag), plan)
    canaries = where.canaries()
    canaries.start(canary)
    _tell(canaries, flag, json=json)
    if not json:
        typer.echo(f"Every worker follows within a second. Then, from time to time: turnout canary step {flag}")


@app.command()
@spread("where")
def status(
    flag: Annotated[str | None, typer.Argument(help="One flag; all of them if none is given.")] = None,
    *,
    where: Where,
    json: Json = False,
) -> None:
    """Show how canaries do: each measure, how sure it is, and what they wait for. Look as often as you like.

    \b
    turnout canary status
    turnout canary status cheaper --json
    """  # noqa: D301 - \b keeps the lines as they are
    canaries = where.canaries()
    if flag is not None:
        _tell(canaries, flag, json=json)
    elif json:
        typer.echo(msgspec.json.encode(list(canaries.all().values())))
    else:
        print_all(canaries.all(), screen())


@app.command()
@spread("where")
def step(
    flag: Flag,
    *,
    every: Annotated[str | None, typer.Option(help="Go on until it is decided, looking so often: 5m.")] = None,
    where: Where,
    json: Json = False,
) -> None:
    """Look at a canary and do what the rule says: grow, promote, hold, roll back, or wait.

    Run it from cron, or let it go on by itself with --every.

    \b
    turnout canary step cheaper
    turnout canary step cheaper --every 5m
    """  # noqa: D301 - \b keeps the lines as they are
    pause_s = _pause(every)
    canaries = where.canaries()
    while True:
        look, after = canaries.step(flag)
        if json:
            typer.echo(look_json(look._replace(canary=after)))
        else:
            print_moved(look.canary, after, screen())
        if pause_s is None or after.status is not CanaryStatus.RUNNING:
            return
        time.sleep(pause_s)


@app.command()
@spread("where")
def stop(flag: Flag, *, because: Because = "stopped by hand", where: Where, json: Json = False) -> None:
    """Give everybody the default again, and forget nothing.

    \b
    turnout canary stop cheaper --because "the provider asked us to wait"
    """  # noqa: D301 - \b keeps the lines as they are
    _done(where.canaries().stop(flag, because), json=json)


@app.command()
@spread("where")
def promote(flag: Flag, *, because: Because = "promoted by hand", where: Where, json: Json = False) -> None:
    """Give everybody the variant: what to do with one that was held, if it is wanted for other reasons.

    \b
    turnout canary promote simpler --because "no worse, and one provider less"
    """  # noqa: D301 - \b keeps the lines as they are
    _done(where.canaries().promote(flag, because), json=json)


def _pause(every: str | None) -> float | None:
    if every is None:
        return None
    try:
        return max(parse_duration(every), 1.0)
    except ValueError as error:
        raise typer.BadParameter(str(error), param_hint="--every") from error


def _tell(canaries: Canaries, flag: str, *, json: bool) -> None:
    look = canaries.look(flag)
    if json:
        typer.echo(look_json(look))
    else:
        print_look(look, screen())


def _done(canary: Canary, *, json: bool) -> None:
    if json:
        typer.echo(msgspec.json.encode(canary))
    else:
        screen().print(f"{canary.flag}: {canary.share * 100:g} %, {canary.because}", markup=False)
