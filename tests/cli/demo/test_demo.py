"""The demo as a user runs it: a process of its own, a real model, a real gateway."""

from __future__ import annotations

import json
import os
import re
import shlex
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from openai import APIConnectionError, OpenAI

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


@pytest.fixture
def queries(tmp_path: Path) -> Path:
    file = tmp_path / "queries.csv"
    file.write_text(QUERIES)
    return file


def run(*options: str, home: Path) -> subprocess.CompletedProcess[str]:
    env = environment() | {"TMPDIR": str(home), "COLUMNS": "120"}
    command = [sys.executable, "-m", "turnout.cli", *options]
    return subprocess.run(command, capture_output=True, text=True, env=env, timeout=55, check=False)


def test_every_query_is_answered_through_the_outage_and_the_user_can_look_it_up(queries: Path, tmp_path: Path) -> None:
    done = run("demo", "--queries", str(queries), home=tmp_path)
    assert done.returncode == 0, done.stderr
    assert "SmolLM2-135M, a real model" in done.stdout
    assert "The primary provider goes down" in done.stdout
    (data,) = tmp_path.glob("turnout-demo-*")

    listed = run("decisions", "--data", str(data), "--json", home=tmp_path)
    decisions: list[dict[str, Any]] = [json.loads(line) for line in listed.stdout.splitlines()]
    by_user = {decision["user"]: decision for decision in decisions}
    assert len(by_user) == 8
    assert all(decision["outcome"] == "answered" for decision in decisions)
    assert [by_user[user]["target"] for user in ("ana", "ben", "chloe")] == ["small", "mid", "strong"]
    assert [by_user[user]["rule"] for user in ("ana", "ben", "chloe")] == ["faq", "complex", "escalation"]
    # These three asked while the primary was down.
    assert [by_user[user]["target"] for user in ("dev", "emma", "finn")] == ["secondary", "backup", "backup"]
    assert [by_user[user]["target"] for user in ("grace", "hugo")] == ["small", "mid"]

    suggested = [line for line in done.stdout.splitlines() if str(data) in line]
    assert len(suggested) == 3
    for line in suggested:
        _, options = line.split(maxsplit=1) if line.split()[0] == "turnout" else line.split("turnout.cli ", 1)
        ran = run(*shlex.split(options), home=tmp_path)
        assert ran.returncode == 0, (options, ran.stderr)
        assert ran.stdout


def test_a_machine_reads_one_object(tmp_path: Path) -> None:
    (tmp_path / "queries.jsonl").write_text('"How do I reset my password?"\n"I want to speak to a human"\n')
    done = run("demo", "--queries", str(tmp_path / "queries.jsonl"), "--json", home=tmp_path)
    assert done.returncode == 0, done.stderr
    told: dict[str, Any] = json.loads(done.stdout)
    assert {asked["number"] for asked in told["asked"]} == {1, 2}
    small = next(asked for asked in told["asked"] if asked["number"] == 1)
    assert small["decision"]["target"] == "small"
    assert "simulated" not in small["text"]
    assert told["total"]["decisions"] == 2
    assert float(told["total"]["saved_usd"]) > 0


def test_it_can_be_left_running_until_it_is_interrupted(tmp_path: Path) -> None:
    (tmp_path / "queries.csv").write_text("query\nHow do I reset my password?\n")
    command = [sys.executable, "-m", "turnout.cli", "demo", "--keep", "--queries", str(tmp_path / "queries.csv")]
    env = environment() | {"TMPDIR": str(tmp_path), "COLUMNS": "120", "PYTHONUNBUFFERED": "1"}
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True, env=env) as demo:
        assert demo.stdout is not None
        lines: list[str] = []
        while not lines or "Ctrl-C" not in lines[-1]:
            lines.append(demo.stdout.readline())
            assert lines[-1], "".join(lines)
        (address,) = {found[1] for line in lines if (found := re.search(r"OPENAI_BASE_URL=(\S+)", line))}
        with OpenAI(base_url=address, api_key="demo", max_retries=0) as client:
            assert "support" in [model.id for model in client.models.list()]
            demo.send_signal(signal.SIGINT)
            assert demo.wait(20) == 0
            with pytest.raises(APIConnectionError):
                client.models.list()


def test_a_file_that_cannot_be_read_is_the_users_mistake(tmp_path: Path) -> None:
    done = run("demo", "--queries", str(tmp_path / "none.csv"), home=tmp_path)
    assert done.returncode == 2
    assert "cannot be read" in done.stderr
