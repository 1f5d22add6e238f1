"""From a policy as the configuration writes it to one that decides."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Final, NamedTuple, Protocol

from turnout.confidence.calibration import Calibration
from turnout.config.choosing import BestSpec, CheapestSpec, FastestSpec
from turnout.config.classifying import choice_of, classifier_of
from turnout.config.compile_when import compile_when
from turnout.config.judging import acceptance
from turnout.config.policies import (
    BudgetSpec,
    CascadeSpec,
    Chain,
    ClassifierSpec,
    ExploreSpec,
    FallbackSpec,
    FlagSpec,
    PolicySpec,
    RulesSpec,
    WeightedSpec,
)
from turnout.policy.base import Policy
from turnout.policy.best import Best, Ceilings, Weights
from turnout.policy.cascade import Cascade, Stage
from turnout.policy.cheapest import Cheapest
from turnout.policy.classifier.model import Classifier
from turnout.policy.classifier.policy import Classify
from turnout.policy.explore import Explore
from turnout.policy.fallback import Fallback
from turnout.policy.fastest import Fastest
from turnout.policy.flag import ByFlag
from turnout.policy.in_order import Where
from turnout.policy.ladder import From, Ladder, Rung
from turnout.policy.rules import Rule, Rules
from turnout.policy.single import Single
from turnout.policy.weighted import Branch, Weighted
from turnout.policy.when import ALWAYS
from turnout.providers.transport import Transport
from turnout.types.candidate import Candidate

_RULE: Final = "rule:"


class Learnt(Protocol):
    """What policies have learnt, made of something else than their files."""

    def classifier(self, names: Sequence[str]) -> Classifier:
        """A classifier of these targets."""
        ...

    def calibration(self, target: str, beside: str | None = None) -> Calibration:
        """A calibration of a target's answers; `beside` another's, if it is to tell what that one would bring."""
        ...


class Place(NamedTuple):
    """Where a policy stands.

    Attributes:
        at: in the configuration, dotted.
        reasons: why anything that it proposes is proposed.
        more: whether something may follow it if it fails.
        directory: what relative paths are relative to.
        targets: those that there are.
        services: what services of the user's are called over.
        learnt: makes the classifier of a policy, or the calibration of a stage, instead of its file; None reads files.
    """

    at: str
    reasons: tuple[str, ...] = ()
    more: bool = False
    directory: Path = Path()
    targets: frozenset[str] = frozenset()
    services: Transport | None = None
    learnt: Learnt | None = None

    def inside(self, where: str | int, *why: str, more: bool = False) -> Place:
        """The place of a policy within, further down, for one more reason."""
        return self._replace(at=f"{self.at}.{where}", reasons=(*self.reasons, *why), more=self.more or more)

    def where(self, kind: str) -> Where:
        """The place of a policy of that kind, as it is told of its proposals."""
        return Where(f"{self.at}.{kind}", self.reasons, self.rule, self.more)

    @property
    def rule(self) -> str | None:
        """The innermost rule that leads here."""
        return next((why[len(_RULE) :] for why in reversed(self.reasons) if why.startswith(_RULE)), None)


def compile_policy(spec: PolicySpec, place: Place) -> Policy:
    """The policy that `spec` describes.

    Raises:
        ConfigError: it names a calibration, a classifier or a signal that cannot be used.
        MissingExtra: it needs what is not installed.
    """
    match spec:
        case str():
            reason = "/".join(place.reasons) or "single"
            return Single(Candidate(target=spec, reason=reason, rule=place.rule, more=place.more))
        case Chain():
            return _chain(spec.root, place)
        case FallbackSpec():
            return _chain(spec.fallback, place.inside("fallback"))
        case RulesSpec():
            return _rules(spec, place.inside("rules"))
        case WeightedSpec():
            return _split(spec, place.inside("weighted"))
        case FastestSpec():
            return Fastest(tuple(spec.fastest), place.where("fastest"))
        case CheapestSpec():
            return Cheapest(tuple(spec.cheapest), place.where("cheapest"))
        case BestSpec():
            return _best(spec, place)
        case FlagSpec():
            return _by_flag(spec, place)
        case BudgetSpec():
            return _ladder(spec, place.inside("budget"))
        case CascadeSpec():
            return _cascade(spec, place.inside("cascade"))
        case ClassifierSpec():
            return _classifier(spec, place.inside("classifier"))
        case ExploreSpec():
            return _explore(spec, place.inside("explore"))


def _chain(elements: list[PolicySpec], place: Place) -> Policy:
    """The first of a chain is tried for whatever reason the chain is; the others are a fallback."""
    last = len(elements) - 1
    compiled = []
    for index, element in enumerate(elements):
        why = (f"fallback:{index}",) if index else () if place.reasons else ("primary",)
        compiled.append(compile_policy(element, place.inside(index, *why, more=index < last)))
    return Fallback(tuple(compiled), place.at)


def _rules(spec: RulesSpec, place: Place) -> Policy:
    rules = (
        Rule(
            rule.name,
            compile_policy(rule.use, place.inside(f"{index}.use", f"{_RULE}{rule.name}")),
            ALWAYS if rule.when is None else compile_when(rule.when),
        )
        for index, rule in enumerate(spec.rules)
    )
    return Rules(tuple(rules), place.at)


def _by_flag(spec: FlagSpec, place: Place) -> Policy:
    name = spec.flag.name
    uses = {
        variant: compile_policy(use, place.inside(".".join(spec.flag.place(variant)), f"flag:{name}={variant}"))
        for variant, use in spec.flag.uses().items()
    }
    return ByFlag(name, uses, f"{place.at}.flag")


def _split(spec: WeightedSpec, place: Place) -> Policy:
    hung = spec.by_flag()
    if hung is not None:
        flag, splits = hung
        uses = {variant: _split(split, place) for variant, split in splits.items()}
        rest = uses.pop(None)
        return ByFlag(flag, {variant: use for variant, use in uses.items() if variant is not None}, place.at, rest)
    weights = [branch.weight for branch in spec.weighted if isinstance(branch.weight, float)]  # now all of them
    branches = []
    for index, (branch, weight) in enumerate(zip(spec.weighted, weights, strict=True)):
        share = f"weighted:{weight / sum(weights):.4g}"
        policy = compile_policy(branch.use, place.inside(f"{index}.use", share))
        branches.append(Branch(policy, weight, "/".join(policy.targets)))
    return Weighted(tuple(branches), place.at)


def _best(spec: BestSpec, place: Place) -> Policy:
    given, most = spec.best, spec.best.at_most
    weights = Weights(given.weights.quality, given.weights.cost, given.weights.latency)
    ceilings = Ceilings(most.cost_usd, None if most.latency is None else most.latency * 1_000)
    return Best(given.among, weights, ceilings, place.where("best"))


def _ladder(spec: BudgetSpec, place: Place) -> Policy:
    rungs = []
    for index, step in enumerate(spec.budget.steps):
        since = From() if step.since is None else From(step.since.used, step.since.pace, step.since.margin)
        inside = place.inside(f"steps.{index}.use", f"budget:{index + 1}")
        policy = None if step.use is None else compile_policy(step.use, inside)
        rungs.append(Rung(policy, since, step.cached))
    return Ladder(tuple(rungs), spec.budget.of, place.at)


def _cascade(spec: CascadeSpec, place: Place) -> Policy:
    last = len(spec.cascade) - 1
    places = [place.inside(index, f"stage:{index + 1}", more=index < last) for index in range(last + 1)]
    policies = [compile_policy(stage.use, at.inside("use")) for stage, at in zip(spec.cascade, places, strict=True)]
    firsts = [policy.targets[0] for policy in policies]
    stages = []
    for index, stage in enumerate(spec.cascade):
        inside = places[index].inside("accept")
        following = firsts[min(index + 1, last)]
        accept = acceptance(stage.accept, inside, firsts[index], following) if stage.accept is not None else None
        stages.append(Stage(policies[index], accept, stage.draft))
    return Cascade(tuple(stages), place.at, spec.escalate.at_most if spec.escalate else None)


def _classifier(spec: ClassifierSpec, place: Place) -> Policy:
    given = spec.classifier
    model = place.learnt.classifier(tuple(given.among)) if place.learnt else classifier_of(given, place)
    among = {
        name: compile_policy(use, place.inside(f"among.{name}", f"classifier:{name}"))
        for name, use in given.among.items()
    }
    return Classify(model, among, choice_of(given, model, place), place.at)


def _explore(spec: ExploreSpec, place: Place) -> Policy:
    given = spec.explore
    among = [
        compile_policy(name, place.inside(f"among.{index}", "explore", more=True))
        for index, name in enumerate(given.among)
    ]
    return Explore(given.share, among, compile_policy(given.use, place.inside("use")), place.at)
