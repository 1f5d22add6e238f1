"""Measured side by side: a direct call, an nginx proxy, a bare relay, turnout with its whole journey."""

from __future__ import annotations

import json
import subprocess
import sys
from dataclasses import dataclass
from typing import TYPE_CHECKING

from bench import nginx
from bench.exchange import Stopwatch
from bench.machine import BenchError, Server, Stage, free_port
from bench.payloads import GUARDED, chat_request, gateway_config

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

DIRECT, PROXY, RELAY, TURNOUT = "direct", "nginx proxy", "bare relay", "turnout"
WORKLOADS = ("unary", "stream", "paced")


@dataclass(frozen=True)
class Contestant:
    """One way to the mock provider. `server` is what the measurement watches, None for the direct call."""

    name: str
    urls: dict[str, str]
    server: Server | None
    note: str = ""

    def url(self, workload: str) -> str:
        """Where to POST this workload's request."""
        return self.urls[workload]


def body(workload: str) -> bytes:
    """The request body of a workload, the same for every contestant."""
    return chat_request(workload, stream=workload in {"stream", "paced"})


def start_mock(stage: Stage) -> dict[str, str]:
    """Start the mock provider; returns its base URL by workload.

    nginx answers the unary requests, and our own mock where nginx is missing. The streams always come from our
    own: nginx would send a file under one length, and a provider sends each event as a chunk of its own.
    """
    own_port = free_port()
    own = stage.start("mock", (sys.executable, "-m", "bench.mock", str(own_port)), own_port, mock=True)
    bases = dict.fromkeys(WORKLOADS, own.url)
    if nginx.find():
        port = free_port()
        config = nginx.mock_config(_directory(stage, "nginx-mock"), port)
        bases["unary"] = _start_nginx(stage, "nginx-mock", config, port).url
    return {workload: f"{base}/{workload}" for workload, base in bases.items()}


def start_all(stage: Stage, upstreams: dict[str, str], turnout: Path | None) -> list[Contestant]:
    """Start every contestant that this machine can run, and check that each answers as the provider does.

    Args:
        stage: owns the processes.
        upstreams: the mock provider's base URL by workload.
        turnout: the `turnout` command, or None where it is not installed.
    """
    contestants = list(_start(stage, upstreams, turnout))
    for contestant in contestants:
        verify(contestant)
    return contestants


def _start(stage: Stage, upstreams: dict[str, str], turnout: Path | None) -> Iterator[Contestant]:
    yield Contestant(DIRECT, {name: f"{url}/v1/chat/completions" for name, url in upstreams.items()}, None)
    if nginx.find():
        port = free_port()
        config = nginx.proxy_config(_directory(stage, "nginx-proxy"), port, upstreams)
        yield _by_path(PROXY, _start_nginx(stage, "nginx-proxy", config, port))
    port = free_port()
    command = (sys.executable, "-m", "bench.relay", str(port))
    yield _by_path(RELAY, stage.start("relay", command, port, UPSTREAMS=json.dumps(upstreams)))
    if turnout is not None:
        yield _start_turnout(stage, upstreams, turnout)


def verify(contestant: Contestant) -> None:
    """Ask once for each workload that is measured and compare the answer with the provider's own.

    Raises:
        BenchError: it answers something else, so its speed would mean nothing.
    """
    marks = {"unary": b'"total_tokens":327', "stream": b"data: [DONE]", GUARDED: b'"total_tokens":327'}
    for workload, mark in marks.items():
        if workload not in contestant.urls:
            continue
        watch = Stopwatch(contestant.url(workload), body(workload))
        answer = watch.ask()
        watch.close()
        if answer.status != 200 or mark not in answer.body:
            shown = answer.body[:600].decode(errors="replace")
            raise BenchError(f"{contestant.name} answers the {workload} request with {answer.status}: {shown}")


def _start_turnout(stage: Stage, upstreams: dict[str, str], command: Path) -> Contestant:
    directory = _directory(stage, "turnout")
    path = directory / "turnout.yaml"
    note = ""
    path.write_text(json.dumps(gateway_config(upstreams, keys=True)))
    if _refused(command, path):
        path.write_text(json.dumps(gateway_config(upstreams, keys=False)))
        note = "this version has no server.keys: callers were not authenticated"
        if reason := _refused(command, path):
            raise BenchError(f"turnout refuses the benchmark's configuration:\n{reason}")
    port = free_port()
    flags = ("--config", str(path), "--port", str(port), "--data", str(directory / "data"))
    server = stage.start("gateway", (str(command), "serve", *flags), port)
    url = f"{server.url}/v1/chat/completions"
    return Contestant(TURNOUT, dict.fromkeys((*WORKLOADS, GUARDED), url), server, note)


def _refused(command: Path, config: Path) -> str:
    done = subprocess.run((str(command), "config", "check", str(config)), capture_output=True, text=True, check=False)
    return (done.stdout + done.stderr or "no reason given") if done.returncode else ""


def _by_path(name: str, server: Server) -> Contestant:
    urls = {workload: f"{server.url}/{workload}/v1/chat/completions" for workload in WORKLOADS}
    return Contestant(name, urls, server)


def _directory(stage: Stage, name: str) -> Path:
    directory = stage.directory / name
    directory.mkdir()
    return directory


def _start_nginx(stage: Stage, name: str, config: str, port: int) -> Server:
    path = stage.directory / name / "nginx.conf"
    path.write_text(config)
    binary = nginx.find()
    assert binary is not None
    prefix = str(path.parent)
    return stage.start(
        name, (binary, "-p", prefix, "-e", f"{prefix}/error.log", "-c", str(path)), port, mock="mock" in name
    )
