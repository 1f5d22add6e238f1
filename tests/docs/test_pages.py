"""The pages hold together, and ARCHITECTURE.md shows the tree as it is."""

from __future__ import annotations

import re

from tests.docs.pages import PAGES, ROOT

ARCHITECTURE = (ROOT / "ARCHITECTURE.md").read_text("utf-8")
LINK = re.compile(r"\]\(([^)#\s]+\.md)[^)]*\)")


def test_every_page_can_be_reached_from_the_index() -> None:
    reached = {ROOT / "docs/index.md"}
    waiting = list(reached)
    for page in waiting:
        for target in LINK.findall(page.read_text("utf-8")):
            linked = (page.parent / target).resolve()
            if linked.suffix == ".md" and linked.exists() and linked not in reached:
                reached.add(linked)
                waiting.append(linked)
    assert [str(page.relative_to(ROOT)) for page in PAGES if page not in reached] == []


def test_every_path_that_the_architecture_names_exists() -> None:
    named = re.findall(r"`((?:src|tests|docs|bench|examples)/[\w./-]*)`", ARCHITECTURE)
    assert len(named) > 20
    assert [path for path in named if not (ROOT / path).exists()] == []


def test_every_module_that_the_architecture_nests_exists() -> None:
    nesting = ARCHITECTURE.partition("run          the plan")[2].partition("```")[0]
    modules = re.findall(r"\b(\w+\.py)\b", nesting)
    assert modules
    assert [name for name in modules if not (ROOT / "src/turnout/execution" / name).exists()] == []


def test_every_package_has_a_line_in_the_layout() -> None:
    layout = ARCHITECTURE.partition("## The layout")[2].partition("## Imports")[0]
    told = set(re.findall(r"^  (\w+)(?:/|\.py) ", layout, re.MULTILINE))
    there = {path.parent.name for path in (ROOT / "src/turnout").glob("*/__init__.py")}
    there |= {path.stem for path in (ROOT / "src/turnout").glob("*.py")}
    assert told == there


def test_every_class_and_function_that_the_architecture_names_exists() -> None:
    source = "\n".join(file.read_text("utf-8") for file in (ROOT / "src/turnout").rglob("*.py"))
    named = set(re.findall(r"`(?:\w+\.)?(_?[a-z]+(?:_[a-z]+)+|[A-Z][a-z]+[A-Z]\w+)`", ARCHITECTURE))
    assert {"CommittedStream", "call_assembled"} <= named
    assert [
        name for name in named if not re.search(rf"(?:def|class) {name}\b|^    {name}:", source, re.MULTILINE)
    ] == []


def test_decisions_are_numbered_without_a_gap_and_have_the_four_parts() -> None:
    pages = sorted((ROOT / "docs/decisions").glob("*.md"))
    assert [int(page.name[:4]) for page in pages] == list(range(1, len(pages) + 1))
    for page in pages:
        text = page.read_text("utf-8")
        assert text.startswith(f"# {int(page.name[:4])}. "), page.name
        headings = re.findall(r"^Status: |^## (\w+)", text, re.MULTILINE)
        assert headings == ["", "Context", "Decision", "Consequences"], page.name
