"""A pytest fixture, made where pytest is."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from turnout.testing.fault_provider.hosted import HostedFaultProvider, running_fault_provider


def fault_provider_fixture(**options: Any) -> Any:
    """A fixture for a `conftest.py`: a fresh provider for each test.

        fault_provider = fault_provider_fixture(seed=1)

    It runs on a thread of its own, and so serves tests that are asynchronous and tests that are not.

    Args:
        options: those of `FaultProvider`.
    """
    import pytest

    @pytest.fixture
    def fault_provider() -> Iterator[HostedFaultProvider]:
        with running_fault_provider(**options) as provider:
            yield provider

    return fault_provider
