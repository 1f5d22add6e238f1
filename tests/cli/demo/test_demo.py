"""The demo as a user runs it: a process of its own, a real model, a real gateway."""

from __future__ import annotations

import json
import os
import shlex
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from turnout.errors import MissingExtra
from turnout.testing.local_model import installed_weights

try:
    installed_weights()
except MissingExtra:  # `make test` installs it; a bare development environment may lack it
    pytest.skip("the local model is not installed", allow_module_level=True)

QUERIES = """query,route,stream,user
How do I reset my password?,support,,ana
I was charged twice,support,yes,ben
I want to speak to a human,support,,chloe
Write a haiku about tents,assistant,yes,dev
I was charged twice again,support,,emma
I want to speak to a manager,support,yes,finn
What are your opening hours?,support,,grace
Does the warranty cover a broken zip?,support,,hugo
"""


def environment() -> dict[str, str]:
    keys = {"OPENAI_API_KEY", "ANTHROPIC_API_KEY"}
    return {name: value for name, value in os.environ.items() if name not in keys}


@pytest.fixture(scope="module")
def queries(tmp_path_factory: pytest.TempPathFactory) -> Path:
    file = tmp_path_factory.mktemp("demo") / "queries.csv"
    file.write_text(QUERIES)
    return file


def run(*options: str, home: Path) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "turnout.cli", "demo", *options]
    env = environment() | {"TMPDIR": str(home), "COLUMNS": "120"}
    return subprocess.run(command, capture_output=True, text=True, env=env, timeout=55, check=False)


def test_every_query_is_answered_through_the_outage(queries: Path, tmp_path: Path) -> None:
    done = run("--queries", str(queries), "--json", home=tmp_path)
    assert done.returncode == 0, done.stderr
    told: dict[str, Any] = json.loads(done.stdout)
    by_number = {asked["number"]: asked for asked in told["asked"]}
    assert sorted(by_number) == list(range(1, 9))
    assert all(asked["text"] and asked["decision"]["outcome"] == "answered" for asked in told["asked"])
    rules = [by_number[number]["decision"]["rule"] for number in (1, 2, 3)]
    assert rules == ["faq", "complex", "escalation"]
    assert by_number[1]["decision"]["target"] == "small"
    assert "simulated" not in by_number[1]["text"]
    # Queries 4 to 6 are asked while the primary is down.
    assert [by_number[number]["decision"]["target"] for number in (4, 5, 6)] == ["secondary", "backup", "backup"]
    assert told["total"]["fallbacks"] == 3
    assert told["total"]["decisions"] == 8
    assert float(told["total"]["saved_usd"]) > 0


def test_a_user_reads_what_happened_and_where_to_look_next(queries: Path, tmp_path: Path) -> None:
    done = run("--queries", str(queries), home=tmp_path)
    assert done.returncode == 0, done.stderr
    assert "SmolLM2-135M, a real model" in done.stdout
    assert "The primary provider goes down" in done.stdout
    assert "[simulated" not in done.stdout
    assert "decided by" in done.stdout
    (data,) = tmp_path.glob("turnout-demo-*")
    suggested = [line for line in done.stdout.splitlines() if str(data) in line]
    assert len(suggested) == 3
    for line in suggested:
        _, options = line.split(maxsplit=1) if line.split()[0] == "turnout" else line.split("turnout.cli ", 1)
        command = [sys.executable, "-m", "turnout.cli", *shlex.split(options)]
        ran = subprocess.run(command, capture_output=True, text=True, check=False)
        assert ran.returncode == 0, (command, ran.stderr)
        assert ran.stdout


def test_a_file_that_cannot_be_read_is_the_users_mistake(tmp_path: Path) -> None:
    done = run("--queries", str(tmp_path / "none.csv"), home=tmp_path)
    assert done.returncode == 2
    assert "cannot be read" in done.stderr
