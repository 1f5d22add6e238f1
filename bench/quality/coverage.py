"""How often intervals cover the truth, where it is known: policies scored from a simulated gateway's exploration.

Of prompts that two models answered, requests are drawn with replacement; a gateway that decides by length and explores
a share answers each once, and keeps the probabilities. What policies would have come to is estimated from that alone,
and compared with the mean over every prompt.
"""

from __future__ import annotations

import random
from collections import Counter
from typing import TYPE_CHECKING, Final

import msgspec
import numpy as np
from rich.console import Console
from rich.progress import track

from bench.quality.records import WHAT, asked
from turnout.insight.evaluate.driving import Contender, drive
from turnout.insight.evaluate.evaluation import Evaluation, evaluate
from turnout.insight.evaluate.learning import Learning
from turnout.insight.evaluate.traffic import Answer, Asked, Logged
from turnout.policy.classifier.choice import Cheapest
from turnout.policy.classifier.policy import Classify
from turnout.policy.fallback import Fallback
from turnout.policy.filters import Filters
from turnout.policy.rules import Rule, Rules
from turnout.policy.single import Single
from turnout.policy.when import ALWAYS, Within
from turnout.types.candidate import Candidate
from turnout.types.dialect import DialectName
from turnout.types.target import Target

if TYPE_CHECKING:
    import argparse
    from collections.abc import Iterator, Sequence
    from pathlib import Path

    from turnout.policy.base import Policy

REPETITIONS: Final = 100
REQUESTS: Final = 1_500
SHARE: Final = 0.1
"""What the simulated gateway explores."""
PAIRS: Final = {"cascade": ("gpt-4o-mini", "gpt-4o"), "mmlu": ("mixtral-8x7b", "gpt-4-1106-preview")}


def run(given: argparse.Namespace) -> None:
    """Measure and print the table of each data set."""
    for name, pair in PAIRS.items():
        _print(name, given.data, pair)


def _print(name: str, data: Path, pair: tuple[str, str]) -> None:
    whole = [request for request in asked(WHAT[name](data)) if set(pair) <= request.answers.keys()]
    trained, scored = whole[: len(whole) // 2], whole[len(whole) // 2 :]
    targets = {model: Target(name=model, provider="p", dialect=DialectName.OPENAI_CHAT) for model in pair}
    contenders = _contenders(pair, targets, trained)
    truth = _truth(contenders, pair, scored)
    covered: Counter[tuple[str, str]] = Counter()
    widths: dict[tuple[str, str], list[float]] = {}
    for seed in track(range(REPETITIONS), name, console=Console(stderr=True), transient=True):
        logged = _logged(scored, pair, contenders[0], seed)
        found = evaluate(contenders, list(targets.values()), logged, seed=seed)
        for key, hit, half in _hits(found, truth):
            covered[key] += hit
            widths.setdefault(key, []).append(half)
    print(f"\n{name}: {len(scored):,} prompts, {REQUESTS:,} requests in each of {REPETITIONS} repetitions, {SHARE:.0%}")
    print("\n| policy | truth, % | estimate | covered | half width, points |\n| --- | ---: | --- | ---: | ---: |")
    for (policy, what), number in covered.items():
        wide = np.mean(widths[policy, what]) * 100
        print(f"| {policy} | {truth[policy] * 100:.1f} | {what} | {number} of {REPETITIONS} | {wide:.1f} |", flush=True)
    print(f"\nfewest covered: {min(covered.values())} of {REPETITIONS}")


def _hits(found: Evaluation, truth: dict[str, float]) -> Iterator[tuple[tuple[str, str], bool, float]]:
    """For each policy and estimate whether its interval covers the truth, and half of its width."""
    for standing in found.standings:
        told = {"doubly robust": standing.quality, "inverse propensity": standing.check, "difference": standing.over}
        for what, interval in told.items():
            value = truth[standing.name] - (truth[found.baseline] if what == "difference" else 0.0)
            if interval is not None:
                yield (standing.name, what), interval.low <= value <= interval.high, interval.half


def _contenders(pair: tuple[str, str], targets: dict[str, Target], trained: Sequence[Asked]) -> list[Contender]:
    cheap, dear = pair
    tokens = np.quantile([request.features.tokens for request in trained], (0.7, 0.3))
    classifier = Learning(trained).classifier(pair)
    among = {name: _single(name, more=True) for name in pair}
    policies: dict[str, Policy] = {
        "rules": _by_length(cheap, dear, float(tokens[0])),
        "stricter rules": _by_length(cheap, dear, float(tokens[1])),
        "classifier": Fallback((Classify(classifier, among, Cheapest(None, 0.1, 0.0)), _single(dear))),
    }
    return [Contender(name, Filters(policy), targets) for name, policy in policies.items()]


def _by_length(cheap: str, dear: str, bound: float) -> Policy:
    return Rules((Rule("short", _single(cheap), Within("tokens", None, bound)), Rule("long", _single(dear), ALWAYS)))


def _single(name: str, *, more: bool = False) -> Single:
    return Single(Candidate(target=name, reason=name, more=more))


def _truth(contenders: Sequence[Contender], pair: tuple[str, str], whole: Sequence[Asked]) -> dict[str, float]:
    """The mean quality over every prompt, from what every model said."""
    came = {each.name: [drive(each, request).answer or Answer() for request in whole] for each in contenders}
    came |= {model: [request.answers[model] for request in whole] for model in pair}
    return {name: float(np.mean([answer.quality for answer in answers])) for name, answers in came.items()}


def _logged(whole: Sequence[Asked], pair: tuple[str, str], policy: Contender, seed: int) -> list[Asked]:
    """What a gateway has of requests drawn from them."""
    draw = random.Random(seed)
    found = []
    for number, request in enumerate(draw.choices(whole, k=REQUESTS)):
        usual = drive(policy, request).target
        chances = {model: SHARE / len(pair) + (1 - SHARE) * (model == usual) for model in pair}
        first = draw.choices(list(chances), list(chances.values()))[0]
        own = f"{seed}/{number}"
        answer = request.answers[first]
        found.append(
            msgspec.structs.replace(
                request, id=own, cluster=own, answers={first: answer}, logged=Logged(first, chances, answer)
            )
        )
    return found
