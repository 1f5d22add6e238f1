"""turnout as a library: what importing it takes, and a rule decision through the public call.

Each figure is taken in a process of its own. `python -m bench.library CONFIG` prints the µs of a decision.
"""

from __future__ import annotations

import asyncio
import importlib.util
import json
import subprocess
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

from bench.contestants import TURNOUT
from bench.machine import BenchError, pinned, quiet_environment
from bench.payloads import gateway_config, prompt

if TYPE_CHECKING:
    from bench.machine import Cores
    from bench.spread import Measured

_IMPORT = "import time; started = time.perf_counter(); import turnout; print((time.perf_counter() - started) * 1e3)"
_PROMPT_CHARACTERS = 2_000
_DECISIONS = 2_000


def installed() -> bool:
    """Whether turnout can be imported here."""
    found = importlib.util.find_spec("turnout")
    return found is not None and found.origin is not None


def import_time(cores: Cores, directory: Path, rounds: int) -> Measured:
    """Milliseconds of `import turnout` in a fresh interpreter with its byte code cached."""
    cache = str(directory / "bytecode")
    times = [float(_python(cores, ("-c", _IMPORT), PYTHONPYCACHEPREFIX=cache)) for _ in range(rounds + 1)]
    return {"import_ms": {TURNOUT: times[1:]}}  # the first compiled the byte code


def decision_time(cores: Cores, directory: Path, rounds: int) -> Measured:
    """Microseconds of a decision over three lists of 200 phrases for a prompt of 2,000 characters."""
    path = directory / "library.yaml"
    path.write_text(json.dumps(gateway_config({"unary": "http://127.0.0.1:9"}, keys=False)))
    times = [float(_python(cores, ("-m", "bench.library", str(path)))) for _ in range(rounds)]
    return {"decision_us": {TURNOUT: times}}


def classifier_time(cores: Cores, directory: Path, rounds: int) -> Measured:  # noqa: ARG001 - every figure is asked alike
    """Microseconds of a classifier's decision (`bench.classifying`)."""
    times = [float(_python(cores, ("-m", "bench.classifying"))) for _ in range(min(rounds, 3))]
    return {"classifier_us": {TURNOUT: times}}


def confidence_time(cores: Cores, directory: Path, rounds: int) -> Measured:  # noqa: ARG001 - every figure is asked alike
    """Microseconds of judging an answer by a calibration (`bench.judging`)."""
    times = [float(_python(cores, ("-m", "bench.judging"))) for _ in range(min(rounds, 3))]
    return {"confidence_us": {TURNOUT: times}}


def journey_stages(cores: Cores, directory: Path, rounds: int) -> Measured:
    """Microseconds of processor time of the journey's stages (`bench.journey`)."""
    return _by_name("journey", cores, directory, rounds)


def governing_pieces(cores: Cores, directory: Path, rounds: int) -> Measured:
    """Microseconds of processor time of each part of governing (`bench.pieces`)."""
    return _by_name("pieces", cores, directory, rounds)


def _by_name(module: str, cores: Cores, directory: Path, rounds: int) -> Measured:
    """The figures that a module of the bench prints, each round in a directory of its own."""
    measured: Measured = {}
    for number in range(rounds):
        place = directory / f"{module}-{number}"
        place.mkdir()
        for name, us in json.loads(_python(cores, ("-m", f"bench.{module}", str(place)))).items():
            measured.setdefault(f"{module}_{name}_us", {TURNOUT: []})[TURNOUT].append(us)
    return measured


def _python(cores: Cores, arguments: tuple[str, ...], **env: str) -> str:
    command = (sys.executable, *arguments)
    with pinned(cores.contestant):
        done = subprocess.run(command, capture_output=True, text=True, check=False, env=quiet_environment(env))
    if done.returncode:
        raise BenchError(done.stderr[-2000:])
    return done.stdout


async def _decide(config: Path) -> float:
    from turnout import Router

    messages: list[dict[str, Any]] = [{"role": "user", "content": prompt(_PROMPT_CHARACTERS)}]
    async with Router.from_config(config) as router:
        times = []
        for _ in range(_DECISIONS):
            started = time.perf_counter_ns()
            router.explain(route="unary", messages=messages)
            times.append(time.perf_counter_ns() - started)
    return sorted(times)[_DECISIONS // 2] / 1e3


if __name__ == "__main__":
    print(asyncio.run(_decide(Path(sys.argv[1]))))
