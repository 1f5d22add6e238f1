"""The dashboard over a running gateway: where the pages meet the server that lets people in."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial

from starlette.routing import BaseRoute

from turnout.config.build import ConfiguredRouter
from turnout.dashboard.app import dashboard
from turnout.dashboard.house import House
from turnout.ledger.location import database_file
from turnout.ledger.postgres.store import PostgresStore
from turnout.ledger.sqlite import SqliteStore
from turnout.ledger.store import Store
from turnout.server.admin.access import AdminAccess, Role


def dashboard_pages(router: ConfiguredRouter, access: AdminAccess) -> Sequence[BaseRoute]:
    """The routes of the dashboard, for whoever has a viewer's or an admin's key."""
    house = House(
        router=router,
        store=_shown(router),
        authorise=partial(access.check, needs=Role.VIEWER),
        sign_in=access.sign_in,
        sign_out=access.sign_out,
    )
    return dashboard(house)


def _shown(router: ConfiguredRouter) -> Store:
    """What the pages are about: the decisions of this ledger, or those of all in its copy."""
    copied = router.loaded.config.ledger.postgres
    if copied is not None and copied.dashboard:
        return PostgresStore(copied.copy_of().url)
    return SqliteStore(database_file(router.data))
