"""Fill ledgers of growing size with made-up decisions, and ask each whether what was learnt still fits.

python -m bench.ledger.drift                           30,000 and 300,000 decisions: 1 GB of disk
python -m bench.ledger.drift --keep DIRECTORY          fill them once, and measure again and again
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from itertools import count as numbers
from multiprocessing import get_context
from pathlib import Path
from typing import Any, Final

import msgspec
from rich.console import Console

from bench.answers import answers
from bench.ledger.__main__ import fill
from turnout.confidence.calibration import Calibration, fit_calibration, save_calibration
from turnout.insight.query import count
from turnout.ledger.location import database_file
from turnout.ledger.sqlite import SqliteStore
from turnout.types.decision import Decision
from turnout.types.features import Features

DAYS: Final = 28
PROMISED_MIB: Final = 25.0
"""By how much the largest ledger may take more memory than the smallest."""
CONFIG: Final = """
providers:
  inhouse: {dialect: openai, base_url: "http://127.0.0.1:9/v1", api_key: none}
targets:
  small:  {provider: inhouse, model: small}
  sonnet: {provider: inhouse, model: large}
routes:
  contracts: {policy: {cascade: [{use: small, accept: {confidence: 0.6, by: contracts.json}}, {use: sonnet}]}}
  support: {policy: {cascade: [{use: small, accept: {confidence: 0.6, by: new.json}}, {use: sonnet}]}}
"""


def main() -> int:
    """Fill, ask, print; 1 where the memory grows with the ledger."""
    given = _arguments()
    directory = given.keep or Path(tempfile.mkdtemp(prefix="turnout-bench-drift-"))
    told = [_measured(directory / str(number), number) for number in given.decisions]
    sys.stdout.write(json.dumps(told, indent=1) + "\n")
    if not given.keep:
        shutil.rmtree(directory)
    sizes = [each["largest_mib"] for each in told]
    return int(max(sizes) - sizes[0] > PROMISED_MIB)


def _measured(directory: Path, number: int) -> dict[str, Any]:
    filling = get_context("spawn").Process(target=_fill, args=(directory, number))  # its memory is not to be measured
    filling.start()
    filling.join()
    if filling.exitcode:
        raise SystemExit(filling.exitcode)
    command = [sys.executable, "-m", "turnout.cli", "drift", "--config", str(directory / "turnout.yaml"), "--json"]
    began = time.perf_counter()
    child = subprocess.Popen([*command, "--data", str(directory / "data")], stdout=subprocess.PIPE)
    assert child.stdout is not None
    with child.stdout as said:
        watches = json.loads(said.read())
    _, status, used = os.wait4(child.pid, 0)
    child.returncode = os.waitstatus_to_exitcode(status)
    return {
        "decisions": number,
        "seconds": round(time.perf_counter() - began, 2),
        "seconds_of_processor": round(used.ru_utime + used.ru_stime, 2),
        "largest_mib": round(used.ru_maxrss / 1024),
        "found": [f"{each['verdict']} ({each['decisions']:,})" for each in watches],
    }


def _fill(directory: Path, number: int) -> None:
    """A ledger, unless it is there, and a configuration with a calibration in use and one that was just made."""
    directory.mkdir(parents=True, exist_ok=True)
    store = SqliteStore(database_file(directory / "data"))
    if count(store) < number:
        labels = answers(1_000)
        fitted = save_calibration(directory / "contracts.json", fit_calibration(labels, target="small"))
        save_calibration(directory / "new.json", fit_calibration(labels, target="small", provenance={"made": "now"}))
        fill(store, number, DAYS, Console(stderr=True), judged_by(fitted, number))
    store.close()
    (directory / "turnout.yaml").write_text(CONFIG, encoding="utf-8")


def judged_by(fitted: Calibration, number: int) -> Callable[[Decision], Decision]:
    """What makes a made-up decision of the route `contracts` one that a calibration has judged."""
    made = answers(number, seed=1)
    tokens, logprobs = made.columns["tokens"].round().astype(int).tolist(), made.columns["mean_logprob"].tolist()
    confidences = fitted.confidences(made.columns).tolist()
    places = numbers()

    def judged(decision: Decision) -> Decision:
        if decision.route != "contracts":
            return decision
        place = next(places)
        return msgspec.structs.replace(
            decision,
            artefact=fitted.id,
            confidence=confidences[place],
            signals={"mean_logprob": logprobs[place]},
            features=Features(chars=4 * tokens[place], tokens=tokens[place], context_tokens=tokens[place]),
        )

    return judged


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="bench.ledger.drift", description=__doc__.splitlines()[0] if __doc__ else "")
    parser.add_argument(
        "--decisions", type=int, nargs="+", default=[30_000, 300_000], help="how many to make up, smallest first"
    )
    parser.add_argument("--keep", type=Path, help="fill this directory, unless it is full, and leave it")
    return parser.parse_args()


if __name__ == "__main__":
    sys.exit(main())
