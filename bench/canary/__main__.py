"""Run canaries over simulated traffic, and count what they decide.

python -m bench.canary                  200 runs of each scenario: some ten minutes
python -m bench.canary --runs 20        a minute
python -m bench.canary --json
"""

from __future__ import annotations

import argparse
import json
from collections import Counter
from statistics import median
from typing import Final

from rich.console import Console
from rich.progress import track
from rich.table import Table

from bench.canary.simulation import SCENARIOS, run
from turnout.types.canary import CanaryStatus

_CALLERS: Final = 3_000


def main() -> None:
    """Simulate, count, print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--runs", type=int, default=200, help="of each scenario")
    parser.add_argument("--json", action="store_true", help="print JSON")
    given = parser.parse_args()
    found = {}
    cases = {name: (planted, 0) for name, planted in SCENARIOS.items()}
    cases["no difference, 3,000 callers"] = (SCENARIOS["no difference"], _CALLERS)
    for name, (planted, callers) in cases.items():
        runs = track(range(given.runs), name, console=Console(stderr=True), disable=given.json)
        ended = [run(planted, seed, callers=callers) for seed in runs]
        counts = Counter(each.status.value for each in ended)
        found[name] = {**counts, "median_requests": median(each.requests for each in ended)}
    if given.json:
        print(json.dumps({"runs": given.runs, "scenarios": found}))
    else:
        _print(found)


def _print(found: dict[str, dict[str, float]]) -> None:
    table = Table(box=None, header_style="dim")
    ends = [CanaryStatus.ROLLED_BACK, CanaryStatus.PROMOTED, CanaryStatus.HELD]
    for title in ("planted", *(each.value.replace("_", " ") for each in ends), "median requests"):
        table.add_column(title, justify="left" if title == "planted" else "right")
    for name, each in found.items():
        counts = [f"{each.get(end.value, 0):g}" for end in ends]
        table.add_row(name, *counts, f"{each['median_requests']:,.0f}")
    Console().print(table)


if __name__ == "__main__":
    main()
