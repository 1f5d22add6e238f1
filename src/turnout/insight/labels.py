"""Answers whose worth somebody has told: from a file, or from the feedback in the ledger.

A file has a row for each answer of the cheaper target. `acceptable` says whether it was good enough (1 or 0); every
other column of numbers is a signal or a feature, by its name. A few have a meaning of their own: `strong` (whether the
next stage's answer to the same request was good enough), `cost_usd` and `strong_cost_usd` (what either cost), `group`
(rows of one group, of one prompt say, are never split between fitting and checking), `logprobs` (the answer's tokens,
of which the signals are then reckoned; see `turnout.insight.label_tokens`).
"""

from __future__ import annotations

import math
from pathlib import Path
from typing import Any, Final

import msgspec

from turnout.confidence.calibration import Labelled
from turnout.confidence.numbers import numpy
from turnout.confidence.prefix import prefix_of
from turnout.confidence.signals.request import request_values
from turnout.errors import ConfigError
from turnout.insight.label_files import GOOD, TRUTHS, Row, read_rows
from turnout.insight.label_tokens import with_signals
from turnout.insight.query import Filter, decisions
from turnout.ledger.store import Store

ACCEPTABLE: Final = "acceptable"
STRONG: Final = "strong"
GROUP: Final = "group"
COST: Final = "cost_usd"
STRONG_COST: Final = "strong_cost_usd"

_EXPECTED: Final = (".chance", ".cost_usd", ".latency_ms")
"""Of what is on record as a signal, a classifier expected these of a target before there was an answer."""
_OWN: Final = (ACCEPTABLE, STRONG, GROUP, COST, STRONG_COST)


class Labels(msgspec.Struct, frozen=True, kw_only=True):
    """Labelled answers.

    Attributes:
        labelled: what a calibration is fitted to.
        cost_usd: what each answer cost, in USD; None where that is not told.
        source: where they come from, for people.
        prefix: the number of tokens after which the signals were read; None for whole answers.
    """

    labelled: Labelled
    cost_usd: Any = None
    source: str = ""
    prefix: int | None = None

    def __len__(self) -> int:
        """How many answers."""
        return len(self.labelled)

    def rows(self, chosen: Any) -> Labels:
        """Those of a mask or an index."""
        cost = None if self.cost_usd is None else self.cost_usd[chosen]
        return msgspec.structs.replace(self, labelled=self.labelled.rows(chosen), cost_usd=cost)

    @property
    def strong_cost_usd(self) -> Any:
        """What the next stage's answer to each cost, in USD; None where that is not told."""
        return self.labelled.strong_cost_usd

    @property
    def priced(self) -> bool:
        """Whether it is known what both would cost."""
        return self.cost_usd is not None and self.strong_cost_usd is not None


def read_labels(file: Path, prefix: int | None = None) -> Labels:
    """Labels from a CSV, JSON Lines or Parquet file; of whole answers, or of the first `prefix` tokens of each.

    Raises:
        ConfigError: it cannot be read as labels; with its line.
        MissingExtra: it is a Parquet file, and the extra `parquet` is not installed.
    """
    return _labels(read_rows(file), str(file), prefix)


def labels_of(store: Store, wanted: Filter, target: str, prefix: int | None = None) -> Labels:
    """Labels from the ledger: answers of `target` that were judged, given, and scored by somebody.

    Of the signals on record, those of whole answers count, or those of the first `prefix` tokens.

    An answer that was thrown away was seen by nobody, so there are none of below the threshold in force.

    Raises:
        ConfigError: there are none.
        LedgerError: the store cannot be read.
    """
    rows: list[tuple[int, Row]] = []
    for number, decision in enumerate(decisions(store, wanted), 1):
        signals = {name: value for name, value in decision.signals.items() if not name.endswith(_EXPECTED)}
        read = any(prefix_of(name)[1] == prefix for name in signals)
        judged = read and decision.target == target and decision.confidence is not None
        if not judged or decision.feedback is None or decision.features is None:
            continue
        known = {GROUP: decision.query_hash, ACCEPTABLE: str(int(decision.feedback >= GOOD))}
        rows.append((number, {**request_values(decision.features), **signals, **known}))
    if not rows:
        raise ConfigError(
            f"no judged answer of {target} has been scored yet.",
            fix="Send scores to /v1/feedback, or give labels in a file: --labels FILE.",
        )
    return _labels(rows, "the ledger", prefix)


def _labels(given: list[tuple[int, Row]], source: str, prefix: int | None) -> Labels:
    rows = with_signals(given, prefix, source)
    names = list(dict.fromkeys(name for _, row in rows for name in row))
    if ACCEPTABLE not in names:
        raise ConfigError(
            f"it has no column '{ACCEPTABLE}'.",
            fix="Say whether each was good enough: 1 or 0.",
            file=source,
        )
    groups = [str(row.get(GROUP) or number) for number, row in rows]
    columns = {name: _column(rows, name, source) for name in names if name not in _OWN and _is_numeric(rows, name)}
    if not columns:
        raise ConfigError(
            "it has no signal.", fix="Give at least one column of numbers, such as mean_logprob.", file=source
        )
    strong = _truths(rows, STRONG, source) if STRONG in names else None
    return Labels(
        labelled=Labelled(
            columns=columns,
            acceptable=_truths(rows, ACCEPTABLE, source),
            strong=strong,
            strong_cost_usd=_column(rows, STRONG_COST, source) if STRONG_COST in names else None,
            groups=groups,
        ),
        cost_usd=_column(rows, COST, source) if COST in names else None,
        source=source,
        prefix=prefix,
    )


def _truths(rows: list[tuple[int, Row]], name: str, source: str) -> Any:
    told = []
    for line, row in rows:
        value = TRUTHS.get(str(row.get(name)).strip().lower())
        if value is None:
            raise ConfigError(f"'{name}' is {row.get(name)!r}.", fix="Write 1 or 0.", file=source, line=line)
        told.append(value)
    return numpy().array(told)


def _column(rows: list[tuple[int, Row]], name: str, source: str) -> Any:
    numbers = []
    for line, row in rows:
        number = _number(row.get(name))
        if number is None:
            raise ConfigError(
                f"'{name}' is {row.get(name)!r}, and a number in other rows.",
                fix="Write a number, or leave the row out.",
                file=source,
                line=line,
            )
        numbers.append(number)
    return numpy().array(numbers)


def _is_numeric(rows: list[tuple[int, Row]], name: str) -> bool:
    """Whether a column is one of numbers: its first value is."""
    return _number(next((row[name] for _, row in rows if row.get(name) not in (None, "")), None)) is not None


def _number(value: Any) -> float | None:
    try:
        number = float(value)
    except (TypeError, ValueError):
        return None
    return None if math.isnan(number) else min(max(number, -1e300), 1e300)  # a log-probability may be -inf
