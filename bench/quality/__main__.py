"""`python -m bench.quality WHAT --data DIR`: measure the learning parts on public data, a table for each."""

from __future__ import annotations

import argparse
import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Final

from bench.quality import agreement, cascades, coverage, promises, routers
from bench.quality.data import Missing

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

WHAT: Final[Mapping[str, Callable[[argparse.Namespace], None]]] = {
    "agreement": agreement.run,
    "cascades": cascades.run,
    "coverage": coverage.run,
    "promises": promises.run,
    "routers": routers.run,
}
"""What can be measured, by name; each prints its tables."""


def main() -> int:
    """Measure and print; returns the exit status: 0, also where there is no data, which is said."""
    parser = argparse.ArgumentParser(prog="python -m bench.quality", description=__doc__)
    parser.add_argument("what", choices=WHAT)
    default = Path(os.environ.get("TURNOUT_DATA", "../shared/data"))
    parser.add_argument("--data", type=Path, default=default, help="where the data lies (default: $TURNOUT_DATA)")
    parser.add_argument("--seeds", type=int, help="how many splits each figure is the mean of")
    parser.add_argument("--picture", type=Path, help="an SVG file to draw the curves into")
    given = parser.parse_args()
    try:
        WHAT[given.what](given)
    except Missing as missing:
        print(f"skipped: {missing}", file=sys.stderr)
    return 0


if __name__ == "__main__":
    sys.exit(main())
