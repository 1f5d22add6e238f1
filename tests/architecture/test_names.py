"""Names say what a thing is about, and the public ones are a short, sorted list."""

from __future__ import annotations

import importlib
import tomllib
import types
from typing import TYPE_CHECKING

from tests.architecture import gates

if TYPE_CHECKING:
    from pathlib import Path


def test_no_module_or_class_has_a_name_that_says_nothing(
    code: tuple[gates.Module, ...], suite: tuple[gates.Module, ...]
) -> None:
    found = "\n".join(str(broken) for module in code + suite for broken in gates.forbidden_names(module))
    assert not found, f"\n{found}"


def test_the_public_names_are_sorted_and_importable() -> None:
    turnout = importlib.import_module("turnout")
    assert list(turnout.__all__) == sorted(turnout.__all__)
    assert [name for name in turnout.__all__ if not hasattr(turnout, name)] == []
    assert set(turnout._HOMES) == set(turnout.__all__) - {"__version__"}


def test_whatever_the_package_shows_is_listed() -> None:
    turnout = importlib.import_module("turnout")
    shown = {
        name
        for name in vars(turnout)
        if not name.startswith("_") and not isinstance(getattr(turnout, name), types.ModuleType)
    }
    assert shown - {"annotations", "import_module", "TYPE_CHECKING"} <= set(turnout.__all__)


def test_the_changelog_has_the_version_that_is_packaged(root: Path) -> None:
    version = tomllib.loads((root / "pyproject.toml").read_text(encoding="utf-8"))["project"]["version"]
    assert f"## {version} " in (root / "CHANGELOG.md").read_text(encoding="utf-8")
