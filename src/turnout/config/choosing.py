"""Policies that choose among targets by what they cost, how quick they are, and how good."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field, model_validator

from turnout.config.values import Duration, Section, TargetName, Wrong

Weight = Annotated[float, Field(ge=0, allow_inf_nan=False)]


class FastestSpec(Section):
    """The fastest of some targets, by what recent calls say; the others follow as its fallbacks."""

    fastest: list[TargetName] = Field(min_length=2, description="Targets that answer alike; two or more.")

    @model_validator(mode="after")
    def _distinct(self) -> FastestSpec:
        _each_once(self.fastest)
        return self


class CheapestSpec(Section):
    """The cheapest of some targets for this request, by their prices; the others follow as its fallbacks."""

    cheapest: list[TargetName] = Field(min_length=2, description="Targets that would all do; two or more.")

    @model_validator(mode="after")
    def _distinct(self) -> CheapestSpec:
        _each_once(self.cheapest)
        return self


class WeightsConfig(Section):
    """How much each matters, in proportion; each is scaled between the worst and the best of the targets."""

    quality: Weight = Field(1.0, description="The weight of the declared quality.")
    cost: Weight = Field(1.0, description="The weight of what the answer will cost.")
    latency: Weight = Field(1.0, description="The weight of how long it will take, by recent calls.")

    @model_validator(mode="after")
    def _some(self) -> WeightsConfig:
        if not self.quality + self.cost + self.latency:
            raise Wrong("no weight is above 0.", "Give at least one of quality, cost and latency a weight.")
        return self


class AtMost(Section):
    """Hard ceilings: a target above one is not asked, whatever its score."""

    cost_usd: float | None = Field(None, gt=0, description="Of the request, in USD.")
    latency: Duration | None = Field(
        None, description="Until the answer is there, or until the first token of a stream."
    )


class BestConfig(Section):
    """Quality, cost and latency together."""

    among: dict[TargetName, Annotated[float, Field(ge=0, le=1)]] = Field(
        min_length=2, description="Targets and the quality of each, from 0 to 1, as you have measured or judge it."
    )
    weights: WeightsConfig = Field(default_factory=WeightsConfig, description="How much each matters.")
    at_most: AtMost = Field(default_factory=AtMost, description="Hard ceilings.")


class BestSpec(Section):
    """The best of some targets by quality, cost and latency; the others within the ceilings follow as its fallbacks.

    Where every target is over a ceiling it declines: put it first in a list, and the next policy decides.
    """

    best: BestConfig = Field(description="The targets, the weights and the ceilings.")


def _each_once(targets: list[str]) -> None:
    twice = next((name for name in targets if targets.count(name) > 1), None)
    if twice is not None:
        raise Wrong(f"target '{twice}' is named twice.", "Name each target once.")
