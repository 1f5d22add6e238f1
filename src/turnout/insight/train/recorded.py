"""Labelled requests from the ledger: feedback on answers, shadows' among them, to questions that are still kept."""

from __future__ import annotations

from math import isnan

from turnout.insight.evaluate.recorded import recorded_traffic
from turnout.insight.evaluate.traffic import Answer, Asked
from turnout.insight.label_files import GOOD
from turnout.insight.query import Filter
from turnout.insight.train.labels import Answered, about_of
from turnout.ledger.store import Store


def recorded_labels(store: Store, wanted: Filter) -> list[Answered]:
    """Requests whose text is kept and of which some answer was scored, the oldest first.

    Raises:
        LedgerError: the store cannot be read, or there is no such request.
    """
    asked = recorded_traffic(store, wanted)
    scored = (each for each in asked if any(not isnan(answer.quality) for answer in each.answers.values()))
    return [_answered(each, each.query) for each in scored if each.query and each.query.strip()]


def _answered(asked: Asked, query: str) -> Answered:
    tags = asked.caller.tags
    about = about_of(
        {
            "text": query,
            "time": asked.time,
            "group": asked.question,
            "segment": tags.get("segment", asked.caller.tenant),
            "topic": tags.get("topic"),
        }
    )
    return Answered(about, {target: _told(answer) for target, answer in asked.answers.items()}, asked.features)


def _told(answer: Answer) -> dict[str, float]:
    """What is known of an answer."""
    known = {"cost_usd": answer.cost_usd, "latency_ms": answer.latency_ms, "output_tokens": answer.output_tokens}
    if not isnan(answer.quality):
        known["acceptable"] = float(answer.quality >= GOOD)
    return {name: value for name, value in known.items() if not isnan(value)}
