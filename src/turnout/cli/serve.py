"""`turnout serve`: the gateway."""

from __future__ import annotations

import errno
import logging
import multiprocessing
import socket
from dataclasses import dataclass
from functools import partial
from multiprocessing.process import BaseProcess
from multiprocessing.synchronize import Event
from pathlib import Path
from typing import Annotated, Final

import typer
from uvicorn.config import STARTUP_FAILURE

from turnout.cli.options import spread
from turnout.cli.pages import dashboard_pages
from turnout.config.build import build_parts
from turnout.config.load import LoadedConfig, load_config
from turnout.errors import ConfigError
from turnout.ledger.location import ready_directory
from turnout.server.admission import Admission
from turnout.server.open_files import allow_open_files
from turnout.server.run import Serving, listen, run, run_supervised
from turnout.server.supervisor import Supervisor
from turnout.telemetry.logs import LogFormat, LogLevel, LogSettings, configure_logs
from turnout.types.clock import SystemClock

_SPAWN: Final = multiprocessing.get_context("spawn")
_log = logging.getLogger(__name__)


@dataclass(frozen=True, kw_only=True)
class Logs:
    """The options of what is logged."""

    log_format: Annotated[LogFormat, typer.Option(help="Lines of text, or a JSON object for each line.")] = "text"
    log_level: Annotated[LogLevel, typer.Option(help="The least that is logged.")] = "info"
    access_log: Annotated[bool, typer.Option("--access-log", help="Log a line for each decision as well.")] = False


@spread("logs")
def serve(
    *,
    config: Annotated[
        Path | None, typer.Option("--config", "-c", help="The configuration; by default ./turnout.yaml.")
    ] = None,
    host: Annotated[str | None, typer.Option(help="Overrules server.host.")] = None,
    port: Annotated[int | None, typer.Option(min=0, max=65_535, help="Overrules server.port.")] = None,
    workers: Annotated[int, typer.Option(min=1, help="Processes that share the port.")] = 1,
    data: Annotated[
        Path | None,
        typer.Option(
            help="The data directory; by default the configuration's, else $TURNOUT_DATA_DIR, else ./.turnout."
        ),
    ] = None,
    logs: Logs,
) -> None:
    """Run the gateway.

    SIGTERM ends it in good order, a second one at once. SIGHUP reads the configuration again, as does a change of it.

    \b
    turnout serve
    turnout serve --config turnout.yaml --port 8080 --workers 2
    turnout serve --log-format json --access-log
    """  # noqa: D301 - \b keeps the lines as they are
    loaded = load_config(config)
    build_parts(loaded, SystemClock())  # what cannot be built is told here, in one line, not by each worker
    server = loaded.config.server
    settings = LogSettings(log_format=logs.log_format, log_level=logs.log_level, access_log=logs.access_log)
    serving = Serving(host or server.host, config, data, pages=dashboard_pages, logs=settings, workers=workers)
    Admission(loaded, serving.host)  # as above
    ready_directory(loaded.data_directory(data))
    listening = _listen(serving.host, server.port if port is None else port)
    configure_logs(settings)
    allow_open_files(server.limits.max_in_flight + server.limits.max_waiting)
    greet = partial(_greet, _greeting(loaded, listening), settings)
    if workers == 1:
        run(serving, listening, greet)
        return
    serves = _SPAWN.Event()
    if not Supervisor(partial(_worker, serving, listening, serves), workers, serves.is_set, greet).run(listening.close):
        raise typer.Exit(STARTUP_FAILURE)


def _listen(host: str, port: int) -> socket.socket:
    try:
        return listen(host, port)
    except OSError as error:
        reason = str(error.strerror).partition(" (while")[0]  # asyncio's own words say the address again
        raise ConfigError(
            f"cannot listen on {host}:{port}: {reason}.",
            fix="Stop whoever listens there, or say another --port." if error.errno == errno.EADDRINUSE else "",
        ) from error


def _worker(serving: Serving, listening: socket.socket, serves: Event) -> BaseProcess:
    """A process of its own: nothing of the supervisor's memory is shared with it."""
    process = _SPAWN.Process(target=run_supervised, args=(serving, listening, serves))
    process.start()
    return process


def _greet(greeting: str, settings: LogSettings) -> None:
    """Say where it listens: to a person, or to whatever reads the log."""
    if settings.log_format == "text":
        typer.echo(greeting, err=True)
    else:
        _log.info(greeting)


def _greeting(loaded: LoadedConfig, listening: socket.socket) -> str:
    routes = ", ".join(loaded.config.routes) or "none; every target by its own name"
    host, port, *_ = listening.getsockname()
    base = f"http://[{host}]:{port}" if listening.family == socket.AF_INET6 else f"http://{host}:{port}"
    return (
        f"turnout listens on {base}  (OpenAI base_url: {base}/v1, Anthropic base_url: {base})\n"
        f"dashboard: {base}/dashboard\nroutes: {routes}"
    )
