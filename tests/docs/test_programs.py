"""The programs on the pages, run."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from tests.docs.pages import ROOT, Block, blocks
from turnout.testing import HEALTHY_TEXT, running_fault_provider

LIBRARY = ROOT / "docs/how-to/use-as-a-library.md"
TESTING = ROOT / "docs/how-to/test-with-the-fault-provider.md"
CONFIGURATION = """
providers: {{east: {{dialect: openai, base_url: "{url}"}}}}
targets: {{large: {{provider: east, model: large-1, price: {{input: 3.00, output: 15.00}}}}}}
routes: {{support: {{policy: large}}}}
"""


@pytest.mark.parametrize("block", [pytest.param(block, id=str(block)) for block in blocks(LIBRARY, "python")])
def test_a_program_that_uses_the_library_does_what_the_page_says(block: Block, tmp_path: Path) -> None:
    with running_fault_provider() as provider:
        (tmp_path / "turnout.yaml").write_text(CONFIGURATION.format(url=provider.openai_base_url), "utf-8")
        printed = _run(["-c", block.text], tmp_path)
    assert printed.count(HEALTHY_TEXT) == 2, printed
    if "no-such-route" in block.text:
        assert "unknown_route There is no route or target 'no-such-route'" in printed


def test_the_test_on_the_page_passes(tmp_path: Path) -> None:
    for block in blocks(TESTING, "python"):
        name = block.text.splitlines()[0].removeprefix("# ")
        (tmp_path / name).write_text(block.text, "utf-8")
    assert {"conftest.py", "test_mine.py"} <= {file.name for file in tmp_path.iterdir()}
    assert "1 passed" in _run(["-m", "pytest", "-q", "-p", "no:cacheprovider", "-p", "no:asyncio"], tmp_path)


def _run(arguments: list[str], directory: Path) -> str:
    done = subprocess.run(
        [sys.executable, *arguments], check=False, cwd=directory, capture_output=True, text=True, timeout=50
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout
