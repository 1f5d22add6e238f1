"""Load on one URL over many connections: by wrk, else by an asyncio generator that reports the same.

Both print one JSON line, `REPORT {...}`, which `parse` reads.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import shutil
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from bench.exchange import Exchange, http_request
from bench.machine import HOST, BenchError
from bench.payloads import KEY

if TYPE_CHECKING:
    from collections.abc import Sequence

INSTALL_HINT = "apt-get install wrk"

_MARK = "REPORT "

_SCRIPT = """\
wrk.method = "POST"
wrk.headers["content-type"] = "application/json"
wrk.headers["authorization"] = "Bearer %(key)s"
wrk.body = io.open("%(body)s", "rb"):read("*a")
done = function(summary, latency, requests)
  local e = summary.errors
  io.write(string.format('%(mark)s{"requests": %%d, "failures": %%d, "seconds": %%f}\\n', summary.requests,
    e.connect + e.read + e.write + e.status + e.timeout, summary.duration / 1e6))
end
"""


@dataclass(frozen=True)
class Load:
    """What a load generator saw: complete answers, failures (a status of 400 or more is one), and seconds."""

    requests: int
    failures: int
    seconds: float

    @property
    def rate(self) -> float:
        """Answers per second."""
        return self.requests / self.seconds


def parse(output: str) -> Load:
    """The report in a generator's output.

    Raises:
        BenchError: there is none, nothing was answered, or a request failed: a failure is not a fast answer.
    """
    lines = [line for line in output.splitlines() if line.startswith(_MARK)]
    if not lines:
        raise BenchError(f"the load generator reported nothing:\n{output[-2000:]}")
    load = Load(**json.loads(lines[-1].removeprefix(_MARK)))
    if load.failures or not load.requests:
        raise BenchError(f"{load.failures} of {load.requests} requests failed")
    return load


def wrk_installed() -> bool:
    """Whether wrk drives the load."""
    return shutil.which("wrk") is not None


def drive(url: str, body: bytes, directory: Path, *, connections: int, seconds: float) -> Load:
    """POST `body` to `url` over `connections` connections for `seconds`, each asking again when answered.

    Raises:
        BenchError: any request failed.
    """
    body_file = directory / "body.json"
    body_file.write_bytes(body)
    generator = _wrk if wrk_installed() else _own
    command = generator(url, body_file, connections, seconds)
    done = subprocess.run(command, capture_output=True, text=True, timeout=seconds + 60, check=False)
    return parse(done.stdout + done.stderr)


def _wrk(url: str, body_file: Path, connections: int, seconds: float) -> Sequence[str]:
    script = body_file.with_suffix(".lua")
    script.write_text(_SCRIPT % {"key": KEY, "body": body_file, "mark": _MARK})
    limits = ("-t1", f"-c{connections}", f"-d{max(1, round(seconds))}s", "--timeout", "10s")
    return ("wrk", *limits, "-s", str(script), url)


def _own(url: str, body_file: Path, connections: int, seconds: float) -> Sequence[str]:
    return (sys.executable, "-m", "bench.load", url, str(body_file), str(connections), str(seconds))


async def once(url: str, body: bytes, connections: int) -> int:
    """Ask once on each of `connections` connections at the same time; returns the bytes of all bodies.

    Raises:
        BenchError: an answer was not a 200.
    """
    exchanges = [await _open(url) for _ in range(connections)]
    request = http_request(url, body)
    answers = await asyncio.gather(*(exchange.ask(request) for exchange in exchanges))
    for exchange in exchanges:
        exchange.close()
    if any(answer.status != 200 for answer in answers):
        raise BenchError(f"{url} answered {sorted({answer.status for answer in answers})}")
    return sum(answer.size for answer in answers)


async def generate(url: str, body: bytes, connections: int, seconds: float) -> Load:
    """What wrk does, for machines without it: slower, so it bounds what can be measured."""
    exchanges = [await _open(url) for _ in range(connections)]
    request = http_request(url, body)
    started = time.monotonic()
    deadline = started + seconds

    async def ask_again(exchange: Exchange) -> tuple[int, int]:
        answered = failed = 0
        while time.monotonic() < deadline:
            answer = await exchange.ask(request)
            answered, failed = answered + 1, failed + (answer.status >= 400)
        exchange.close()
        return answered, failed

    counts = await asyncio.gather(*(ask_again(exchange) for exchange in exchanges))
    elapsed = time.monotonic() - started
    return Load(sum(count for count, _ in counts), sum(failed for _, failed in counts), elapsed)


async def _open(url: str) -> Exchange:
    port = int(url.removeprefix("http://").split("/")[0].rpartition(":")[2])
    _, exchange = await asyncio.get_running_loop().create_connection(Exchange, HOST, port)
    return exchange


def main() -> None:
    """`python -m bench.load URL BODY_FILE CONNECTIONS SECONDS`."""
    parser = argparse.ArgumentParser(prog="python -m bench.load", description=__doc__)
    parser.add_argument("url")
    parser.add_argument("body_file", type=Path)
    parser.add_argument("connections", type=int)
    parser.add_argument("seconds", type=float)
    given = parser.parse_args()
    load = asyncio.run(generate(given.url, given.body_file.read_bytes(), given.connections, given.seconds))
    print(_MARK + json.dumps(vars(load)))


if __name__ == "__main__":
    main()
