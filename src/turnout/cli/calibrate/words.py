"""How what was calibrated reads: the same in a terminal and on a page."""

from __future__ import annotations

from decimal import Decimal
from typing import Final

from turnout.confidence.calibration import DEAREST
from turnout.insight.amount_words import usd
from turnout.insight.calibrate import LOST, Calibrated

NONE: Final = "–"
_WORTH_IT: Final = 0.97
"""Of the cost, from which another order is worth a word: less than that is within the noise of the labels."""
_POORLY: Final = 0.1
"""A calibration error from which stated confidences should not be read as probabilities."""


def figures(found: Calibrated, labels: int) -> list[tuple[str, str, str]]:
    """What the threshold does: a name, a figure and what it means."""
    chosen, quality = found.chosen, found.calibration.quality
    told = [
        *(_gate(found) if found.stop is not None else _kept(found)),
        (
            "wrong of the kept" if found.stop is None else "wrong of the released",
            percent(chosen.error, 1),
            f"on {found.checked:,} of {labels:,} labelled answers",
        ),
        ("acceptable without it", percent(quality.acceptable, 1), "if every answer were kept"),
    ]
    if chosen.quality is not None and found.strong is not None:
        told.append(
            (
                "acceptable in all",
                percent(chosen.quality, 1),
                f"{percent(found.strong, 1)} if the next stage answers all",
            )
        )
    if found.cost_ratio is not None:
        note = f"{usd_of(found.always_usd)} if the next stage answers all: {percent(found.cost_ratio)} of it"
        told.append(("cost of a request", usd_of(chosen.cost_usd), note))
    told.append(("calibration error", percent(quality.calibration_error, 1), f"Brier score {quality.brier:.3f}"))
    return told


def _kept(found: Calibrated) -> list[tuple[str, str, str]]:
    chosen = found.chosen
    what = "answers of at least this confidence are kept"
    if found.by == "gain":
        what = "an answer is escalated where one more acceptable answer costs less"
    return [
        ("worth" if found.by == "gain" else "threshold", threshold(found, chosen.threshold), what),
        ("kept", percent(chosen.kept), f"{percent(1 - chosen.kept)} are escalated"),
    ]


def _gate(found: Calibrated) -> list[tuple[str, str, str]]:
    chosen, tokens = found.chosen, found.calibration.prefix
    between = 1 - chosen.kept - found.stopped
    return [
        (
            "release",
            threshold(found, chosen.threshold),
            f"from this confidence on, a stream flows after {tokens} tokens",
        ),
        (
            "stop",
            threshold(found, found.stop or 0.0),
            f"below it, the rest is not waited for: {percent(LOST)} of the good ones",
        ),
        ("released", percent(chosen.kept), f"{percent(found.stopped)} are stopped, {percent(between)} held to the end"),
    ]


def caveats(found: Calibrated) -> list[str]:
    """What a reader should know before believing it."""
    told = []
    if found.cost_ratio is None:
        told.append("Whether this cascade pays is not known: the labels lack cost_usd or strong_cost_usd.")
    elif found.cost_ratio >= 1:
        more = percent(found.cost_ratio - 1, 1)
        lost = usd_of(1_000 * ((found.chosen.cost_usd or 0.0) - (found.always_usd or 0.0)))
        told.append(
            f"This cascade loses money: it costs {more} more than to ask the next stage at once, "
            f"{lost} of 1,000 requests."
        )
    told.extend(_cheaper_otherwise(found))
    if found.strong is not None and found.strong < found.calibration.quality.acceptable:
        told.append("The next stage's answers are acceptable less often than this one's: escalating makes it worse.")
    if found.calibration.quality.calibration_error > _POORLY:
        told.append("Confidences are far from the shares that came true: more labels, or other signals, would help.")
    if found.more:
        told.append(f"About {found.more:,} more labels would let more answers be kept under the same promise.")
    return told


def _cheaper_otherwise(found: Calibrated) -> list[str]:
    """Whether answers had better be escalated in the other order."""
    here, there = found.chosen.cost_usd, found.otherwise_usd
    if here is None or there is None or there > _WORTH_IT * here:
        return []
    other = "gain" if found.by == "confidence" else "confidence"
    return [f"In the other order this costs {percent(1 - there / here)} less, {usd_of(there)} a request: --by {other}."]


def threshold(found: Calibrated, value: float) -> str:
    """A confidence, of which more than 1 is never reached; or a price in USD, which some answers have not."""
    if found.by == "gain":
        return "any price" if value >= DEAREST else usd_of(value)
    return "never" if value > 1 else f"{value:.4f}"


def percent(share: float | None, digits: int = 0) -> str:
    """`12 %`, or a dash."""
    return NONE if share is None else f"{100 * share:.{digits}f} %"


def usd_of(amount: float | None) -> str:
    """An amount in USD, or a dash."""
    return NONE if amount is None else usd(Decimal(f"{amount:.3g}"))
