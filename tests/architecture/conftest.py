"""The sources that the gates read, and the sizes reported at the end of a run."""

from __future__ import annotations

from functools import cache
from pathlib import Path

import pytest

from tests.architecture import gates

ROOT = Path(__file__).parents[2]


@cache
def modules_under(folder: str) -> tuple[gates.Module, ...]:
    return tuple(gates.Module.read(file, ROOT) for file in sorted((ROOT / folder).rglob("*.py")))


@pytest.fixture(scope="session")
def root() -> Path:
    return ROOT


@pytest.fixture(scope="session")
def product() -> tuple[gates.Module, ...]:
    """Every module of the package."""
    return modules_under("src")


@pytest.fixture(scope="session")
def code() -> tuple[gates.Module, ...]:
    """Every module that somebody maintains, tests apart."""
    return modules_under("src") + modules_under("bench") + modules_under("examples")


@pytest.fixture(scope="session")
def suite() -> tuple[gates.Module, ...]:
    """Every module of the tests."""
    return modules_under("tests")


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    product = modules_under("src")
    modules = [module.lines for module in product if module.lines]
    lengths = [gates.function_lines(function) for module in product for _, function, _ in gates.functions(module)]
    if lengths:
        terminalreporter.write_line(
            f"turnout: {len(modules)} modules, median {gates.median(modules)} lines; "
            f"{len(lengths)} functions, median {gates.median(lengths)}, "
            f"p90 {gates.percentile(lengths, 0.9)} lines"
        )
