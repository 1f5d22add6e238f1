"""What was calibrated, for machines."""

from __future__ import annotations

from typing import Any

import msgspec

from turnout.insight.aims import Point
from turnout.insight.calibrate import Calibrated


def as_json(found: Calibrated) -> str:
    """One JSON object; shares are 0 to 1, amounts in USD for a request."""
    whole = {
        "holds": found.holds,
        "promise": found.promise,
        "aim": {"kind": type(found.aim).__name__, **msgspec.structs.asdict(found.aim)},
        "by": found.by,
        "threshold": found.chosen.threshold if found.holds else None,
        "prefix": found.calibration.prefix,
        "stop": found.stop,
        "stopped": found.stopped,
        "chosen": _point(found.chosen),
        "checked": found.checked,
        "labels_needed": found.needed,
        "more_labels": found.more,
        "strong_quality": found.strong,
        "always_strong_usd": found.always_usd,
        "cost_ratio": found.cost_ratio,
        "other_order_usd": found.otherwise_usd,
        "calibration": msgspec.structs.asdict(found.calibration.quality),
        "curve": [_point(point) for point in found.curve],
    }
    return msgspec.json.encode(whole).decode()


def _point(point: Point) -> dict[str, Any]:
    return point._asdict() | {"escalated": 1 - point.kept}
