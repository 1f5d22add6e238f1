"""One ledger for all of these tests, written once by real requests."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import pytest

from tests.cli.replay.recorded import configured, record
from turnout.testing import HostedFaultProvider, running_fault_provider


class Written(NamedTuple):
    """A ledger, and the configuration that its requests were answered under."""

    provider: HostedFaultProvider
    config: Path
    data: Path


@pytest.fixture(scope="session")
def written(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Written]:
    directory = tmp_path_factory.mktemp("written")
    with running_fault_provider(seed=1) as provider:
        config = directory / "turnout.yaml"
        config.write_text(configured(provider), encoding="utf-8")
        record(config, directory / "data")
        yield Written(provider, config, directory / "data")
