"""Fill a ledger with made-up decisions, and decide them all again by another configuration.

python -m bench.ledger.replay                           1 million decisions: 3 GB of disk
python -m bench.ledger.replay --keep DIRECTORY          fill it once, and measure again and again
"""

from __future__ import annotations

import argparse
import json
import os
import resource
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Final

from rich.console import Console

from bench.ledger.__main__ import fill
from turnout.insight.query import count
from turnout.ledger.location import database_file
from turnout.ledger.sqlite import SqliteStore

PROMISED_S: Final = 60.0
DAYS: Final = 20
CONFIG: Final = """
providers:
  anthropic: {api_key: none}
  openai: {api_key: none}
  inhouse: {dialect: openai, base_url: "http://127.0.0.1:9/v1", api_key: none}
targets:
  sonnet: {provider: anthropic, model: claude-3-5-sonnet-20241022, price: {input: 3, output: 15}}
  haiku:  {provider: anthropic, model: claude-3-5-haiku-20241022, price: {input: 1, output: 5}}
  gpt-4o: {provider: openai, model: gpt-4o, price: {input: 2.5, output: 10}}
  small:  {provider: inhouse, model: small, price: {input: 0.2, output: 0.2}}
routes:
  support:
    baseline: sonnet
    policy:
      rules:
        - {name: short, when: {tokens: {max: 120}}, use: [small, haiku]}
        - {name: from the web, when: {source: web, tokens: {max: 400}}, use: [haiku, gpt-4o]}
        - {name: rest, use: [haiku, gpt-4o]}
  contracts: {policy: {cascade: [{use: small, accept: {confidence: 0.8}}, {use: [sonnet, gpt-4o]}]}}
  assistant: {policy: [sonnet, gpt-4o]}
"""


def main() -> int:
    """Fill, replay, print; 1 where it took longer than it may."""
    given = _arguments()
    directory = given.keep or Path(tempfile.mkdtemp(prefix="turnout-bench-replay-"))
    store = SqliteStore(database_file(directory))
    if count(store) < given.decisions:
        fill(store, given.decisions - count(store), DAYS, Console(stderr=True))
    store.close()
    config = directory / "new.yaml"
    config.write_text(CONFIG, encoding="utf-8")
    found, wall_s, cpu_s, largest_mib = _replayed(config, directory)
    told = {
        "decisions": found["decisions"],
        "changed": found["total"]["changed"],
        "cores": os.cpu_count(),
        "seconds": round(wall_s, 1),
        "seconds_of_processor": round(cpu_s, 1),
        "largest_process_mib": round(largest_mib),
    }
    sys.stdout.write(json.dumps(told, indent=1) + "\n")
    if not given.keep:
        shutil.rmtree(directory)
    return int(wall_s > PROMISED_S)


def _replayed(config: Path, directory: Path) -> tuple[dict[str, dict[str, object]], float, float, float]:
    command = [sys.executable, "-m", "turnout.cli", "replay", str(config), "--data", str(directory), "--since", "60d"]
    began = time.perf_counter()
    done = subprocess.run([*command, "--json"], check=True, stdout=subprocess.PIPE)
    wall_s = time.perf_counter() - began
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return json.loads(done.stdout), wall_s, used.ru_utime + used.ru_stime, used.ru_maxrss / 1024


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="bench.ledger.replay", description=__doc__.splitlines()[0] if __doc__ else "")
    parser.add_argument("--decisions", type=int, default=1_000_000, help="how many to make up")
    parser.add_argument("--keep", type=Path, help="fill this directory, unless it is full, and leave it")
    return parser.parse_args()


if __name__ == "__main__":
    sys.exit(main())
