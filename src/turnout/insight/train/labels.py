"""Labelled requests from a file: a row for each answer, or a row for each request with a column for each target."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final, NamedTuple

from turnout.errors import ConfigError
from turnout.features.ngrams import numpy
from turnout.features.phrases import PhraseLists
from turnout.features.shape import read_features
from turnout.insight.label_files import GOOD, TRUTHS, Row, read_rows
from turnout.insight.train.rows import Rows
from turnout.types.features import Features
from turnout.types.request import Outline, Said

QUANTITIES: Final = ("acceptable", "cost_usd", "latency_ms", "output_tokens")
_ABOUT: Final = ("text", "time", "group", "segment", "topic")
FORM: Final = (
    "Give the columns text, target and acceptable (0 or 1), a row for each answer; or text and acceptable:TARGET for "
    "each target, a row for each request. Besides, if known: cost_usd, latency_ms, output_tokens, time, group, "
    "segment, topic."
)


class Answered(NamedTuple):
    """What is known of one request.

    Attributes:
        about: its text, time, group, segment and topic.
        answers: for each target what is known of its answer, by the names of `QUANTITIES`.
        features: what it looked like, where that was recorded.
    """

    about: Mapping[str, str]
    answers: Mapping[str, Mapping[str, float]]
    features: Features | None = None


def read_labelled(file: Path) -> list[Answered]:
    """The requests of a file; rows of the same text, group and time are answers to one request.

    Raises:
        ConfigError: a column is missing, or a value cannot be what it should be; with its line.
        MissingExtra: it is Parquet, and the extra `parquet` is not installed.
    """
    rows = read_rows(file)
    columns = {name for _, row in rows for name in row}
    wide = sorted({name.partition(":")[2] for name in columns if name.startswith("acceptable:")})
    if "text" not in columns or not (wide or {"target", "acceptable"} <= columns):
        raise ConfigError("it holds no labels of requests.", fix=FORM, file=str(file))
    found: dict[tuple[str, str, str], Answered] = {}
    for line, row in rows:
        try:
            about = about_of(row)
            answers = {name: _answer(row, f":{name}") for name in wide} or {_text(row["target"]): _answer(row, "")}
        except ValueError as error:
            raise ConfigError(str(error), file=str(file), line=line) from None
        key = (about["text"], about["group"], about["time"])
        before = found.get(key, Answered(about, {}))
        found[key] = before._replace(answers={**before.answers, **answers})
    return list(found.values())


def about_of(row: Row) -> dict[str, str]:
    """What a request is told about besides its answers.

    The time is in UTC, so that times can be compared as texts; questions of the same words are one group, unless the
    row says which group it is of.

    Raises:
        ValueError: it has no text, or its time is none.
    """
    about = {name: _text(row.get(name)) for name in _ABOUT}
    if not about["text"]:
        raise ValueError("the text is missing. Write what the user asked, or leave the row out.")
    about["group"] = about["group"] or " ".join(about["text"].casefold().split())
    about["time"] = _time(about["time"])
    return about


def rows_of(requests: Sequence[Answered], names: Sequence[str] = ()) -> Rows:
    """Requests as training takes them.

    Args:
        requests: what is known of each.
        names: the targets, the cheapest first; none for all that have labels, ordered by their mean cost, or else by
            how often their answers are acceptable.

    Raises:
        ConfigError: fewer than two targets have labels.
    """
    np = numpy()
    known = list(dict.fromkeys(target for request in requests for target in request.answers))
    if missing := next((name for name in names if name not in known), None):
        raise ConfigError(f"no answer of '{missing}' is labelled.", fix=f"There are: {', '.join(known)}.")
    targets = tuple(names) or tuple(known)
    if len(targets) < 2:
        raise ConfigError("there is nothing to choose between.", fix="Label answers of two targets or more.")
    arrays = {
        name: np.array(
            [[request.answers.get(target, {}).get(name, math.nan) for target in targets] for request in requests]
        )
        for name in QUANTITIES
    }
    order = list(range(len(targets))) if names else _order(arrays)
    about = {name: [request.about[name] for request in requests] for name in _ABOUT}
    return Rows(
        names=tuple(targets[place] for place in order),
        texts=about["text"],
        features=[request.features or features_of(request.about["text"]) for request in requests],
        **{name: array[:, order] for name, array in arrays.items()},
        groups=about["group"],
        times=about["time"] if all(about["time"]) else [""] * len(requests),
        segments=about["segment"],
        topics=about["topic"] if all(about["topic"]) else [""] * len(requests),
    )


def features_of(text: str, lists: PhraseLists | None = None, *, language: bool = False) -> Features:
    """What a request of a single text looks like."""
    return read_features(Outline(said=(Said("user", text),)), lists=lists or PhraseLists(), language=language)


def phrases_of(file: Path) -> dict[str, list[str]]:
    """The phrases of each category: rows of `text` and `category`.

    Raises:
        ConfigError: a row lacks one of them.
        MissingExtra: it is Parquet, and the extra `parquet` is not installed.
    """
    found: dict[str, list[str]] = {}
    for line, row in read_rows(file):
        text, category = _text(row.get("text")), _text(row.get("category"))
        if not text or not category:
            fix = "Give the columns text and category, a row for each phrase."
            raise ConfigError("a phrase or its category is missing.", fix=fix, file=str(file), line=line)
        found.setdefault(category, []).append(text)
    return found


def _order(arrays: Mapping[str, Any]) -> list[int]:
    """The targets' places, the cheapest first; where costs are not known, the one that fails most often."""
    np = numpy()
    known = ~np.isnan(arrays["cost_usd"])
    by = arrays["cost_usd"] if known.any(axis=0).all() else arrays["acceptable"]
    told = ~np.isnan(by)
    means = np.where(told, by, 0.0).sum(axis=0) / np.maximum(told.sum(axis=0), 1)
    return [int(place) for place in np.argsort(means, kind="stable")]


def _answer(row: Row, suffix: str) -> dict[str, float]:
    """What a row says of an answer. Raises `ValueError` for what is no number."""
    found = {}
    for name in QUANTITIES:
        said = _text(row.get(name + suffix))
        if not said:
            continue
        value = _number(said)
        if value is None or (name == "acceptable" and not 0 <= value <= 1):
            asked = "1 or 0" if name == "acceptable" else "a number that is not negative"
            raise ValueError(f"'{name + suffix}' is {said!r}. Write {asked}, or nothing where it is not known.")
        found[name] = float(value >= GOOD) if name == "acceptable" else value
    return found


def _number(said: str) -> float | None:
    """None for what is no number, or less than none."""
    try:
        value = TRUTHS[said.lower()] if said.lower() in TRUTHS else float(said)
    except ValueError:
        return None
    return value if math.isfinite(value) and value >= 0 else None


def _time(said: str) -> str:
    """A moment in UTC, as sortable text. Raises `ValueError` for another text than ISO 8601."""
    if not said:
        return ""
    try:
        moment = datetime.fromisoformat(said)
    except ValueError:
        raise ValueError(f"'time' is {said!r}. Write ISO 8601: 2026-03-01T09:30:00Z.") from None
    aware = moment if moment.tzinfo is not None else moment.replace(tzinfo=UTC)
    return aware.astimezone(UTC).isoformat(timespec="microseconds")


def _text(value: object) -> str:
    """A cell's text; a missing one of Parquet is no number."""
    return "" if value is None or value != value else str(value).strip()  # noqa: PLR0124 - only NaN is not itself
