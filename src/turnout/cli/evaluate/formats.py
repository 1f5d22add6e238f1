"""An evaluation for machines."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import msgspec

from turnout.insight.evaluate.bootstrap import Interval
from turnout.insight.evaluate.evaluation import Evaluation
from turnout.insight.evaluate.verdict import Assumed, Verdict, worth_of


def as_json(found: Evaluation, told: Sequence[Verdict], assumed: Assumed) -> str:
    """One JSON object; shares are 0 to 1, amounts in USD for a request, latencies in ms."""
    whole: dict[str, Any] = {
        **{name: getattr(found, name) for name in found.__struct_fields__ if name != "standings"},
        "standings": [
            {name: _plain(getattr(each, name)) for name in each.__struct_fields__} for each in found.standings
        ],
        "verdicts": [each._asdict() for each in told],
        "assumed": {**assumed._asdict(), "worth_usd": worth_of(found, assumed)},
    }
    return msgspec.json.encode(whole).decode()


def _plain(value: Any) -> Any:
    return value._asdict() if isinstance(value, Interval) else value
