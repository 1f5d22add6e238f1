"""`turnout serve` as a user starts it: what cannot start says why in one line, what says that it listens does."""

from __future__ import annotations

import http.client
import re
import socket
import subprocess
import sys
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import pytest

from tests.processes import gateway_process
from turnout.cli.app import main

CONFIG = """
providers: {own: {dialect: openai, base_url: "http://127.0.0.1:1/v1"}}
targets: {model: {provider: own}}
"""
Turnout = Callable[..., tuple[int, str]]


@pytest.fixture
def turnout(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Turnout:
    """Run a command in a directory with a configuration: its status and what it said to the terminal."""
    monkeypatch.chdir(tmp_path)
    Path("turnout.yaml").write_text(CONFIG, encoding="utf-8")

    def run(*command: str) -> tuple[int, str]:
        monkeypatch.setattr(sys, "argv", ["turnout", *command])
        with pytest.raises(SystemExit) as ended:
            main()
        return int(ended.value.code or 0), capsys.readouterr().err

    return run


@pytest.mark.parametrize("workers", ["1", "2"])
@pytest.mark.parametrize("data", ["file", "file/below", "/proc/nothing"])
def test_a_data_directory_that_cannot_be_written_is_told_before_anything_starts(
    turnout: Turnout, data: str, workers: str
) -> None:
    Path("file").touch()
    status, said = turnout("serve", "--port", "0", "--data", data, "--workers", workers)
    assert status == 2
    assert re.fullmatch(rf"the data directory {data} cannot be written: .+\. Say another by --data, .+\.\n", said)


def test_a_port_in_use_is_told_in_one_line(turnout: Turnout) -> None:
    with socket.create_server(("127.0.0.1", 0)) as other:
        port = other.getsockname()[1]
        status, said = turnout("serve", "--port", str(port))
    assert status == 2
    assert said == (
        f"cannot listen on 127.0.0.1:{port}: Address already in use. "
        "Stop whoever listens there, or say another --port.\n"
    )


def test_an_address_of_another_machine_is_told_in_one_line(turnout: Turnout) -> None:
    Path("turnout.yaml").write_text(f"{CONFIG}server: {{keys: [a-key-of-the-gateway]}}\n", encoding="utf-8")
    status, said = turnout("serve", "--host", "203.0.113.5", "--port", "0")
    assert (status, said) == (2, "cannot listen on 203.0.113.5:0: Cannot assign requested address.\n")


def test_a_port_that_is_none_is_a_usage_error(turnout: Turnout) -> None:
    assert turnout("serve", "--port", "99999")[0] == 2


def test_a_file_is_no_data_directory_to_read_from_either(turnout: Turnout) -> None:
    status, said = turnout("decisions", "--data", "turnout.yaml")
    assert (status, said) == (2, "turnout.yaml is not a directory. Say where the data directory is by --data.\n")


@pytest.mark.parametrize("workers", ["1", "2"])
def test_what_fails_only_as_it_starts_is_told_without_a_traceback_and_ends(tmp_path: Path, workers: str) -> None:
    file, data = tmp_path / "turnout.yaml", tmp_path / "data"
    file.write_text(CONFIG, encoding="utf-8")
    data.mkdir()
    (data / "query-hash").touch()
    options = ["--config", str(file), "--data", str(data), "--port", "0", "--workers", workers]
    command = [sys.executable, "-m", "turnout.cli", "serve", *options]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 3
    assert "Point ledger.directory at a directory that this user may write." in done.stderr
    assert "Traceback" not in done.stderr
    assert "listens on" not in done.stderr


@pytest.mark.parametrize("workers", ["1", "2"])
def test_whoever_says_that_it_listens_answers(tmp_path: Path, workers: str) -> None:
    with gateway_process(CONFIG, tmp_path / "gateway", "--workers", workers) as gateway:
        said = gateway.said
        with closing(http.client.HTTPConnection("127.0.0.1", gateway.port, timeout=30)) as connection:
            connection.request("GET", "/health/ready")
            assert connection.getresponse().status == 200
    assert said.count("listens on") == 1
