"""`turnout tenants`: on whose account requests are."""

from __future__ import annotations

from typing import Annotated, Final

import msgspec
import typer
from rich.markup import escape
from rich.table import Table

from turnout.cli.desk import SOON, Json, Place, Yes
from turnout.cli.limits import Limits, told
from turnout.cli.options import spread
from turnout.cli.screen import screen
from turnout.cli.tenant_options import Wanted
from turnout.types.tenant import Budget, RateLimit, Tenant

app = typer.Typer(no_args_is_help=True, help="On whose account requests are: add, list, change, remove tenants.")

_COLUMNS: Final = ("tenant", "tier", "tags", "routes", "USD a month", "budgets", "limit")
Name = Annotated[str, typer.Argument(help="The tenant's name.", metavar="NAME")]


@app.command()
@spread("wanted")
@spread("limits")
@spread("place")
def create(name: Name, *, wanted: Wanted, limits: Limits, place: Place, json: Json = False) -> None:
    """Add a tenant to the store. Keys for it are made by `turnout keys create`.

    \b
    turnout tenants create acme --tier gold --revenue 499 --tag segment=enterprise
    turnout tenants create trial --tier free --route faq --budget 5/day --requests-per-minute 20
    """  # noqa: D301 - \b keeps the lines as they are
    tenant = place.desk().create_tenant(Tenant(name=name, limit=RateLimit(**limits.given()), **wanted.fields(name)))
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
    table = Table(*_COLUMNS, box=None, pad_edge=False)
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
    for column, cell in zip(_COLUMNS, _row(tenant), strict=True):
        table.add_row(column, escape(cell or "none"))
    table.add_row("keys", f"{len(keys)}, of which {sum(key.revoked is not None for key in keys)} revoked")
    screen().print(table)


@app.command("set")
@spread("wanted")
@spread("limits")
@spread("place")
def set_command(name: Name, *, wanted: Wanted, limits: Limits, place: Place, json: Json = False) -> None:
    """Change what a tenant of the store is. What is not given stays; an empty text takes away.

    \b
    turnout tenants set acme --tier platinum
    turnout tenants set acme --budget 50/day --budget 900/month,hard=false --requests-per-minute 600
    turnout tenants set acme --revenue '' --route '' --concurrent 0
    """  # noqa: D301 - \b keeps the lines as they are
    fields, limit = wanted.fields(name), limits.given()
    if not fields and not limit:
        raise typer.BadParameter("Say what is to change: --tier, --tag, --route, --revenue, --budget or a limit.")
    _tell(place.desk().set_tenant(name, limit, **fields), f"{name} is changed. {SOON}", json=json)


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
    budgets = ", ".join(_budget(budget) for budget in tenant.budgets)
    routes = ", ".join(tenant.routes) or "all"
    return tenant.name, tenant.tier or "", tags, routes, revenue, budgets, told(tenant.limit)


def _budget(budget: Budget) -> str:
    """A budget in words: `50 USD/day of each user (soft)`."""
    whose = "" if budget.of == "tenant" else f" of {budget.only or f'each {budget.of}'}"
    return f"{budget.usd:,f} USD/{budget.per}{whose}{'' if budget.hard else ' (soft)'}"
