"""Routers that die at one exact point of a request, to be run by a test: `python -m tests.chaos.killed_at CONFIG DATA`.

One process per point, forked so that what takes long to import is imported once. What its caller has received is in the
file `received` beside its data.
"""

from __future__ import annotations

import asyncio
import os
import signal
import sys
from pathlib import Path
from typing import Any, Final

from turnout import Router
from turnout.ledger.journal import Journal
from turnout.types.decision import Decision, Intent

POINTS: Final = ("before the intent", "after the intent", "mid-stream", "before the outcome", "after the outcome")


def die() -> None:
    os.kill(os.getpid(), signal.SIGKILL)


def arm(point: str) -> None:
    """Die there. The journal is where both lines of a request go through."""
    intend, record = Journal.intend, Journal.record

    def die_instead(self: Journal, _: Any) -> None:
        die()

    def intend_and_die(self: Journal, intent: Intent) -> None:
        intend(self, intent)
        die()

    def record_and_die(self: Journal, decision: Decision) -> None:
        record(self, decision)
        die()

    match point:
        case "before the intent":
            Journal.intend = die_instead  # type: ignore[assignment] # that is the point
        case "after the intent":
            Journal.intend = intend_and_die
        case "before the outcome":
            Journal.record = die_instead  # type: ignore[assignment] # that is the point
        case "after the outcome":
            Journal.record = record_and_die


async def ask(config: Path, data: Path, point: str, *, stream: bool) -> None:
    messages = [{"role": "user", "content": data.name}]
    async with Router.from_config(config, data=data) as router:
        with (data / "received").open("ab", buffering=0) as received:
            if not stream:
                received.write((await router.chat(route="model", messages=messages)).text.encode())
                return
            async for text in (await router.stream(route="model", messages=messages)).text():
                received.write(text.encode())
                if point == "mid-stream":
                    die()


def main(config: Path, root: Path) -> None:
    for point in POINTS:
        for stream in (True, False):
            if point == "mid-stream" and not stream:
                continue
            data = root / f"{point}, {'streamed' if stream else 'whole'}"
            data.mkdir()
            child = os.fork()
            if not child:
                arm(point)
                asyncio.run(ask(config, data, point, stream=stream))
                os._exit(0)
            _, status = os.waitpid(child, 0)
            assert os.waitstatus_to_exitcode(status) == -signal.SIGKILL, data.name


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(sys.argv[2]))
