"""`turnout serve`: the gateway."""

from __future__ import annotations

import multiprocessing
import socket
from multiprocessing.process import BaseProcess
from pathlib import Path
from typing import Annotated

import typer

from turnout.config.build import build_parts
from turnout.config.load import LoadedConfig, load_config
from turnout.server.admission import Admission
from turnout.server.run import Serving, listen, run, run_supervised
from turnout.server.supervisor import Supervisor
from turnout.types.clock import SystemClock


def serve(
    config: Annotated[
        Path | None, typer.Option("--config", "-c", help="The configuration; by default ./turnout.yaml.")
    ] = None,
    host: Annotated[str | None, typer.Option(help="Overrules server.host.")] = None,
    port: Annotated[int | None, typer.Option(help="Overrules server.port.")] = None,
    workers: Annotated[int, typer.Option(min=1, help="Processes that share the port.")] = 1,
    data: Annotated[
        Path | None,
        typer.Option(
            help="The data directory; by default the configuration's, else $TURNOUT_DATA_DIR, else ./.turnout."
        ),
    ] = None,
) -> None:
    """Run the gateway.

    SIGTERM ends it in good order, a second one at once. SIGHUP reads the configuration again, as does a change of it.

    \b
    turnout serve
    turnout serve --config turnout.yaml --port 8080 --workers 2
    """  # noqa: D301 - \b keeps the lines as they are
    loaded = load_config(config)
    build_parts(loaded, SystemClock())  # what cannot be built is told here, in one line, not by each worker
    server = loaded.config.server
    serving = Serving(host or server.host, config, data)
    Admission(loaded, serving.host)  # as above
    listening = _listen(serving.host, server.port if port is None else port)
    typer.echo(_greeting(loaded, listening), err=True)
    if workers == 1:
        run(serving, listening)
    elif not Supervisor(lambda: _worker(serving, listening), workers).run(listening.close):
        raise typer.Exit(1)


def _listen(host: str, port: int) -> socket.socket:
    try:
        return listen(host, port)
    except OSError as error:
        raise typer.BadParameter(f"Cannot listen on {host}:{port}: {error.strerror}.", param_hint="--port") from error


def _worker(serving: Serving, listening: socket.socket) -> BaseProcess:
    """A process of its own: nothing of the supervisor's memory is shared with it."""
    process = multiprocessing.get_context("spawn").Process(target=run_supervised, args=(serving, listening))
    process.start()
    return process


def _greeting(loaded: LoadedConfig, listening: socket.socket) -> str:
    routes = ", ".join(loaded.config.routes) or "none; every target by its own name"
    host, port, *_ = listening.getsockname()
    base = f"http://[{host}]:{port}" if listening.family == socket.AF_INET6 else f"http://{host}:{port}"
    return f"turnout listens on {base}  (OpenAI base_url: {base}/v1, Anthropic base_url: {base})\nroutes: {routes}"
