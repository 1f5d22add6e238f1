"""How a policy is written: a target's name, a list (a chain), or a mapping with one key."""

from __future__ import annotations

from typing import Annotated, Any, Final, Literal

from pydantic import BeforeValidator, ConfigDict, Discriminator, Field, RootModel, Tag, ValidationInfo, model_validator

from turnout.config.accepting import Accept
from turnout.config.choosing import BestSpec, CheapestSpec, FastestSpec
from turnout.config.conditions import When
from turnout.config.flags import check_variants
from turnout.config.shares import ShareOfBudget, ShareOfPace, ShareOfRevenue
from turnout.config.values import Section, TargetName, Wrong

KINDS: Final = (
    "rules",
    "weighted",
    "fastest",
    "cheapest",
    "best",
    "fallback",
    "cascade",
    "classifier",
    "budget",
    "flag",
    "explore",
)


def _by_name(value: Any) -> Any:
    """A list of targets as the mapping that it is short for."""
    return {name: name for name in value} if isinstance(value, list) and all(map(_is_text, value)) else value


def _is_text(value: object) -> bool:
    return isinstance(value, str)


class Chain(RootModel[Annotated[list["PolicySpec"], Field(min_length=1)]]):
    """A fallback chain, as a plain list: the next policy after the failure of one."""

    model_config = ConfigDict(frozen=True, defer_build=True)


class RuleSpec(Section):
    """A rule: where its condition holds, its policy decides."""

    name: str = Field(min_length=1, description="What records and `turnout explain` call the rule.")
    when: When | None = Field(None, description="The rule's condition; without one it always holds.")
    use: PolicySpec = Field(description="The policy that decides where the condition holds.")


class RulesSpec(Section):
    """Rules: the first whose condition holds decides."""

    rules: list[RuleSpec] = Field(min_length=1, description="The rules, in the order in which they are looked at.")

    @model_validator(mode="after")
    def _distinct(self) -> RulesSpec:
        names = [rule.name for rule in self.rules]
        twice = next((name for name in names if names.count(name) > 1), None)
        if twice is not None:
            raise Wrong(
                f"two rules are called '{twice}'.", "Give each rule a name of its own: records tell them apart by it."
            )
        return self


Weight = Annotated[float, Field(ge=0, allow_inf_nan=False)]


class FlaggedWeight(Section):
    """A weight that hangs on a feature flag."""

    flag: str = Field(description="The flag's name.")
    weights: dict[str, Weight] = Field(description="The weight for each of its variants; 0 for those left out.")

    @model_validator(mode="after")
    def _known(self, info: ValidationInfo) -> FlaggedWeight:
        check_variants(self.flag, self.weights, info)
        return self


class BranchSpec(Section):
    """A branch of a split."""

    use: PolicySpec = Field(description="The policy that decides for this share of the traffic.")
    weight: Annotated[
        Annotated[Weight, Tag("<number>")] | Annotated[FlaggedWeight, Tag("<flagged>")],
        Discriminator(lambda value: "<flagged>" if isinstance(value, dict | FlaggedWeight) else "<number>"),
    ] = Field(
        description="Its share, in proportion to the other weights; any positive number, or one for each variant of a "
        "flag: {flag: haiku-first, weights: {on: 10, off: 0}}.",
    )


class WeightedSpec(Section):
    """A split of the traffic. The chosen branch alone decides: put a fallback in it or around it."""

    weighted: list[BranchSpec] = Field(min_length=1, description="The branches.")

    @model_validator(mode="after")
    def _some_weight(self) -> WeightedSpec:
        if not any(branch.weight for branch in self.weighted if not isinstance(branch.weight, FlaggedWeight)):
            raise Wrong("no branch has a weight above 0 of its own.", "Give at least one a number above 0.")
        return self

    def by_flag(self) -> tuple[str, dict[str | None, WeightedSpec]] | None:
        """The first flag that a weight hangs on, and the split for each of its variants; None for all others."""
        flag = next((each.weight.flag for each in self.weighted if isinstance(each.weight, FlaggedWeight)), None)
        if flag is None:
            return None
        named = {
            variant: None
            for each in self.weighted
            if isinstance(each.weight, FlaggedWeight) and each.weight.flag == flag
            for variant in each.weight.weights
        }
        return flag, {variant: self._fixed(flag, variant) for variant in (*named, None)}

    def _fixed(self, flag: str, variant: str | None) -> WeightedSpec:
        """The split where the flag is that variant."""
        branches = [
            branch.model_copy(update={"weight": branch.weight.weights.get(variant or "", 0.0)})
            if isinstance(branch.weight, FlaggedWeight) and branch.weight.flag == flag
            else branch
            for branch in self.weighted
        ]
        return WeightedSpec.model_construct(weighted=branches)


