"""The model card: what a classifier was trained on, how good it is, and where it must not be relied on."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Final

from turnout.features.ngrams import numpy
from turnout.insight.train.contest import CLASSIFIER, LENGTH, RULES
from turnout.insight.train.rows import Rows
from turnout.insight.train.training import Trained, as_builtins
from turnout.policy.classifier.model import Classifier

_NAMES: Final = {CLASSIFIER: "this classifier", LENGTH: "the length rule", RULES: "the route as it is"}


def card_of(trained: Trained, rows: Rows, *, route: str, source: str, seed: int) -> dict[str, Any]:
    """The card as JSON values: it stands in the artefact."""
    labels = (~numpy().isnan(rows.acceptable)).sum(axis=0)
    return {
        "route": route,
        "source": source,
        "seed": seed,
        "requests": len(rows),
        "labels": dict(zip(rows.names, map(int, labels), strict=True)),
        "complete": int(rows.complete.sum()),
        "first": min(rows.times),
        "last": max(rows.times),
        "groups": len(set(rows.groups)),
        "winner": winner_of(trained),
        "limits": list(_limits(trained, rows)),
        **as_builtins(trained),
    }


def winner_of(trained: Trained) -> str:
    """Who chooses best: by cost at equal quality, or where that cannot be told by who ranks the answers better."""
    if trained.contest is not None:
        return trained.contest.winner
    better = [each.over_length for each in trained.targets]
    told = any(each.low > 0 for each in better) and not any(each.high < 0 for each in better)
    return CLASSIFIER if told else LENGTH


def of_examples(classifier: Classifier, *, route: str, source: str) -> dict[str, Any]:
    """The card of a classifier from a handful of phrases: nothing is known of how good it is."""
    limits = [
        "How well it does is not known: phrases are no labels.",
        "It declines what is like none of the phrases, or like those of several categories.",
    ]
    return {"route": route, "source": source, "winner": None, "limits": limits, **classifier.card}


def markdown(card: Mapping[str, Any], identity: str) -> str:
    """The card as a page."""
    head, limits = f"# Classifier `{identity}` for the route `{card['route']}`", _listed(card["limits"])
    if "phrases" in card:
        counts = (f"{name}: {count} {'phrase' if count == 1 else 'phrases'}" for name, count in card["phrases"].items())
        return "\n\n".join((head, f"From {card['source']}:", _listed(counts), "## Limits", limits)) + "\n"
    parts = [
        head,
        _verdict(card),
        "## Data",
        _data(card),
        "## How well it does on later requests",
        f"Fitted to the {card['earlier']:,} earlier requests, measured on the {card['later']:,} later ones"
        if card["timed"]
        else f"Fitted to {card['earlier']:,} requests, measured on {card['later']:,} others, drawn at random",
        _contest(card),
        _targets(card),
        _segments(card),
        "## What was tried",
        _table(("recipe", "cross-validated score, lower is better"), _tried(card)),
        "## Limits",
        limits,
    ]
    return "\n\n".join(part for part in parts if part) + "\n"


def _verdict(card: Mapping[str, Any]) -> str:
    contest, winner = card["contest"], card["winner"]
    beaten = winner == CLASSIFIER
    if contest is None:
        end = (
            "Too few of the later requests have a label for every target, so what choosing by it would cost cannot be "
            "told from these labels: only how well it ranks the answers."
        )
        return f"**It ranks them better than the length rule.** {end}" if beaten else f"{_NOT_BEATEN} {end}"
    costs = {each["name"]: each["cost"]["value"] for each in contest["standings"]}
    told = ", ".join(f"{_NAMES[name]} {cost:.0%}" for name, cost in sorted(costs.items(), key=lambda each: each[1]))
    ends = f"At the same quality ({contest['quality']['value']:.1%} acceptable: {contest['at']}) they cost, of always "
    ends += f"asking the dearest target: {told}."
    if beaten:
        return f"**It beats the length rule.** {ends}"
    if winner == LENGTH:
        return f"{_NOT_BEATEN} {ends}"
    return f"**The route as it is wins: this classifier does not beat it. Leave it so.** {ends}"


_NOT_BEATEN: Final = "**The length rule is not beaten by more than chance explains: use that instead.**"


def _data(card: Mapping[str, Any]) -> str:
    labels = ", ".join(f"{name} {count:,}" for name, count in card["labels"].items())
    period = f" from {card['first'][:16]} to {card['last'][:16]} UTC" if card["timed"] else "; no times are known"
    return (
        f"{card['requests']:,} requests in {card['groups']:,} groups{period}, from {card['source']}. Labels: {labels}; "
        f"{card['complete']:,} requests have one for every target. Recipe: {card['recipe']}. Seed: {card['seed']}."
    )


def _contest(card: Mapping[str, Any]) -> str:
    contest = card["contest"]
    if contest is None:
        return ""
    rows = [
        (_NAMES[each["name"]], _between(each["cost"], percent=True), _between(each["saves"], percent=True))
        for each in contest["standings"]
    ]
    cheapest, dearest, quality = (f"{share:.1%}" for share in _qualities(contest))
    told = (
        f"Always asking the cheapest target: {cheapest} acceptable; the dearest: {dearest}. Compared at {quality}, on "
        f"{contest['requests']:,} requests; intervals hold 95 %."
    )
    return told + "\n\n" + _table(("way to choose", "cost of the dearest's", "less than the length rule's by"), rows)


def _qualities(contest: Mapping[str, Any]) -> tuple[float, float, float]:
    return contest["cheapest"], contest["dearest"], contest["quality"]["value"]


def _targets(card: Mapping[str, Any]) -> str:
    head = ("target", "labels", "acceptable", "AUC", "more than the length's by", "Brier score", "calibration error")
    rows = [
        (
            f"`{each['target']}`",
            f"{each['labels']:,}",
            f"{each['acceptable']:.1%}",
            _between(each["auc"]),
            _between(each["over_length"]),
            _between(each["brier"]),
            f"{each['calibration_error']:.3f}",
        )
        for each in card["targets"]
    ]
    return "### By target\n\n" + _table(head, rows)


def _segments(card: Mapping[str, Any]) -> str:
    if not card["segments"]:
        return ""
    head = ("segment", "requests", "acceptable", "by the dearest", "by the cheapest", "cost of the dearest's")
    rows = [
        (
            each["segment"] or "none",
            f"{each['requests']:,}",
            _between(each["acceptable"], percent=True),
            f"{each['dearest']:.1%}",
            f"{each['cheapest']:.1%}",
            _between(each["cost"], percent=True),
        )
        for each in card["segments"]
    ]
    settings = ", ".join(f"`{name}: {value}`" for name, value in _flat(card["settings"]).items())
    return f"### By segment, with {settings} chosen on the earlier requests\n\n" + _table(head, rows)


def _flat(settings: Mapping[str, Any]) -> dict[str, Any]:
    utility = settings.get("utility")
    return {f"utility.{name}": value for name, value in utility.items()} if utility else dict(settings)


def _tried(card: Mapping[str, Any]) -> list[tuple[str, str]]:
    return [(each["name"], f"{each['score']:.4f}") for each in card["tried"]]


def _limits(trained: Trained, rows: Rows) -> Iterable[str]:
    yield "It was trained on this traffic and says nothing of other traffic: what is unlike it, it declines."
    if not trained.timed:
        yield "No times were given, so it was measured on requests of the same period and not on later ones."
    incomplete = len(rows) - int(rows.complete.sum())
    if incomplete:
        yield f"Of {incomplete:,} requests not every target's answer is labelled, and which ones may not be chance."
    if any(each.labels < 200 for each in trained.targets):
        yield "Some targets have under 200 labels among the later requests: read the intervals, not the figures."
    if winner_of(trained) != CLASSIFIER:
        yield "A simpler way is as good, as far as these labels tell."
    if trained.contest is not None and trained.contest.dearest <= trained.contest.cheapest:
        yield "The dearest target is no better than the cheapest on these requests: always ask the cheapest."
    if not any(rows.segments):
        yield "No segments were given: how it does for each group of callers is not known."


def _between(interval: Mapping[str, float], *, percent: bool = False) -> str:
    form = "{:.1%}" if percent else "{:.3f}"
    value, low, high = (form.format(interval[name]) for name in ("value", "low", "high"))
    return f"{value} ({low} to {high})"


def _listed(items: Iterable[str]) -> str:
    return "\n".join(f"- {item}" for item in items)


def _table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    lines = [head, ["---"] * len(head), *rows]
    return "\n".join("| " + " | ".join(line) + " |" for line in lines)
