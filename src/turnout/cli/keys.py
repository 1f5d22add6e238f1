"""`turnout keys`: the virtual keys that callers present."""

from __future__ import annotations

import sys
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Annotated

import msgspec
import typer
from rich.markup import escape
from rich.table import Table

from turnout.cli.desk import SOON, Json, Place, Yes, lasting
from turnout.cli.limits import Limits, told
from turnout.cli.options import spread
from turnout.cli.screen import screen
from turnout.tenancy.desk import Made
from turnout.tenancy.keys import Key
from turnout.tenancy.shown import NewSecret, ShownKey, shown
from turnout.types.tenant import RateLimit

app = typer.Typer(no_args_is_help=True, help="The virtual keys that callers present: make, list, rotate, revoke them.")

KeyId = Annotated[str, typer.Argument(help="The key's id: `tk_` and 12 digits. No secret.", metavar="KEY")]


@dataclass(frozen=True, kw_only=True)
class Wanted:
    """The options that say what a key is to be."""

    tenant: Annotated[str, typer.Option(help="Whose account its requests are on.")]
    name: Annotated[str, typer.Option(help="What it is for, in your words.")] = ""
    project: Annotated[str | None, typer.Option(help="What it is given out for: recorded, and reported by.")] = None
    user: Annotated[
        str | None, typer.Option(help="Who holds it; without, callers name the user themselves, by a header.")
    ] = None
    route: Annotated[
        list[str] | None, typer.Option(help="A route that it may ask for, or a glob; as often as needed. All if none.")
    ] = None
    expires: Annotated[str | None, typer.Option(help="How long it works: 90d, 12h; without, for ever.")] = None


@app.command()
@spread("wanted")
@spread("limits")
@spread("place")
def create(*, wanted: Wanted, limits: Limits, place: Place, json: Json = False) -> None:
    """Make a key. It is printed this once, alone on the standard output; what is kept of it cannot tell it.

    \b
    turnout keys create --tenant acme --project web --expires 365d
    turnout keys create --tenant acme --route support --route 'gpt-*' --user ann@acme.example --concurrent 2
    ACME_KEY=$(turnout keys create --tenant acme)
    """  # noqa: D301 - \b keeps the lines as they are
    key = Key(
        id="",
        created=0.0,
        tenant=wanted.tenant,
        name=wanted.name,
        project=wanted.project,
        user=wanted.user,
        routes=tuple(wanted.route or ()),
        limit=RateLimit(**limits.given()),
    )
    made = place.desk().create_key(key, lasting(wanted.expires, "--expires"))
    _tell(made, f"This is the key {made.key.id} of {made.key.tenant}. It is shown this once.", json=json)


@app.command("list")
@spread("place")
def list_command(
    tenant: Annotated[str | None, typer.Option(help="Only this tenant's.")] = None,
    *,
    place: Place,
    json: Json = False,
) -> None:
    """List keys, without what is secret of them.

    \b
    turnout keys list
    turnout keys list --tenant acme --json | jq '.[] | select(.state == "works") | .id'
    """  # noqa: D301 - \b keeps the lines as they are
    keys = [shown(key, datetime.now(UTC)) for key in place.desk().keys(tenant)]
    if json:
        typer.echo(msgspec.json.encode(keys))
        return
    if not keys:
        typer.echo("There are no keys yet. Make one: turnout keys create --tenant NAME")
        return
    columns = ("key", "tenant", "project", "user", "routes", "limit", "made", "state", "for")
    table = Table(*columns, box=None, pad_edge=False)
    for key in keys:
        table.add_row(*(escape(cell) for cell in _row(key)))
    screen().print(table)


@app.command("set")
@spread("limits")
@spread("place")
def set_command(
    key: KeyId,
    name: Annotated[str | None, typer.Option(help="What it is for, in your words.")] = None,
    route: Annotated[
        list[str] | None, typer.Option(help="A route that it may ask for, or a glob; as often as needed.")
    ] = None,
    *,
    limits: Limits,
    place: Place,
    json: Json = False,
) -> None:
    """Change what a key may do. What is not given stays; an empty text takes away.

    \b
    turnout keys set tk_3f9c0a1b2d4e --requests-per-minute 60
    turnout keys set tk_3f9c0a1b2d4e --route '' --concurrent 0
    """  # noqa: D301 - \b keeps the lines as they are
    changed: dict[str, object] = {} if name is None else {"name": name}
    if route is not None:
        changed["routes"] = tuple(filter(None, route))
    limit = limits.given()
    if not changed and not limit:
        raise typer.BadParameter("Say what is to change: --name, --route or a limit.")
    after = shown(place.desk().set_key(key, limit, **changed), datetime.now(UTC))
    typer.echo(msgspec.json.encode(after) if json else f"{key} of {after.tenant} is changed. {SOON}")


@app.command()
@spread("place")
def rotate(
    key: KeyId,
    overlap: Annotated[str, typer.Option(help="How long the secret of before works as well: 24h, 7d, or 0.")] = "24h",
    *,
    place: Place,
    json: Json = False,
) -> None:
    """Give a key another secret. Its id, and with it its limits and records, stay.

    The secret of before works for the overlap, so that callers can be moved one by one.

    \b
    turnout keys rotate tk_3f9c0a1b2d4e
    turnout keys rotate tk_3f9c0a1b2d4e --overlap 7d
    """  # noqa: D301 - \b keeps the lines as they are
    overlapping = timedelta(0) if overlap == "0" else lasting(overlap, "--overlap") or timedelta(0)
    made = place.desk().rotate_key(key, overlapping)
    still = shown(made.key, datetime.now(UTC)).overlaps_until
    until = f"works until {still}" if still else "does not work any more"
    _tell(
        made, f"This is the new secret of {made.key.id}. It is shown this once. The one of before {until}.", json=json
    )


@app.command()
@spread("place")
def revoke(key: KeyId, yes: Yes = False, *, place: Place, json: Json = False) -> None:
    """Have a key stop working, for ever.

    \b
    turnout keys revoke tk_3f9c0a1b2d4e
    turnout keys revoke tk_3f9c0a1b2d4e --yes --json
    """  # noqa: D301 - \b keeps the lines as they are
    desk = place.desk()
    found = desk.key(key)
    if not yes:
        typer.confirm(f"Revoke {key} of {found.tenant} for ever?", abort=True, err=True)
    revoked = shown(desk.revoke_key(key), datetime.now(UTC))
    typer.echo(msgspec.json.encode(revoked) if json else f"{key} of {found.tenant} is revoked. {SOON}")


def _tell(made: Made, words: str, *, json: bool) -> None:
    """The secret on the standard output, for whoever takes it from there; the words beside it."""
    if json:
        typer.echo(msgspec.json.encode(NewSecret(key=made.presented, details=shown(made.key, datetime.now(UTC)))))
        return
    typer.echo(made.presented)
    sys.stderr.write(f"{words} {SOON}\n")


def _row(key: ShownKey) -> tuple[str, ...]:
    """What a line of the list says."""
    routes = ", ".join(key.routes) or "all"
    who = key.id, key.tenant, key.project or "", key.user or ""
    return *who, routes, told(key.limit), key.created[:10], _state(key), key.name


def _state(key: ShownKey) -> str:
    if key.state != "works":
        return f"{key.state} {(key.revoked or key.expires or '')[:10]}"
    if key.overlaps_until:
        return f"rotates until {key.overlaps_until[:16]}"
    return f"works until {key.expires[:10]}" if key.expires else "works"
