"""`python -m turnout.cli`: the command, where no script is installed."""

from __future__ import annotations

from turnout.cli.app import main

if __name__ == "__main__":
    main()
