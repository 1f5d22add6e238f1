"""`turnout tenants`: on whose account requests are."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal, InvalidOperation
from typing import Annotated, Any

import msgspec
import typer
from rich.markup import escape
from rich.table import Table

from turnout.cli.desk import SOON, Json, Place, Yes
from turnout.cli.options import spread
from turnout.cli.screen import screen
from turnout.types.tenant import Tenant

app = typer.Typer(no_args_is_help=True, help="On whose account requests are: add, list, change, remove tenants.")

Name = Annotated[str, typer.Argument(help="The tenant's name.", metavar="NAME")]


@dataclass(frozen=True, kw_only=True)
class Wanted:
    """The options that say what a tenant is to be."""

    tier: Annotated[str | None, typer.Option(help="What it has bought, for rules: `when: {tier: gold}`.")] = None
    tag: Annotated[list[str] | None, typer.Option(help="A label, NAME=VALUE; as often as needed.")] = None
    route: Annotated[
        list[str] | None, typer.Option(help="A route that its keys may ask for, or a glob; as often as needed.")
    ] = None
    revenue: Annotated[str | None, typer.Option(help="What it pays in a month, in USD.")] = None

    def fields(self) -> dict[str, Any]:
        """The fields of a tenant that are given. An empty text takes a tier or the revenue away."""
        given: dict[str, Any] = {}
        if self.tier is not None:
            given["tier"] = self.tier or None
        if self.tag is not None:
            given["tags"] = dict(_pair(tag) for tag in self.tag if tag)
        if self.route is not None:
            given["routes"] = tuple(route for route in self.route if route)
        if self.revenue is not None:
            given["revenue_usd"] = _dollars(self.revenue) if self.revenue else None
        return given


@app.command()
@spread("wanted")
@spread("place")
def create(name: Name, *, wanted: Wanted, place: Place, json: Json = False) -> None:
    """Add a tenant to the store. Keys for it are made by `turnout keys create`.

    \b
    turnout tenants create acme --tier gold --revenue 499 --tag segment=enterprise
    turnout tenants create trial --tier free --route faq
    """  # noqa: D301 - \b keeps the lines as they are
    tenant = place.desk().create_tenant(Tenant(name=name, **wanted.fields()))
    _tell(tenant, f"{name} is added. Make it a key: turnout keys create --tenant {name}", json=json)


@app.command("list")
@spread("place")
def list_command(*, place: Place, json: Json = False) -> None:
    """List tenants, wherever they stand.

    \b
    turnout tenants list
    turnout tenants list --json | jq '.[].name'
    """  # noqa: D301 - \b keeps the lines as they are
    tenants = place.desk().tenants()
    if json:
        typer.echo(msgspec.json.encode(tenants))
        return
    if not tenants:
        typer.echo("There are no tenants yet. Add one: turnout tenants create NAME")
        return
    table = Table("tenant", "tier", "tags", "routes", "USD a month", box=None, pad_edge=False)
    for tenant in tenants:
        table.add_row(*(escape(cell) for cell in _row(tenant)))
    screen().print(table)


@app.command()
@spread("place")
def show(name: Name, *, place: Place, json: Json = False) -> None:
    """Show one tenant, and how many keys it has.

    \b
    turnout tenants show acme
    turnout tenants show acme --json
    """  # noqa: D301 - \b keeps the lines as they are
    desk = place.desk()
    tenant = desk.tenant(name)
    if json:
        typer.echo(msgspec.json.encode(tenant))
        return
    keys = desk.keys(name)
    table = Table("", "", box=None, show_header=False, pad_edge=False)
    for told, cell in zip(("tenant", "tier", "tags", "routes", "USD a month"), _row(tenant), strict=True):
        table.add_row(told, escape(cell or "none"))
    table.add_row("keys", f"{len(keys)}, of which {sum(key.revoked is not None for key in keys)} revoked")
    screen().print(table)


@app.command("set")
@spread("wanted")
@spread("place")
def set_command(name: Name, *, wanted: Wanted, place: Place, json: Json = False) -> None:
    """Change what a tenant of the store is. What is not given stays; an empty text takes away.

    \b
    turnout tenants set acme --tier platinum
    turnout tenants set acme --revenue '' --route ''
    """  # noqa: D301 - \b keeps the lines as they are
    fields = wanted.fields()
    if not fields:
        raise typer.BadParameter("Say what is to change: --tier, --tag, --route or --revenue.")
    _tell(place.desk().set_tenant(name, **fields), f"{name} is changed. {SOON}", json=json)


@app.command()
@spread("place")
def remove(name: Name, yes: Yes = False, *, place: Place, json: Json = False) -> None:
    """Remove a tenant and its keys from the store. Its records stay: `turnout ledger purge --tenant` forgets them.

    \b
    turnout tenants remove acme
    turnout tenants remove acme --yes --json
    """  # noqa: D301 - \b keeps the lines as they are
    desk = place.desk()
    if not yes:
        typer.confirm(f"Remove {name} and its keys for ever?", abort=True, err=True)
    keys = desk.remove_tenant(name)
    told = f"{name} is removed, and {keys} key{'' if keys == 1 else 's'} with it. {SOON}"
    typer.echo(msgspec.json.encode({"tenant": name, "keys": keys}) if json else told)


def _tell(tenant: Tenant, words: str, *, json: bool) -> None:
    typer.echo(msgspec.json.encode(tenant) if json else words)


def _row(tenant: Tenant) -> tuple[str, ...]:
    """What a line of the list says."""
    tags = ", ".join(f"{name}={value}" for name, value in tenant.tags.items())
    revenue = "" if tenant.revenue_usd is None else f"{tenant.revenue_usd:,}"
    return tenant.name, tenant.tier or "", tags, ", ".join(tenant.routes) or "all", revenue


def _pair(tag: str) -> tuple[str, str]:
    name, equals, value = tag.partition("=")
    if not name or not equals:
        raise typer.BadParameter(f"{tag!r} is no label. Write segment=enterprise.", param_hint="--tag")
    return name, value


def _dollars(given: str) -> Decimal:
    try:
        amount = Decimal(given)
    except InvalidOperation:
        amount = Decimal(-1)
    if not (amount.is_finite() and amount >= 0):
        raise typer.BadParameter(f"{given!r} is no amount in USD. Write 499 or 499.50.", param_hint="--revenue")
    return amount
