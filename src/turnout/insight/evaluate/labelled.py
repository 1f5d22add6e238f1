"""Traffic from a file of labelled requests, as training takes it."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from math import nan

from turnout.insight.evaluate.traffic import Answer, Asked
from turnout.insight.train.labels import Answered, features_of


def labelled_traffic(requests: Sequence[Answered]) -> list[Asked]:
    """Requests whose answers are labelled. Where the file tells no times, they are in an order that has no meaning."""
    return [_asked(request) for request in requests]


def _asked(request: Answered) -> Asked:
    about, text = request.about, request.about["text"]
    own = hashlib.sha256(f"{about['time']}\0{text}".encode()).hexdigest()
    return Asked(
        id=own,
        time=about["time"],
        cluster=about["group"],
        question=about["group"],
        features=request.features or features_of(text),
        query=text,
        answers={target: _answer(known) for target, known in request.answers.items()},
    )


def _answer(known: Mapping[str, float]) -> Answer:
    return Answer(
        quality=known.get("acceptable", nan),
        cost_usd=known.get("cost_usd", nan),
        latency_ms=known.get("latency_ms", nan),
        output_tokens=known.get("output_tokens", nan),
    )