class FlagUse(Section):
    """A feature flag, and the policy for what it is."""

    name: str = Field(description="The flag's name.")
    on: PolicySpec | None = Field(None, description="The policy that decides where the flag is `on`.")
    off: PolicySpec | None = Field(None, description="The policy that decides where it is `off`.")
    variants: dict[str, PolicySpec] = Field(
        default_factory=dict, description="The policy for each variant, where the flag has others."
    )

    @model_validator(mode="after")
    def _known(self, info: ValidationInfo) -> FlagUse:
        uses = self.uses()
        if not uses:
            raise Wrong("no policy hangs on it.", f"Write flag: {{name: {self.name}, on: ..., off: ...}}.")
        twice = next((name for name in self.variants if getattr(self, name, None) is not None), None)
        if twice in {"on", "off"}:
            raise Wrong(f"'{twice}' has two policies.", "Give each variant one.")
        check_variants(self.name, uses, info)
        return self

    def uses(self) -> dict[str, PolicySpec]:
        """The policy of each variant that has one."""
        plain = {name: policy for name in ("on", "off") if (policy := getattr(self, name)) is not None}
        return plain | self.variants

    def place(self, variant: str) -> tuple[str, ...]:
        """Where the policy of a variant stands, within the policy that this is of."""
        return ("flag", "variants", variant) if variant in self.variants else ("flag", variant)


class FlagSpec(Section):
    """A feature flag decides which policy does; where there is none for what it is, the next of the chain does."""

    flag: FlagUse = Field(description="The flag, and the policies.")


class FallbackSpec(Section):
    """A chain: the next after the failure of one; the same as a plain list."""

    fallback: list[PolicySpec] = Field(min_length=1, description="The chain, in the order in which it is tried.")


class StageSpec(Section):
    """A stage of a cascade."""

    use: PolicySpec = Field(description="The policy that answers at this stage.")
    accept: Accept | None = Field(None, description="What its answer must reach to be kept; the last stage has none.")
    draft: bool = Field(default=False, description="Show it the answer that was not kept, to do better.")


class Escalate(Section):
    """How many requests may be escalated."""

    at_most: float = Field(
        gt=0, lt=1, description="The share of the requests, at any time; the worst answers go first."
    )


class CascadeSpec(Section):
    """A cascade: a cheap answer is kept if it is sure enough, else the next stage answers."""

    cascade: list[StageSpec] = Field(min_length=2, description="The stages, cheapest first.")
    escalate: Escalate | None = Field(None, description="A bound on escalations.")

    @model_validator(mode="after")
    def _judged(self) -> CascadeSpec:
        first, *_ = *earlier, last = self.cascade
        if first.draft:
            raise Wrong("the first stage has no draft to be shown.", "Remove its `draft`.")
        if last.accept is not None:
            raise Wrong("the last stage cannot be refused.", "Remove its `accept`: nothing would answer after it.")
        if self.escalate is not None and len({stage.accept.worth is None for stage in earlier if stage.accept}) > 1:
            raise Wrong(
                "under a bound on escalations all stages judge alike: by `confidence`, or by `worth`.",
                "Give every `accept` the same one, or remove `escalate`.",
            )
        if any(stage.accept is None for stage in earlier):
            raise Wrong(
                "a stage before the last needs `accept`.",
                "Write accept: {confidence: 0.85}; else its answer is always kept.",
            )
        return self


class UtilitySpec(Section):
    """What an answer is worth: the target is chosen whose answer is worth the most, less its cost and the wait."""

    answer: float = Field(gt=0, allow_inf_nan=False, description="What an acceptable answer is worth, in USD.")
    second: float = Field(0.0, ge=0, allow_inf_nan=False, description="What a second of waiting costs, in USD.")


