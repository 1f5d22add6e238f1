"""`python -m bench.quality.records WHAT FILE.jsonl`: public data as decisions that `turnout ledger import` takes in.

Each prompt is a request that the dearest model answered, with the other models' answers as its shadows; whether an
answer is correct is its score. The prompts come in an order drawn at random, a minute apart.
"""

from __future__ import annotations

import argparse
import hashlib
import os
import random
import sys
from collections import defaultdict
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from math import isfinite, isnan, nan
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, NamedTuple

import msgspec

from bench.quality.data import Missing, read
from turnout.features.phrases import PhraseLists
from turnout.features.shape import read_features
from turnout.insight.evaluate.traffic import Answer, Asked
from turnout.ledger.entry import encode_decision
from turnout.types.clock import timestamp
from turnout.types.decision import Attempt, Decision
from turnout.types.request import Outline, Said

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping

BEGIN: Final = datetime(2026, 1, 1, tzinfo=UTC)
LEAST_LOGPROB: Final = -100.0
"""What stands for the logarithm of 0, which JSON has not."""
_LISTS: Final = PhraseLists()


class Given(NamedTuple):
    """A model's answer to a prompt."""

    model: str
    correct: bool
    cost_usd: float
    latency_ms: float = 0.0
    output_tokens: int = 0
    logprob: float | None = None


class Prompt(NamedTuple):
    """A prompt with its answers."""

    text: str
    topic: str
    answers: list[Given]


def cascade(data: Path) -> Iterator[Prompt]:
    """Nine models on MMLU, MedMCQA and GSM8K, with the log-probability of the answer."""
    prompts = read(data, "cascade_logprob_prompts")
    texts = dict(zip(prompts["qid"], zip(prompts["prompt"], prompts["dataset"], strict=True), strict=True))
    columns = read(data, "cascade_logprob_outcomes")
    names = ("qid", "model", "correct", "cost_usd", "latency_ms", "output_tokens", "confidence_logprob")
    found: dict[str, list[Given]] = defaultdict(list)
    for qid, model, correct, cost, latency, tokens, logprob in zip(*(columns[name] for name in names), strict=True):
        known = None if logprob is None or isnan(logprob) else max(float(logprob), LEAST_LOGPROB)
        found[qid].append(Given(model, bool(correct), cost, latency or 0.0, int(tokens or 0), known))
    for qid, answers in found.items():
        text, topic = texts[qid]
        yield Prompt(text, topic, answers)


def routerbench(data: Path) -> Iterator[Prompt]:
    """Eleven models on ARC-Challenge, MBPP and Winogrande."""
    columns = read(data, "routerbench_subset")
    models = [name.partition("|")[2] for name in columns if name.startswith("correct|")]
    for place, text in enumerate(columns["prompt"]):
        answers = [
            Given(model, columns[f"correct|{model}"][place] >= 0.5, columns[f"cost_usd|{model}"][place])
            for model in models
            if _known(columns[f"correct|{model}"][place]) and _known(columns[f"cost_usd|{model}"][place])
        ]
        if len(answers) == len(models):
            yield Prompt(str(text), columns["eval_name"][place], answers)


def mmlu(data: Path) -> Iterator[Prompt]:
    """Two models on half of MMLU, at list prices of 2024 and one token for an answer."""
    columns = read(data, "routellm_mmlu_half")
    prices = {"gpt-4-1106-preview": (10e-6, 30e-6), "mixtral-8x7b": (0.6e-6, 0.6e-6)}
    for place, text in enumerate(columns["prompt"]):
        if columns["contaminated"][place]:
            continue
        correct = {"gpt-4-1106-preview": "strong_correct", "mixtral-8x7b": "weak_correct"}
        tokens = columns["prompt_tokens"][place]
        answers = [
            Given(model, bool(columns[correct[model]][place]), tokens * prompt + answer, 0.0, 1)
            for model, (prompt, answer) in prices.items()
        ]
        yield Prompt(text, columns["subject"][place], answers)


WHAT: Final[Mapping[str, Callable[[Path], Iterator[Prompt]]]] = {
    "cascade": cascade,
    "routerbench": routerbench,
    "mmlu": mmlu,
}
"""What can be had, by name."""


