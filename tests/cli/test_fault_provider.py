"""`turnout fault-provider`, as a process of its own."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
import typer
from typer.testing import CliRunner

from turnout.cli.fault_provider import fault_provider
from turnout.testing import VERBS

PROGRAM = "import typer; from turnout.cli.fault_provider import fault_provider as f; typer.run(f)"


@contextmanager
def running(*options: str) -> Iterator[tuple[subprocess.Popen[str], dict[str, str]]]:
    """The process and where it says that it listens."""
    command = [sys.executable, "-c", PROGRAM, "--port", "0", "--control-port", "0", *options]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        told = [process.stdout.readline().split() for _ in range(4)]
        try:
            yield process, {words[0]: next(word for word in words if word.startswith("http")) for words in told}
        finally:
            process.kill()


def ask(base_url: str, model: str = "m") -> int:
    body = json.dumps({"model": model, "messages": []}).encode()
    try:
        with urllib.request.urlopen(f"{base_url}/chat/completions", body, timeout=30) as answer:
            return int(answer.status)
    except urllib.error.HTTPError as error:
        with error:
            return error.code


def test_it_serves_the_fault_writes_the_ledger_and_ends_on_a_signal(tmp_path: Path) -> None:
    ledger = tmp_path / "drill.jsonl"
    with running("--fault", "status(503)", "--ledger", str(ledger), "--seed", "1") as (process, at):
        assert ask(at["OpenAI"]) == 503
        config = at["control:"].removesuffix("/control/config") + "/control/config"
        urllib.request.urlopen(config, b'{"fault": "status(418)"}', timeout=30).close()
        assert ask(at["OpenAI"]) == 418
        assert ask(at["OpenAI"], "fault:healthy") == 200
        assert at["OpenAI"] == f"{at['Anthropic']}/v1"
        process.send_signal(signal.SIGTERM)
        assert process.wait(5) == 0
    lines = [json.loads(line) for line in ledger.read_text().splitlines()]
    assert [line["status"] for line in lines if line["event"] == "ended"] == [503, 418, 200]


@pytest.fixture
def runner(monkeypatch: pytest.MonkeyPatch) -> CliRunner:
    monkeypatch.setenv("COLUMNS", "160")
    return CliRunner()


@pytest.fixture
def app() -> typer.Typer:
    app = typer.Typer()
    app.command()(fault_provider)
    return app


def test_a_fault_that_cannot_be_read_is_a_usage_error_with_the_fix(runner: CliRunner, app: typer.Typer) -> None:
    done = runner.invoke(app, ["--fault", "stal_after(5)"])
    assert done.exit_code == 2
    assert "did you mean 'stall_after'?" in done.output


def test_every_verb_is_listed_with_its_meaning(runner: CliRunner, app: typer.Typer) -> None:
    done = runner.invoke(app, ["--list-verbs"])
    assert done.exit_code == 0
    assert all(verb.signature in done.output for verb in VERBS.values())


def test_the_help_shows_how_it_is_used(runner: CliRunner, app: typer.Typer) -> None:
    done = runner.invoke(app, ["--help"])
    lines = [line.strip() for line in done.output.splitlines()]
    assert 'turnout fault-provider --fault "stall_after(5, 30)"' in lines
    assert "\\b" not in done.output
    assert all(option in done.output for option in ("--control-port", "--ledger", "--seed", "--list-verbs"))