class ClassifierSettings(Section):
    """What the classifier is, what it may choose, and how."""

    by: str = Field(min_length=1, description="The file that `turnout train` made, relative to this one.")
    among: Annotated[dict[str, PolicySpec], BeforeValidator(_by_name)] = Field(
        min_length=2,
        description="What may be chosen: a list of targets, or a mapping from the classifier's targets or categories "
        "to policies.",
        examples=[["haiku", "sonnet"], {"faq": ["llama-8b", "haiku"], "legal": ["sonnet"]}],
    )
    at_least: float | None = Field(
        None,
        gt=0,
        lt=1,
        description="The cheapest target is chosen whose answer is acceptable with this probability; of categories, "
        "how probable the chosen one must be.",
    )
    gain: float | None = Field(
        None,
        ge=0,
        lt=1,
        description="How much likelier than a cheaper one's a dearer target's answer must be to be acceptable, so that "
        "it is chosen.",
    )
    utility: UtilitySpec | None = Field(None, description="Chooses by value instead.")
    margin: float = Field(
        0.02,
        ge=0,
        lt=0.5,
        description="How near to the boundary the classifier declines and the next policy decides: where bars "
        "that much higher or lower would have chosen otherwise.",
    )

    @model_validator(mode="after")
    def _one_way(self) -> ClassifierSettings:
        if self.utility is not None and (self.at_least is not None or self.gain is not None):
            raise Wrong("it chooses by a bar and by value.", "Give either `utility`, or `at_least` and `gain`.")
        return self


class ClassifierSpec(Section):
    """A classifier: predicts for each target whether its answer will do, what it costs and takes, and chooses one.

    It declines what is like nothing that it was trained on, and what lies near the boundary: put it first in a list,
    and the next policy decides.
    """

    classifier: ClassifierSettings = Field(description="The classifier.")


class ExploreSettings(Section):
    """How much of the traffic is sent where chance says, and where else."""

    share: float = Field(gt=0, le=1, description="The share of the requests, 0.02 say.")
    among: list[TargetName] = Field(
        min_length=1, description="The targets that chance chooses among, each as often as the others."
    )
    use: PolicySpec = Field(description="The policy that decides for all others, and where what was tried fails.")

    @model_validator(mode="after")
    def _distinct(self) -> ExploreSettings:
        twice = next((name for name in self.among if self.among.count(name) > 1), None)
        if twice is not None:
            raise Wrong(f"target '{twice}' is named twice.", "Name each target once.")
        return self


class ExploreSpec(Section):
    """Exploration: a small share is answered by a target that chance chooses, with its probability in the record.

    `turnout evaluate` then knows what other policies would have come to.
    """

    explore: ExploreSettings = Field(description="The share, the targets and the policy.")


class FromConfig(Section):
    """From when on a step holds: as soon as one of these is reached."""

    used: ShareOfBudget | None = Field(None, description="The share of a budget that was spent.")
    pace: ShareOfPace | None = Field(
        None, description="What was spent, as a share of what an even pace would have spent by now."
    )
    margin: ShareOfRevenue | None = Field(
        None, description="The share of the tenant's `revenue` to date that is left, and falls below this."
    )

    @model_validator(mode="after")
    def _something(self) -> FromConfig:
        if self.used is None and self.pace is None and self.margin is None:
            raise Wrong("it says nothing.", "Give `used`, `pace` or `margin`, like since: {used: 80%}.")
        return self


class RungSpec(Section):
    """A step of the ladder: a policy, or nobody."""

    since: FromConfig | None = Field(
        None, description="From when on the step holds; the first holds from the beginning."
    )
    use: PolicySpec | None = Field(None, description="The policy that decides on this step.")
    call: Literal["nobody"] | None = Field(
        None, description="Instead of `use`: `nobody` is called, and the request is refused."
    )
    cached: bool = Field(
        default=True, description="Where nobody is called, whether answers in the route's cache are still given."
    )

    @model_validator(mode="after")
    def _one(self) -> RungSpec:
        if (self.use is None) == (self.call is None):
            raise Wrong("a step has either `use` or `call: nobody`.", "Write one of them.")
        return self


