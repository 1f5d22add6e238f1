"""A real Postgres for the tests of the ledger's copy."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.ledger.postgres.fleet import Fleet, made_fleet
from tests.postgreses import Postgres, PostgresServer, postgres_server
from turnout.ledger.postgres.store import PostgresStore


@pytest.fixture(scope="package")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[PostgresServer]:
    with postgres_server(tmp_path_factory.mktemp("run")) as running:
        yield running


@pytest.fixture
def postgres(server: PostgresServer) -> Postgres:
    """A database with nothing in it."""
    return server.database()


@pytest.fixture(scope="package")
def fleet(server: PostgresServer, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Fleet]:
    """Two gateways whose ledgers are copied, and one with all of theirs; only to be read."""
    with made_fleet(server.database(), tmp_path_factory.mktemp("fleet")) as made:
        yield made


@pytest.fixture
def copy(fleet: Fleet) -> PostgresStore:
    """The copy of both."""
    return PostgresStore(fleet.postgres.url)
