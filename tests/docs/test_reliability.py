"""The table of promises names tests that exist, and leaves no promise out."""

from __future__ import annotations

import ast
import re

import pytest

from tests.docs.pages import ROOT

PAGE = (ROOT / "docs/reliability.md").read_text("utf-8")
NAMED = sorted(set(re.findall(r"`(tests/[\w/]+\.py)::(\w+)`", PAGE)))


@pytest.mark.parametrize(("file", "test"), NAMED, ids=["::".join(each) for each in NAMED])
def test_every_test_that_is_named_exists(file: str, test: str) -> None:
    tree = ast.parse((ROOT / file).read_text("utf-8"))
    found = {node.name for node in tree.body if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)}
    assert test in found


def test_every_promise_has_its_row() -> None:
    rows = re.findall(r"^\| (\d+)\. .*?\| (.*?) \| (.*?) \|$", PAGE, re.MULTILINE)
    assert [int(number) for number, _, _ in rows] == list(range(1, 16))
    for number, proofs, measured in rows:
        assert "`tests/" in proofs or measured != "–", f"promise {number} has neither a proof nor a word why"
