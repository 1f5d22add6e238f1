"""What is committed is ours, says nothing about one machine, and holds together."""

from __future__ import annotations

import re
import subprocess
import tomllib
from typing import TYPE_CHECKING

import pytest

from tests.architecture import texts

if TYPE_CHECKING:
    from pathlib import Path


@pytest.fixture(scope="module")
def committed(root: Path) -> dict[str, bytes]:
    """The content of every file that git tracks."""
    listed = subprocess.run(["git", "ls-files", "-z"], cwd=root, capture_output=True, text=True, check=True).stdout
    paths = [path for path in listed.split("\0") if path and (root / path).is_file()]
    return {path: (root / path).read_bytes() for path in paths}


def test_no_file_names_a_registry_a_machine_or_a_key(committed: dict[str, bytes]) -> None:
    found = [
        str(broken)
        for path, content in committed.items()
        for broken in texts.said(path, content.decode("utf-8", "replace"))
    ]
    assert not found, "\n" + "\n".join(found)


def test_no_foreign_asset_is_committed(committed: dict[str, bytes]) -> None:
    found = [str(broken) for path, content in committed.items() for broken in texts.foreign_asset(path, content)]
    assert not found, "\n" + "\n".join(found)


def test_every_link_between_pages_resolves(committed: dict[str, bytes], root: Path) -> None:
    found = [
        str(broken)
        for path, content in committed.items()
        if path.endswith(".md")
        for broken in texts.dead_links(path, content.decode(), root)
    ]
    assert not found, "\n" + "\n".join(found)


@pytest.mark.parametrize("name", ["build", "core", "demo", "dev", "model"])
def test_every_requirement_is_pinned_with_a_hash(name: str, root: Path) -> None:
    text = (root / f"requirements/{name}.txt").read_text(encoding="utf-8")
    entries = re.split(r"\n(?=\S)", text.strip())
    assert [entry for entry in entries if not re.match(r"[\w.-]+==\S+.*\\\n\s+--hash=sha256:", entry)] == []


def test_the_sets_of_requirements_agree(root: Path) -> None:
    pins = [
        set(re.findall(r"^[\w.-]+==\S+", (root / f"requirements/{name}.txt").read_text(), re.MULTILINE))
        for name in ("core", "demo", "dev")
    ]
    assert pins[0] < pins[1] < pins[2]


def test_every_ignored_rule_has_a_reason(root: Path) -> None:
    settings = (root / "pyproject.toml").read_text(encoding="utf-8")
    lint = settings.partition("[tool.ruff.lint]")[2].partition("[tool.ruff.lint.flake8-builtins]")[0]
    codes = [line for line in lint.splitlines() if re.search(r'^\s+"[A-Z]+[0-9]*",|= \["[A-Z]', line)]
    assert tomllib.loads(settings)["tool"]["ruff"]["lint"]["select"] == ["ALL"]
    assert [line for line in codes if "select" not in line and not re.search(r"# \w", line)] == []


def test_the_branches_that_must_be_covered_are_not_lowered(root: Path) -> None:
    coverage = tomllib.loads((root / "pyproject.toml").read_text(encoding="utf-8"))["tool"]["coverage"]
    assert coverage["run"]["branch"] is True
    assert coverage["report"]["fail_under"] >= 95
