"""`turnout serve`: the gateway."""

from __future__ import annotations

import os
from contextlib import AbstractAsyncContextManager
from pathlib import Path
from typing import Annotated, Final

import typer
import uvicorn

from turnout.config.build import ConfiguredRouter, build_parts
from turnout.config.check import is_loopback
from turnout.config.load import LoadedConfig, load_config
from turnout.router import Router
from turnout.server.app import Gateway
from turnout.server.auth import Keys
from turnout.types.clock import SystemClock

_CONFIG: Final = "TURNOUT_SERVE_CONFIG"
_DATA: Final = "TURNOUT_SERVE_DATA"
_KEEP_ALIVE_S: Final = 75
"""Longer than the 60 s after which load balancers let go of an idle connection, so that it is never us."""


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

    \b
    turnout serve
    turnout serve --config turnout.yaml --port 8080 --workers 2
    """  # noqa: D301 - \b keeps the lines as they are
    loaded = load_config(config)
    build_parts(loaded, SystemClock())  # what cannot be built is told here, in one line, not by each worker
    server = loaded.config.server
    at = host or server.host
    if not is_loopback(at) and not server.keys:
        raise typer.BadParameter(
            f"Listening on {at} without server.keys would let everybody who reaches it spend your money. "
            "Add keys to the configuration, or listen on 127.0.0.1.",
            param_hint="--host",
        )
    if config is not None:
        os.environ[_CONFIG] = str(config)
    if data is not None:
        os.environ[_DATA] = str(data)
    listening = port if port is not None else server.port
    typer.echo(_greeting(loaded, at, listening), err=True)
    uvicorn.run(
        "turnout.cli.serve:application",
        factory=True,
        host=at,
        port=listening,
        workers=workers,
        loop="uvloop",
        http="httptools",
        ws="none",
        access_log=False,
        log_level="warning",
        server_header=False,
        proxy_headers=False,
        timeout_keep_alive=_KEEP_ALIVE_S,
    )


def application() -> Gateway:
    """The application that each worker runs."""
    path = os.environ.get(_CONFIG)
    server = load_config(path).config.server

    def opened() -> AbstractAsyncContextManager[Router]:
        return ConfiguredRouter.from_config(path, data=os.environ.get(_DATA), worker=f"gateway-{os.getpid()}")

    return Gateway(opened, Keys(key.get_secret_value() for key in server.keys), server.limits)


def _greeting(loaded: LoadedConfig, host: str, port: int) -> str:
    routes = ", ".join(loaded.config.routes) or "none; every target by its own name"
    base = f"http://{host}:{port}"
    return f"turnout listens on {base}  (OpenAI base_url: {base}/v1, Anthropic base_url: {base})\nroutes: {routes}"
