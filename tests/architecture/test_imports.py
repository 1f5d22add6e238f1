"""Imports run one way, need only what is declared, and cost little."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
import tomllib
from importlib import metadata
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from tests.architecture import gates

if TYPE_CHECKING:
    from collections.abc import Iterator

IMPORT_COST_RATIO = 2.0
CORE_INSTALL_BYTES = 80_000_000


@pytest.fixture(scope="module")
def project(root: Path) -> dict[str, Any]:
    return tomllib.loads((root / "pyproject.toml").read_text(encoding="utf-8"))


def distribution_names(requirements: list[str]) -> set[str]:
    return {re.split(r"[^\w.-]", requirement)[0].replace("_", "-").lower() for requirement in requirements}


def import_names(distributions: set[str]) -> frozenset[str]:
    return frozenset(
        module
        for module, providers in metadata.packages_distributions().items()
        if distributions.intersection(distribution_names(providers))
    )


def test_only_declared_packages_are_imported_with_a_module(
    project: dict[str, Any], product: tuple[gates.Module, ...]
) -> None:
    declared = import_names(distribution_names(project["project"]["dependencies"]))
    allowed = declared | sys.stdlib_module_names | {"turnout"}
    found = "\n".join(str(broken) for module in product for broken in gates.undeclared_imports(module, allowed))
    assert not found, f"\n{found}"


def test_what_runs_without_the_tests_imports_none_of_them(code: tuple[gates.Module, ...]) -> None:
    named = [(module.path, name) for module in code for _, name in gates.imports_at_load(module.tree)]
    assert named
    assert [(path, name) for path, name in named if name.partition(".")[0] == "tests"] == []


def test_importing_the_package_imports_no_extra(project: dict[str, Any]) -> None:
    extras = [each for extra in project["project"]["optional-dependencies"].values() for each in extra]
    optional = import_names(distribution_names(extras) - {"turnout"})
    loaded = run_python("import sys, turnout; print(*{name.partition('.')[0] for name in sys.modules})").split()
    assert optional
    assert optional.intersection(loaded) == set()


def test_importing_the_package_costs_little_more_than_what_it_is_built_on() -> None:
    pairs = [(seconds_to_import("msgspec, aiohttp"), seconds_to_import("turnout")) for _ in range(5)]
    base, ours = (min(column) for column in zip(*pairs, strict=True))
    assert ours <= base * IMPORT_COST_RATIO, (
        f"import turnout takes {ours:.3f} s, {ours / base:.2f} times msgspec and aiohttp"
    )


def seconds_to_import(names: str) -> float:
    return float(run_python(f"from time import perf_counter as t; s = t(); import {names}; print(t() - s)"))


def run_python(program: str) -> str:
    environment = {name: value for name, value in os.environ.items() if not name.startswith("COV")}
    done = subprocess.run(
        [sys.executable, "-c", program],
        env=environment,
        capture_output=True,
        text=True,
        check=True,
        timeout=30,
    )
    return done.stdout


def test_the_core_install_stays_small(root: Path) -> None:
    pinned = re.findall(r"^([\w.-]+)==\S+", (root / "requirements/core.txt").read_text(encoding="utf-8"), re.MULTILINE)
    size = sum(sum(installed_sizes(name)) for name in pinned)
    assert len(pinned) > 12
    assert size < CORE_INSTALL_BYTES, f"{size / 1e6:.1f} MB"


def installed_sizes(distribution: str) -> Iterator[int]:
    try:
        files = metadata.files(distribution) or []
    except metadata.PackageNotFoundError:  # pinned for another platform
        return
    for file in files:
        path = Path(str(file.locate()))
        if path.is_file():
            yield path.stat().st_size


LAYERS = [
    {"cli"},
    {"server", "sync", "dashboard"},
    {"config", "testing"},
    {"router"},
    {"insight"},
    {"policy", "execution", "ledger", "telemetry", "tenancy", "cache"},
    {"providers", "confidence", "features", "state"},
    {"wire", "catalog"},
    {"types"},
    {"errors"},
]


def test_the_contract_is_the_design_without_exemptions(project: dict[str, Any]) -> None:
    (contract,) = project["tool"]["importlinter"]["contracts"]
    assert [set(re.findall(r"\w+", layer)) for layer in contract["layers"]] == LAYERS
    assert contract["exhaustive"] is True
    assert not any(option.startswith(("ignore", "exhaustive_ignore", "unmatched")) for option in contract)


def test_a_layer_that_exists_is_not_optional(project: dict[str, Any], root: Path) -> None:
    (contract,) = project["tool"]["importlinter"]["contracts"]
    optional = set(re.findall(r"\((\w+)\)", " ".join(contract["layers"])))
    package = root / "src/turnout"
    present = {path.parent.name for path in package.glob("*/__init__.py")} | {
        path.stem for path in package.glob("*.py")
    }
    assert optional.intersection(present) == set(), "take these layers out of their parentheses"


@pytest.mark.parametrize(
    ("module", "source", "said"),
    [
        ("errors", "", "KEPT"),
        ("types", "import turnout.errors", "KEPT"),
        ("types", "import turnout.server", "turnout.types is not allowed to import turnout.server"),
        (
            "types",
            "def late():\n    import turnout.cli",
            "turnout.types is not allowed to import turnout.cli",
        ),
        ("types", "import turnout", "turnout.types is not allowed to import turnout.server"),
        ("policy", "import turnout.execution", "turnout.policy is not allowed to import turnout.execution"),
        ("extra", "", "not listed as layers"),
    ],
)
def test_the_contract_sees(module: str, source: str, said: str, root: Path, tmp_path: Path) -> None:
    _, section, contract = (root / "pyproject.toml").read_text(encoding="utf-8").partition("[tool.importlinter]")
    (tmp_path / "pyproject.toml").write_text(section + re.sub(r"\((\w+)\)", r"\1", contract), encoding="utf-8")
    package = tmp_path / "turnout"
    package.mkdir()
    (package / "__init__.py").write_text("import turnout.server")
    for name in set().union(*LAYERS):
        (package / f"{name}.py").touch()
    (package / f"{module}.py").write_text(source)
    answer = lint_imports(tmp_path)
    assert said in answer.stdout
    assert answer.returncode == (said != "KEPT")


def lint_imports(folder: Path) -> subprocess.CompletedProcess[str]:
    command = shutil.which("lint-imports", path=Path(sys.executable).parent)
    assert command is not None
    return subprocess.run(
        [command, "--no-cache"],
        cwd=folder,
        env=os.environ | {"PYTHONPATH": str(folder), "COLUMNS": "200"},
        capture_output=True,
        text=True,
        check=False,
        timeout=30,
    )
