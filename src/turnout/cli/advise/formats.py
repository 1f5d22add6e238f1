"""Advice for machines."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import msgspec

from turnout.insight.advise.advice import Advice, Option
from turnout.insight.advise.assumptions import Assumptions
from turnout.insight.advise.change import Change
from turnout.insight.advise.prices import Pair
from turnout.insight.advise.table import EFFORTS


def as_json(advice: Advice, changed: Sequence[Change], taken: Assumptions, pair: Pair) -> str:
    """One JSON object; shares are 0 to 1, amounts in USD a month, effort in working days."""
    whole: dict[str, Any] = {
        "verdict": advice.verdict,
        "recommended": _option(advice.recommended),
        "on_top": [_option(each) for each in advice.on_top],
        "runners_up": [_option(each) for each in advice.runners_up],
        "declined": [_option(each) for each in advice.declined],
        "remarks": advice.remarks,
        "changes": [each._asdict() for each in changed],
        "facts": {name: msgspec.structs.asdict(fact) for name, fact in advice.facts.known.items()},
        "unknown": advice.facts.unknown,
        "source": advice.facts.source,
        "notes": advice.facts.notes,
        "table": [
            {
                "situation": each.situation.words,
                "approach": each.situation.says,
                "holds": each.holds,
                "sure": each.sure,
                "because": each.because,
                "missing": each.missing,
            }
            for each in advice.findings
        ],
        "assumptions": {
            "strong": {"name": pair.strong.name, "price": msgspec.to_builtins(pair.strong.price, enc_hook=str)},
            "cheap": {"name": pair.cheap.name, "price": msgspec.to_builtins(pair.cheap.price, enc_hook=str)},
            **msgspec.to_builtins(taken),
        },
    }
    return msgspec.json.encode(whole).decode()


def _option(option: Option) -> dict[str, Any]:
    found = option.outlook
    whole = {name: getattr(option, name) for name in option.__struct_fields__ if name != "outlook"}
    told: dict[str, Any] | None = None
    if found is not None:
        told = {name: getattr(found, name) for name in found.__struct_fields__}
        told |= {name: told[name]._asdict() for name in ("now", "then", "saved", "at_risk", "net", "built", "placed")}
    return {**whole, "effort": EFFORTS[option.approach]._asdict(), "outlook": told}