class LadderConfig(Section):
    """What is done as budgets are used up."""

    of: str | None = Field(
        None, description="The name of the budget that counts (`acme/tenant-month`); by default any that applies."
    )
    steps: list[RungSpec] = Field(min_length=2, description="From where all is well downwards.")

    @model_validator(mode="after")
    def _in_order(self) -> LadderConfig:
        if self.steps[0].since is not None or self.steps[0].use is None:
            raise Wrong("the first step is for when all is well.", "Give it `use` and no `since`.")
        if any(step.since is None for step in self.steps[1:]):
            raise Wrong("a step after the first has no `since`.", "Say from when on it holds: since: {used: 80%}.")
        return self


class BudgetSpec(Section):
    """A ladder: as a budget is used up, runs ahead of pace, or the margin falls, requests go down its steps."""

    budget: LadderConfig = Field(description="The steps.")


def _kind(value: Any) -> str | None:
    match value:
        case str():
            return "<target>"
        case list() | Chain():
            return "<chain>"
        case Section():
            return f"<{next(iter(type(value).model_fields))}>"
        case dict():
            kinds = [kind for kind in KINDS if kind in value]
            return f"<{kinds[0]}>" if len(kinds) == 1 else None
    return None


PolicySpec = Annotated[
    Annotated[TargetName, Tag("<target>")]
    | Annotated[Chain, Tag("<chain>")]
    | Annotated[RulesSpec, Tag("<rules>")]
    | Annotated[WeightedSpec, Tag("<weighted>")]
    | Annotated[FastestSpec, Tag("<fastest>")]
    | Annotated[CheapestSpec, Tag("<cheapest>")]
    | Annotated[BestSpec, Tag("<best>")]
    | Annotated[FallbackSpec, Tag("<fallback>")]
    | Annotated[CascadeSpec, Tag("<cascade>")]
    | Annotated[ClassifierSpec, Tag("<classifier>")]
    | Annotated[BudgetSpec, Tag("<budget>")]
    | Annotated[FlagSpec, Tag("<flag>")]
    | Annotated[ExploreSpec, Tag("<explore>")],
    Discriminator(
        _kind,
        custom_error_type="policy",
        custom_error_message="a policy is a target's name, a list, or a mapping with one key: "
        + ", ".join(KINDS)
        + ".",
    ),
]
"""A policy as the configuration writes it; policies nest wherever `use` stands, and in lists."""


def nested(spec: PolicySpec) -> list[tuple[tuple[str | int, ...], PolicySpec]]:
    """The policies directly within `spec`, each with its place in it."""
    match spec:
        case Chain():
            return [((index,), element) for index, element in enumerate(spec.root)]
        case FallbackSpec():
            return [(("fallback", index), element) for index, element in enumerate(spec.fallback)]
        case RulesSpec():
            return [(("rules", index, "use"), rule.use) for index, rule in enumerate(spec.rules)]
        case WeightedSpec():
            return [(("weighted", index, "use"), branch.use) for index, branch in enumerate(spec.weighted)]
        case CascadeSpec():
            return [(("cascade", index, "use"), stage.use) for index, stage in enumerate(spec.cascade)]
        case ClassifierSpec():
            return [(("classifier", "among", name), use) for name, use in spec.classifier.among.items()]
        case BudgetSpec():
            steps = enumerate(spec.budget.steps)
            return [(("budget", "steps", index, "use"), step.use) for index, step in steps if step.use is not None]
        case FlagSpec():
            return [(spec.flag.place(variant), use) for variant, use in spec.flag.uses().items()]
        case ExploreSpec():
            among = [(("explore", "among", index), target) for index, target in enumerate(spec.explore.among)]
            return [(("explore", "use"), spec.explore.use), *among]
        case FastestSpec():
            return [(("fastest", index), target) for index, target in enumerate(spec.fastest)]
        case CheapestSpec():
            return [(("cheapest", index), target) for index, target in enumerate(spec.cheapest)]
        case BestSpec():
            return [(("best", "among", target), target) for target in spec.best.among]
    return []


def artefacts(spec: PolicySpec) -> list[str]:
    """The files of what was learnt that a policy names, as they are written."""
    named = []
    if isinstance(spec, ClassifierSpec):
        named.append(spec.classifier.by)
    if isinstance(spec, CascadeSpec):
        for accept in (stage.accept for stage in spec.cascade if stage.accept is not None):
            named += [accept.by] if accept.by is not None else []
            named += [accept.gate.by] if accept.gate is not None else []
    return named + [file for _, inner in nested(spec) for file in artefacts(inner)]