def records(prompts: Iterable[Prompt], *, route: str, seed: int = 0) -> Iterator[dict[str, Any]]:
    """Each answer as a decision; of each prompt the dearest model's first, which the others are shadows of."""
    shuffled = list(prompts)
    random.Random(seed).shuffle(shuffled)
    totals: dict[str, float] = defaultdict(float)
    for prompt in shuffled:
        for answer in prompt.answers:
            totals[answer.model] += answer.cost_usd
    for number, prompt in enumerate(shuffled):
        at = BEGIN + timedelta(minutes=number)
        answers = sorted(prompt.answers, key=lambda answer: -totals[answer.model])
        served = _id(at, prompt.text, answers[0].model)
        for answer in answers:
            yield _record(prompt, answer, at, route, None if answer is answers[0] else served)


def asked(prompts: Iterable[Prompt], *, seed: int = 0) -> list[Asked]:
    """The same as evaluation reads them from a ledger."""
    shuffled = list(prompts)
    random.Random(seed).shuffle(shuffled)
    return [
        Asked(
            id=str(number),
            time=timestamp(BEGIN + timedelta(minutes=number)),
            cluster=str(number),
            question=prompt.text,
            features=read_features(Outline(said=(Said("user", prompt.text),)), lists=_LISTS),
            query=prompt.text,
            answers={
                answer.model: Answer(float(answer.correct), answer.cost_usd, answer.latency_ms or nan)
                for answer in prompt.answers
            },
        )
        for number, prompt in enumerate(shuffled)
    ]


def _record(prompt: Prompt, answer: Given, at: datetime, route: str, shadow_of: str | None) -> dict[str, Any]:
    said = (Said("user", prompt.text),)
    cost = Decimal(f"{answer.cost_usd:.12f}")
    attempt = Attempt(
        target=answer.model,
        purpose="answer" if shadow_of is None else "shadow",
        started=timestamp(at),
        outcome="answered",
        model=answer.model,
        latency_ms=answer.latency_ms,
        output_tokens=answer.output_tokens,
        cost_usd=cost,
    )
    decision = Decision(
        id=_id(at, prompt.text, answer.model),
        time=timestamp(at),
        route=route,
        model=route,
        tags={"topic": prompt.topic},
        dialect="openai_chat",
        query_hash=hashlib.sha256(prompt.text.encode()).hexdigest(),
        privacy="full",
        features=read_features(Outline(said=said), lists=_LISTS),
        reason="imported",
        attempts=(attempt,),
        signals={} if answer.logprob is None else {"mean_logprob": answer.logprob},
        target=answer.model,
        outcome="answered",
        latency_ms=answer.latency_ms,
        cost_usd=cost,
        router_cost_usd=Decimal(0) if shadow_of is None else cost,
        feedback=float(answer.correct),
        shadow_of=shadow_of,
    )
    record: dict[str, Any] = msgspec.json.decode(encode_decision(decision))
    return record if shadow_of else {**record, "said": [["user", prompt.text]]}


def _id(at: datetime, text: str, model: str) -> str:
    """The same for the same answer; sorts by time, as a UUIDv7 does."""
    digest = hashlib.sha256(f"{model}\0{text}".encode()).hexdigest()
    stamp = f"{round(at.timestamp() * 1_000):012x}"
    return f"{stamp[:8]}-{stamp[8:]}-7{digest[:3]}-8{digest[3:6]}-{digest[6:18]}"


def _known(value: float | None) -> bool:
    return value is not None and isfinite(value)


def main() -> int:
    """Write the file; returns the exit status: 0, also where there is no data, which is said."""
    parser = argparse.ArgumentParser(prog="python -m bench.quality.records", description=__doc__)
    parser.add_argument("what", choices=WHAT)
    parser.add_argument("file", type=Path, help="where to")
    default = Path(os.environ.get("TURNOUT_DATA", "../shared/data"))
    parser.add_argument("--data", type=Path, default=default, help="where the data lies (default: $TURNOUT_DATA)")
    parser.add_argument("--route", default="public", help="the route that the requests are of")
    parser.add_argument("--seed", type=int, default=0, help="of the order of the prompts")
    given = parser.parse_args()
    number = 0
    try:
        with given.file.open("wb") as out:
            for record in records(WHAT[given.what](given.data), route=given.route, seed=given.seed):
                number += out.write(msgspec.json.encode(record) + b"\n") > 0
    except Missing as missing:
        print(f"skipped: {missing}", file=sys.stderr)
        return 0
    print(f"{number:,} answers are in {given.file}: turnout ledger import {given.file}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
