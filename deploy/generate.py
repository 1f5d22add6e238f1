"""Writes what Grafana and Prometheus read, from the code: `python -m deploy.generate`, or `make docs`.

`tests/deploy` fails while a file says something else, or asks for a metric that there is not.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Final

import yaml

from deploy.alerts import rules
from deploy.board import board

HERE: Final = Path(__file__).parent
_MADE: Final = "# Made by `python -m deploy.generate` from deploy/alerts.py.\n"


def files() -> dict[Path, str]:
    """Every file, with what belongs into it."""
    return {
        HERE / "grafana" / "turnout.json": json.dumps(board(), indent=2) + "\n",
        HERE / "prometheus" / "alerts.yaml": _MADE + yaml.safe_dump(rules(), sort_keys=False, width=1000),
    }


def main() -> None:
    """Write them all."""
    for file, text in files().items():
        file.parent.mkdir(exist_ok=True)
        if not file.exists() or file.read_text(encoding="utf-8") != text:
            file.write_text(text, encoding="utf-8")
            sys.stdout.write(f"wrote {file.relative_to(HERE.parent)}\n")


if __name__ == "__main__":
    main()
